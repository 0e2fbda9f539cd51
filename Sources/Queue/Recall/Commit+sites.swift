import Clock
import GRDB

/// What was found out about the MX hosts of a domain.
public struct SiteFinding: Sendable, Hashable {
    public enum Answer: Sendable, Hashable {
        /// The name under which its hosts are counted; see `SiteName`.
        case site(String)
        /// It has none, or takes no mail: it stands for itself.
        case itself
        /// Nobody answered: what is known stays, and it is asked again before long.
        case unknown
    }

    /// ASCII, lower case.
    public let domain: String
    public let answer: Answer
    /// How long the answer holds.
    public let lasts: Duration

    /// - Parameter lasts: the record's time to live; it is kept between five minutes and a day.
    public init(domain: String, answer: Answer, lasts: Duration) {
        self.domain = domain
        self.answer = answer
        self.lasts = answer == .unknown ? .seconds(300) : min(max(lasts, .seconds(300)), .seconds(86_400))
    }
}

/// Domains that share their MX hosts are one destination with one ledger. Who joins it brings along what was sent to
/// it: the ledger begins anew and is filled by a recall, for grants of two ledgers cannot be numbered together in place.
extension Commit {
    func sites() throws -> SiteTable {
        if let known = siteTable { return known }
        let made = SiteTable(try prepare(SiteTable.select))
        siteTable = made
        return made
    }

    /// Whether a domain's hosts are known well enough to count by.
    func isLocated(_ domain: String) throws -> Bool {
        guard DomainGroup.isLookedUp(domain) else { return true }
        return try sites().entry(domain).map { $0.expires > now.queue } ?? false
    }

    func learn(_ findings: [SiteFinding]) throws {
        var stale: Set<String> = []
        var moved = false
        let upsert = try prepare("INSERT OR REPLACE INTO site (domain, site, looked, expires) VALUES (?, ?, ?, ?)")
        for finding in findings where DomainGroup.isLookedUp(finding.domain) {
            let before = try sites().group(finding.domain)
            let after =
                switch finding.answer {
                case .site(let name): name
                case .itself: finding.domain
                case .unknown: before
                }
            upsert.bind(1, finding.domain)
            upsert.bind(2, after)
            upsert.bind(3, now.queue)
            upsert.bind(4, now.queue + finding.lasts.inMicroseconds)
            try upsert.run()
            siteTable = nil
            guard before != after, try join(finding.domain, from: before, to: after, &stale) else { continue }
            moved = true
        }
        if !stale.isEmpty {
            let recall = try insertRecall(.someDomains)
            for group in stale.sorted() {
                if let old = try knownKey(.domain, group) { try archive("id = \(old)") }
                _ = try insertKey(.domain, group, recall: recall)
            }
        }
        if moved { try recharge() }
    }

    /// - Returns: whether anything was sent to the domain that the ledger of its group must know.
    private func join(_ domain: String, from old: String, to new: String, _ stale: inout Set<String>) throws -> Bool {
        guard try recall(of: .domains) != nil, let key = try knownKey(.domain, old) else { return false }
        let work = try cap(key)
        guard work.open > 0 || work.seq > work.base else { return false }
        if old == domain, try knownKey(.domain, new) == nil, try !hasMembers(old) {
            // Nobody else is in either: the ledger is the destination's as it is.
            let rename = try prepare("UPDATE cap_key SET key = ?2 WHERE id = ?1")
            rename.bind(1, key)
            rename.bind(2, new)
            try rename.run()
            forgetKeys()
            return false
        }
        stale.insert(new)
        return true
    }

    private func hasMembers(_ site: String) throws -> Bool {
        let query = try prepare("SELECT 1 FROM site WHERE site = ? LIMIT 1")
        query.bind(1, site)
        defer { query.reset() }
        return try query.step()
    }

    private func knownKey(_ scope: LimitScope, _ key: String) throws -> Int64? {
        let query = try prepare("SELECT id FROM cap_key WHERE scope = ? AND key = ?")
        query.bind(1, scope.code)
        query.bind(2, key)
        defer { query.reset() }
        return try query.step() ? query.integer(0) : nil
    }

    /// Of these domains, which must be looked up, and until when the others are known.
    func located(_ domains: [String]) throws -> [String: Int64] {
        var known: [String: Int64] = [:]
        for domain in domains {
            guard DomainGroup.isLookedUp(domain) else {
                known[domain] = Int64.max
                continue
            }
            if let entry = try sites().entry(domain), entry.expires > now.queue { known[domain] = entry.expires }
        }
        return known
    }

    /// Domains that were sent to within `window` and never looked up, those with the most messages first.
    func unlocated(within window: Int64, limit: Int) throws -> [String] {
        // A row a destination, once a runner.
        let query = try prepare(
            """
            SELECT key FROM cap_key WHERE scope = 2 AND recall IS NOT NULL AND (last_at > ?1 OR open > 0)
                AND NOT EXISTS (SELECT 1 FROM site WHERE domain = cap_key.key OR site = cap_key.key)
            ORDER BY seq - base DESC
            """)
        query.bind(1, now.queue - window)
        var found: [String] = []
        while found.count < limit, try query.step() {
            let domain = query.text(0)
            if DomainGroup.isLookedUp(domain) { found.append(domain) }
        }
        query.reset()
        return found
    }
}
