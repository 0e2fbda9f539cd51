import Clock

/// What a runner says of itself at each heartbeat, for whoever watches.
public struct RunnerStatus: Sendable, Hashable, Codable {
    /// Why nothing moves, or nothing more; nil while it sends.
    public var waitingFor: String?
    /// When that ends, if it ends by itself.
    public var until: Timestamp?
    public var sessions: [SessionStatus]
    /// The same as a word and a name, for the history of what was waited for; nil while it sends.
    public var cause: WaitCause?

    public init(
        waitingFor: String? = nil, until: Timestamp? = nil, sessions: [SessionStatus] = [], cause: WaitCause? = nil
    ) {
        self.waitingFor = waitingFor
        self.until = until
        self.sessions = sessions
        self.cause = cause
    }
}

/// One SMTP connection of a runner.
public struct SessionStatus: Sendable, Hashable, Codable {
    public var number: Int
    public var server: String
    /// What it is doing, in one or two words.
    public var state: String
    /// Whom it is sending to.
    public var recipient: String?
    public var since: Timestamp
    /// Messages handed over on this connection.
    public var sent: Int

    public init(
        number: Int, server: String, state: String, recipient: String? = nil, since: Timestamp, sent: Int = 0
    ) {
        self.number = number
        self.server = server
        self.state = state
        self.recipient = recipient
        self.since = since
        self.sent = sent
    }
}

/// A runner: one that lives, or one whose process is gone.
public struct RunnerRecord: Sendable, Identifiable {
    public let id: Int64
    public let campaign: Int64
    public let process: Int32
    public let host: String
    public let account: String
    public let source: String
    public let started: Timestamp
    public let heartbeat: Timestamp
    public let status: RunnerStatus
}

/// What dead runners left, and was put in order.
public struct Recovery: Sendable, Hashable {
    /// How many dead runners were found.
    public var runners = 0
    /// How many of their attempts were open, whatever the policy made of their recipients.
    public var inDoubt = 0

    public init() {}
}

/// Something worth remembering that is no attempt.
public struct EventRecord: Sendable, Identifiable {
    public let id: Int64
    /// nil for the queue as a whole.
    public let campaign: Int64?
    public let at: Timestamp
    /// A word to sort by, such as `pause` or `recovery`.
    public let kind: String
    public let text: String
    /// Who gave the order, `ann@host`; empty for what happened by itself or was not written down.
    public let by: String

    init(id: Int64, campaign: Int64?, at: Timestamp, kind: String, stored: String) {
        (self.id, self.campaign, self.at, self.kind) = (id, campaign, at, kind)
        (text, by) = Self.taken(stored)
    }

    private static let separator: Character = "\u{1F}"

    /// Text and name share the table's column of text; what was stored before names were has no separator.
    static func stored(_ text: String, by: String) -> String { by.isEmpty ? text : "\(text)\(separator)\(by)" }

    private static func taken(_ stored: String) -> (String, String) {
        guard let end = stored.lastIndex(of: separator) else { return (stored, "") }
        return (String(stored[..<end]), String(stored[stored.index(after: end)...]))
    }
}
