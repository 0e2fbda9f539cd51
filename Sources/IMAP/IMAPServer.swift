/// Where a mailbox is, and how it is reached.
public struct IMAPServer: Sendable, Equatable {
    /// How the connection is protected; where it is, chain and host name are always checked, and TLS 1.2 is the oldest.
    public enum Security: String, Sendable, CaseIterable {
        /// TLS from the first byte (RFC 8314 §3.2), port 993.
        case implicit
        /// STARTTLS (RFC 9051 §6.2.1), or nothing.
        case starttls
        /// The caller sees to it that this is loopback and without a login.
        case none
    }

    public var host: String
    public var port: Int
    public var security: Security
    /// A PEM file of certificates to trust beside those of the system.
    public var authority: String?
    /// nil: no login.
    public var user: String?
    /// The password is an OAuth 2 access token.
    public var usesToken: Bool
    /// Until the login is through, in milliseconds.
    public var patience: Int
    /// For one answer, in milliseconds.
    public var replyPatience: Int

    public init(
        host: String, port: Int, security: Security, authority: String? = nil, user: String? = nil,
        usesToken: Bool = false, patience: Int = 60_000, replyPatience: Int = 120_000
    ) {
        self.host = host
        self.port = port
        self.security = security
        self.authority = authority
        self.user = user
        self.usesToken = usesToken
        self.patience = patience
        self.replyPatience = replyPatience
    }

    /// `host:port`.
    public var name: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// What keeps a mailbox from being read. `detail` may hold words of the server's.
public struct IMAPError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Kind: Sendable, Equatable {
        /// libcurl is not on this machine, or cannot be used.
        case library
        /// No connection, no TLS, or it was lost.
        case unreachable
        /// The certificate is not one to trust, or not this host's.
        case certificate
        /// The login was refused.
        case login
        /// The server said NO or BAD to a command.
        case refused
        /// What came is not IMAP, or more than was asked for.
        case garbled
    }

    public var kind: Kind
    public var server: String
    public var detail: String

    public init(_ kind: Kind, _ server: String, _ detail: String) {
        self.kind = kind
        self.server = server
        self.detail = detail
    }

    public var description: String {
        switch kind {
        case .library: "The mailbox at \(server) cannot be asked without libcurl (package libcurl4): \(detail)"
        case .unreachable: "The mailbox at \(server) cannot be reached: \(detail)"
        case .certificate: "The mailbox at \(server) shows a certificate that is not to be trusted: \(detail)"
        case .login: "The mailbox at \(server) refused the login: \(detail)"
        case .refused: "The mailbox at \(server) refused: \(detail)"
        case .garbled: "The mailbox at \(server) answers what cannot be read: \(detail)"
        }
    }
}
