import Clock

/// A route (account, source, server) that is to be left alone for a while, and the reply that caused it.
public struct Rest: Sendable, Hashable {
    public var account: String
    public var source: String
    /// Host and port.
    public var server: String
    public var until: Timestamp
    public var since: Timestamp
    /// The reply rule's id.
    public var rule: String
    public var reply: String
    /// What it was the answer to; nil when no session could be opened.
    public var attempt: Int64?

    public init(
        account: String, source: String, server: String, until: Timestamp, since: Timestamp, rule: String,
        reply: String, attempt: Int64? = nil
    ) {
        self.account = account
        self.source = source
        self.server = server
        self.until = until
        self.since = since
        self.rule = rule
        self.reply = reply
        self.attempt = attempt
    }
}

/// A rest as it is kept, in force or over.
public struct RestRecord: Sendable, Identifiable, Hashable {
    public enum Ending: String, Sendable { case time, lifted, longer }

    public let id: Int64
    public let rest: Rest
    /// How it ends or ended: by itself, by hand, or by a longer one of the same route.
    public let ending: Ending
    public let isInForce: Bool
    /// Whose message was answered so; nil when a session was refused, or the campaign is not known.
    public let campaign: String?
    public let email: String?
    /// The n-th rest of the route without a message sent in between.
    public let inARow: Int
    /// Answers that asked for a rest while it lasted.
    public let answers: Int
    /// Who ended it, `ann@host`; empty when nobody did, or it was not written down.
    public let liftedBy: String
}

/// What a runner is told at each heartbeat.
public struct RunnerOrders: Sendable, Equatable {
    /// The campaign's state: only `sending` lets anything begin.
    public var state: CampaignState
    /// The last rest of the runner's route, whoever asked for it, in force or not.
    public var rest: RouteRest?
}

/// The last rest of a route, as its runners need it.
public struct RouteRest: Sendable, Equatable {
    public var id: Int64
    public var until: Timestamp
    /// Somebody ended it by hand.
    public var isLifted: Bool
    public var reply: String

    public init(id: Int64, until: Timestamp, isLifted: Bool, reply: String) {
        self.id = id
        self.until = until
        self.isLifted = isLifted
        self.reply = reply
    }
}

/// A route by name.
public struct RouteName: Sendable, Hashable {
    public var account: String
    public var source: String
    public var server: String

    public init(account: String, source: String, server: String) {
        self.account = account
        self.source = source
        self.server = server
    }
}
