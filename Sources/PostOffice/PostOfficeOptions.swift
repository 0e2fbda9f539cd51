import Clock

/// How a post office listens, whom it lets in, and how it misbehaves.
public struct PostOfficeOptions: Sendable {
    public enum TLS: String, Sendable, CaseIterable { case none, starttls, implicit }

    /// An address in numbers, or `localhost`.
    public var host = "127.0.0.1"
    /// 0 takes a free port; `PostOffice.port` tells which.
    public var port: UInt16 = 0
    public var tls = TLS.none
    /// PEM files. Without them a certificate for `hostname`, `localhost` and `127.0.0.1` is made anew.
    public var certificateFile: String?
    public var keyFile: String?
    /// Where the certificate is written, so that clients can name it as `ca_file`.
    public var anchorFile: String?
    /// Name to password. When there are any, mail is taken only after AUTH.
    public var users: [String: String] = [:]
    /// Offer AUTH without TLS too.
    public var allowsPlaintextAuth = false
    /// What the server calls itself.
    public var hostname = "postoffice.localhost"
    /// A folder for what is accepted, in Maildir form; nil counts only.
    public var maildir: String?
    /// A file of JSON lines, one an event, each written before the client hears of it.
    public var log: String?
    public var script = Script()
    /// Bytes of one message, as announced by SIZE (RFC 1870).
    public var maxSize = 50_000_000
    public var maxRecipients = 1000
    /// Announce PIPELINING (RFC 2920). Pipelined input is understood either way.
    public var pipelining = true
    public var eightBitMIME = true
    public var smtputf8 = true
    /// How long a client may be silent.
    public var idleTimeout = Duration.seconds(300)
    /// Serial queues that share the connections.
    public var lanes = 2
    public var clock: any WallClock = SystemClock()

    public init() {}
}

/// What a post office did since it was opened.
public struct PostOfficeCounts: Sendable, Hashable {
    public var connections = 0
    /// Messages answered with 250, or accepted and dropped without an answer.
    public var accepted = 0
    /// Bytes of the accepted messages, as on the wire.
    public var bytes = 0
    /// Commands and messages refused with 5xx, and with 4xx; by stage below.
    public var rejected = 0
    public var deferred = 0
    /// Connections the script dropped.
    public var dropped = 0
    public var rejectedByStage: [Stage: Int] = [:]
    public var deferredByStage: [Stage: Int] = [:]
    public var droppedByStage: [Stage: Int] = [:]
    public var logins = 0
    public var tlsSessions = 0
    public var tlsResumed = 0

    public init() {}
}

/// A file or folder the post office cannot use, or a script line it cannot read.
public struct PostOfficeError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable { case script(line: Int), file }
    public var kind: Kind
    public var description: String
    /// The description without the place.
    public var cause: String

    public init(_ kind: Kind, _ description: String, cause: String? = nil) {
        self.kind = kind
        self.description = description
        self.cause = cause ?? description
    }
}
