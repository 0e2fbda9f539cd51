import Clock

/// What a limit counts by.
public enum LimitScope: String, Sendable, Codable, CaseIterable {
    case source, account, domain, campaign

    var code: Int64 {
        switch self {
        case .source: 0
        case .account: 1
        case .domain: 2
        case .campaign: 3
        }
    }

    init(code: Int64) {
        switch code {
        case 0: self = .source
        case 1: self = .account
        case 2: self = .domain
        default: self = .campaign
        }
    }
}

/// At most `count` messages in any window of `perMicroseconds`, wherever it is laid.
public struct Limit: Sendable, Hashable, Codable {
    public var scope: LimitScope
    /// The one key it is for (an account's name, a domain); nil holds for each key by itself.
    public var key: String?
    public var count: Int
    public var perMicroseconds: Int64
    /// A warm-up: the n-th number holds instead of `count` on the n-th day after the key's first grant ever, and after
    /// the last of them the limit holds no more. nil for an ordinary limit.
    public var warmup: [Int]?

    /// The warm-up of an account: a rolling cap for each of its first days of 24 hours.
    public static func warmup(account: String, _ days: [Int]) -> Limit {
        var limit = Limit(scope: .account, key: account, count: days.max() ?? 1, perMicroseconds: dayLength)
        limit.warmup = days
        return limit
    }

    static let dayLength: Int64 = 86_400_000_000

    /// How many are allowed at `time`, and up to when that stays so.
    /// - Parameter first: queue time of the key's first grant; nil or 0 before it.
    /// - Returns: nil once the warm-up is over.
    func allowance(first: Int64?, at time: Int64) -> (count: Int, until: Int64?)? {
        guard let warmup else { return (count, nil) }
        guard let first, first > 0 else { return warmup.first.map { ($0, nil) } }
        let day = Int(max(0, time - first) / Self.dayLength)
        guard day < warmup.count else { return nil }
        return (warmup[day], first + Int64(day + 1) * Self.dayLength)
    }

    public init(scope: LimitScope, key: String? = nil, count: Int, perMicroseconds: Int64) {
        self.scope = scope
        self.key = key
        self.count = count
        self.perMicroseconds = perMicroseconds
    }

    public init(scope: LimitScope, key: String? = nil, count: Int, per: Duration) {
        self.init(scope: scope, key: key, count: count, perMicroseconds: per.inMicroseconds)
    }

    public var perSeconds: Double { Double(perMicroseconds) / 1_000_000 }

    /// Whether it can hold for what an account sends from a source: one with the key of another says nothing about it.
    public func holds(account: String, source: String) -> Bool {
        switch scope {
        case .account: applies(to: account)
        case .source: applies(to: source)
        case .domain, .campaign: true
        }
    }

    func applies(to name: String) -> Bool {
        guard let key else { return true }
        return scope == .domain ? DomainGroup.key(key) == name : key == name
    }
}

/// What is left of a limit for one key.
public struct LimitUse: Sendable, Hashable {
    public let scope: LimitScope
    public let key: String
    public let perSeconds: Double
    public let count: Int
    /// Grants in the window that ends now, those of messages in flight included.
    public let used: Int
    /// When the oldest counted grant leaves the window; nil when none is counted.
    public let nextFree: Timestamp?
    /// Which day of a warm-up it is, from 1; nil for an ordinary limit.
    public let warmupDay: Int?
    /// What was sent before this is not counted, though the window reaches behind it: retention had taken it out when the
    /// cap came. nil where all is counted.
    public var knownSince: Timestamp?
    /// The cap counts as used up until then, whatever was sent from here: the queue was claimed, and what was sent from
    /// elsewhere before that is unknown. nil where it is not so.
    public var unknownUntil: Timestamp?

    /// What a limit has left where nothing was ever sent, so that there is no queue to ask. Nil for one that needs
    /// a recipient or a campaign to be counted by.
    public static func untouched(_ limit: Limit, account: String, source: String) -> LimitUse? {
        let key: String? =
            switch limit.scope {
            case .source: limit.key ?? source
            case .account: limit.key ?? account
            case .domain: limit.key.map(DomainGroup.key)
            case .campaign: nil
            }
        return key.map {
            LimitUse(
                scope: limit.scope, key: $0, perSeconds: limit.perSeconds, count: limit.count, used: 0, nextFree: nil,
                warmupDay: nil)
        }
    }
}
