import Queue

/// How the connection to the server is protected. There is no opportunistic mode: what is asked for is had, or nothing
/// is sent.
public enum TLSMode: String, Sendable, CaseIterable {
    /// TLS from the first byte (RFC 8314 §3.3, usually port 465).
    case implicit
    /// The STARTTLS command, required (RFC 3207, usually port 587).
    case starttls
    /// No protection; no login is ever sent over it.
    case none
}

/// A mechanism of SMTP AUTH (RFC 4954).
public enum AuthMethod: String, Sendable, CaseIterable {
    /// RFC 4616.
    case plain
    /// The unregistered but common two-question form.
    case login
    /// RFC 2195; for servers that offer nothing better.
    case cramMD5 = "cram-md5"
    /// RFC 7677.
    case scramSHA256 = "scram-sha-256"
    /// A bearer token in the place of the password.
    case xoauth2
}

/// How the allowance of a window is spent.
public enum Pace: String, Sendable, CaseIterable {
    /// As fast as the caps allow.
    case burst
    /// Spread over the window.
    case even
}

/// The waits of a dialogue (RFC 5321 §4.5.3.2).
public struct Timeouts: Sendable, Hashable {
    /// Connecting, and the TLS handshake.
    public var connect: Duration
    /// A command's reply, and each write.
    public var reply: Duration
    /// The reply to the final dot.
    public var final: Duration
    /// How long an open session may lie idle before it is ended with QUIT.
    public var idle: Duration

    public init(
        connect: Duration = .seconds(30), reply: Duration = .seconds(300), final: Duration = .seconds(600),
        idle: Duration = .seconds(60)
    ) {
        self.connect = connect
        self.reply = reply
        self.final = final
        self.idle = idle
    }
}

/// A login at a provider, or a server that takes mail without one, and everything that bounds its use.
public struct Account: Sendable {
    public var name: String
    public var host: String
    public var port: UInt16
    public var tls: TLSMode
    /// A PEM file of further trust anchors.
    public var caFile: String?
    /// No user: no AUTH.
    public var user: String?
    /// `nil` chooses the best the server offers.
    public var auth: AuthMethod?
    /// Asked for once a session, at login; the answer is kept nowhere.
    public var password: @Sendable () async throws -> String
    /// The local address to connect from.
    public var source: String?
    /// The name sent in EHLO; without one, an address literal of the local end (RFC 5321 §4.1.3).
    public var helo: String?
    /// Connections kept open at once.
    public var sessions: Int
    /// After so many messages a session is ended and opened anew.
    public var messagesPerSession: Int
    public var pace: Pace
    /// What holds where no rule of `retries` does.
    public var retry: RetrySchedule
    /// Whether somebody chose `retry`: then no reply rule's own least wait stretches it, only the server's word.
    public var retryIsChosen: Bool
    /// Schedules for some recipients or some refusals; those of other accounts and campaigns are not in it.
    public var retries: [RetryRule]
    public var timeouts: Timeouts
    public var limits: [Limit]
    /// When messages may be begun; nil for always. A campaign's own window holds beside it.
    public var window: SendingWindow?
    /// The share (0…1) of final refusals among a campaign's last hundred answers from which on it is paused, before the
    /// whole list is burnt (`Queue.startRunner`); nil never pauses.
    public var refusals: Double?

    public init(
        name: String, host: String, port: UInt16, tls: TLSMode, caFile: String? = nil, user: String? = nil,
        auth: AuthMethod? = nil, password: @escaping @Sendable () async throws -> String = { "" },
        source: String? = nil, helo: String? = nil, sessions: Int = 4, messagesPerSession: Int = 100,
        pace: Pace = .burst, retry: RetrySchedule = .standard, retryIsChosen: Bool = false, retries: [RetryRule] = [],
        timeouts: Timeouts = Timeouts(), limits: [Limit] = [], window: SendingWindow? = nil, refusals: Double? = 0.5
    ) {
        self.name = name
        self.host = host
        self.port = port
        self.tls = tls
        self.caFile = caFile
        self.user = user
        self.auth = auth
        self.password = password
        self.source = source
        self.helo = helo
        self.sessions = max(1, sessions)
        self.messagesPerSession = max(1, messagesPerSession)
        self.pace = pace
        self.retry = retry
        self.retryIsChosen = retryIsChosen
        self.retries = retries
        self.timeouts = timeouts
        self.limits = limits
        self.window = window
        self.refusals = refusals
    }

    /// What caps of scope `source` are kept under.
    public var sourceKey: String { source ?? "default" }
    /// `smtp.qq.com:465`, as the log names it.
    public var server: String { "\(host):\(port)" }
}
