import Queue

/// A retry schedule for some recipients, some refusals, or both.
public struct RetryRule: Sendable, Hashable {
    /// Whose refusals it is about.
    public enum Scope: Sendable, Hashable {
        case everybody
        case account(String)
        /// By the campaign's name.
        case campaign(String)
        /// By the name under which a provider's domains are counted (`DomainGroup`).
        case domain(String)
    }

    /// Which refusals it is about.
    public enum Cause: Sendable, Hashable {
        case any
        case kind(ReplyKind)
        /// The id of a reply rule.
        case rule(String)
    }

    public var scope: Scope
    public var cause: Cause
    public var schedule: RetrySchedule

    public init(scope: Scope, cause: Cause, schedule: RetrySchedule) {
        self.scope = scope
        self.cause = cause
        self.schedule = schedule
    }

    /// The cause counts before the scope: what was said tells more than to whom it was said.
    fileprivate var rank: Int {
        let scope =
            switch scope {
            case .everybody: 0
            case .account: 1
            case .campaign: 2
            case .domain: 3
            }
        return switch cause {
        case .any: scope
        case .kind: 4 + scope
        case .rule: 8 + scope
        }
    }

    fileprivate func holds(group: String, _ kind: ReplyKind, _ rule: String) -> Bool {
        if case .domain(let name) = scope, name != group { return false }
        return switch cause {
        case .any: true
        case .kind(let wanted): wanted == kind
        case .rule(let wanted): wanted == rule
        }
    }
}

extension [RetryRule] {
    /// Those that can hold for an account's campaign.
    public func holding(account: String, campaign: String?) -> [RetryRule] {
        filter {
            switch $0.scope {
            case .everybody, .domain: true
            case .account(let name): name == account
            case .campaign(let name): name == campaign
            }
        }
    }

    /// The most specific one: of a reply rule before of a kind before of any refusal; within each, of a domain before of
    /// a campaign before of an account before of everybody. Nil when none holds.
    public func rule(domain: String, kind: ReplyKind, rule: String) -> RetryRule? {
        guard !isEmpty else { return nil }
        let group = DomainGroup.key(domain)
        return filter { $0.holds(group: group, kind, rule) }.max { $0.rank < $1.rank }
    }
}
