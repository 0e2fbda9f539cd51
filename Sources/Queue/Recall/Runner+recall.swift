import Clock

extension Runner {
    /// Takes in what was sent before its limits counted it, as far back as their windows reach; others go on sending.
    /// `startRunner` does it before it returns. It is to be done again when `learn` says so.
    /// - Parameter goesOn: asked between two steps; false ends it early, and what is not known is answered `.unready`.
    public func recall(goesOn: @Sendable () -> Bool = { true }) async throws {
        let (need, campaign) = (recallNeed, campaign)
        guard !need.isNothing else { return }
        while try await !write({ try $0.recallSome(need, campaign: campaign) }), goesOn(), !Task.isCancelled {
            // So that whoever else wants to write comes to it.
            try? await Task.sleep(for: .milliseconds(1))
        }
    }

    /// Until when the MX hosts of domains are known; who is missing has to be looked up.
    public func located(_ domains: [String]) async throws -> [String: Timestamp] {
        try await write { commit in
            try commit.located(domains).mapValues {
                $0 == Int64.max ? Timestamp(microseconds: $0) : commit.now.wall($0)
            }
        }
    }

    /// Domains that were sent to within the windows of the limits by domain and were never looked up, and the domains
    /// that these limits name.
    public func unlocatedDomains(limit: Int) async throws -> [String] {
        guard let window = recallNeed.domains else { return [] }
        let named = domainLimitNames
        return try await write { commit in
            let known = try commit.located(named)
            return try named.filter { known[$0] == nil } + commit.unlocated(within: window, limit: limit)
        }
    }

    /// Keeps what name servers said. What was sent to a domain that thereby joins others counts for them from this
    /// commit on, as soon as it is recalled: until then what they are sent is answered `.unready`.
    public func learn(_ findings: [SiteFinding]) async throws {
        guard !findings.isEmpty else { return }
        try await write { try $0.learn(findings) }
    }
}
