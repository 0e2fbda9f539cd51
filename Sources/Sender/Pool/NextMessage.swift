import Clock
import Dispatch
import Queue

/// What a run that waits really waits for, and until when its next message can really go: what the gate knows is the one
/// obstacle it met; behind it may stand a cap, or the end of the sending hours.
struct NextMessage: Sendable {
    private let queue: Queue
    private let campaign: Campaign
    private let account: Account
    private let limits: [Limit]

    /// - Parameter campaign: as it was when the run began; its schedule and limits hold beside the account's.
    init(_ queue: Queue, _ campaign: Campaign, _ account: Account) {
        self.queue = queue
        self.campaign = campaign
        self.account = account
        limits = account.limits + campaign.limits
    }

    /// The reason with its real moment; a wait for another try that is a wait for room under a domain's cap becomes that.
    func foreseen(_ reason: WaitReason) async throws -> WaitReason {
        switch reason {
        case .cap(let limit, let key, let until):
            return .cap(limit, key: key, until: try await read { [self] in try moment($0, from: until) })
        case .claim(let limit, let key, let until):
            return .claim(limit, key: key, until: try await read { [self] in try moment($0, from: until) })
        case .retry(let until):
            return try await read { [self] queue in
                let domain = try limits.contains { $0.scope == .domain } ? queue.domainDueFirst(campaign.id) : nil
                let moment = try moment(queue, from: until, domain: domain)
                guard let domain, let full = try fullLimit(queue, domain) else { return .retry(until: moment) }
                return full.isUnknown
                    ? .claim(full.limit, key: full.key, until: moment) : .cap(full.limit, key: full.key, until: moment)
            }
        case .rest(let until, let reply):
            return .rest(until: try await read { [self] in try moment($0, from: until) }, reply: reply)
        case .closed, .reconnect, .pace, .history, .others, .turn, .nothing: return reason
        }
    }

    private func moment(_ queue: Queue, from time: Timestamp, domain: String? = nil) throws -> Timestamp {
        try queue.nextBegin(
            campaign, from: time, limits: limits, account: account.name, source: account.sourceKey,
            window: account.window, isEven: account.pace == .even, domain: domain)
    }

    /// Who is due first may wait for no retry, but for room under a cap of his domain.
    private func fullLimit(_ queue: Queue, _ domain: String) throws -> (limit: Limit, key: String, isUnknown: Bool)? {
        let group = DomainGroup.key(domain)
        var last: (limit: Limit, use: LimitUse)?
        for limit in limits
        where limit.scope == .domain && (limit.key.map { DomainGroup.key($0) == group } ?? true) {
            let uses = try queue.limitUse(
                [limit], account: account.name, source: account.sourceKey, domains: [domain], campaign: campaign.id)
            guard let use = uses.first, use.used >= use.count, let free = use.nextFree else { continue }
            if last?.use.nextFree.map({ free > $0 }) ?? true { last = (limit, use) }
        }
        return last.map { ($0.limit, $0.use.key, $0.use.unknownUntil != nil) }
    }

    /// SQLite is not called on the cooperative pool, where a wait for the disk would hold up others.
    func read<T: Sendable>(_ body: @escaping @Sendable (Queue) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { [queue] in
                continuation.resume(with: Result { try body(queue) })
            }
        }
    }
}
