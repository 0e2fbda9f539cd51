import Transport

/// Why a session could not be opened, or ended before its time.
public enum SessionError: Error, Sendable, CustomStringConvertible {
    /// The server said no to the connection or to a command that opens it.
    case refused(Stage, Reply)
    /// The login was refused, or cannot be made here.
    case login(Reply)
    /// No protected connection can be had, or a login would cross an unprotected one.
    case unprotected(String)
    /// What came is not SMTP.
    case garbage(String)
    /// The connection failed.
    case connection(TransportError)

    public var description: String {
        switch self {
        case .refused(let stage, let reply): "the server refused the session at \(stage.rawValue): \(reply.line)"
        case .login(let reply): "login refused: \(reply.line)"
        case .unprotected(let reason): reason
        case .garbage(let what): "the server does not speak SMTP: it sent \(what)"
        case .connection(let error): "\(error)"
        }
    }
}

extension TransportError {
    /// What a machine that has just started may not have yet: names, an address of its own.
    var isOfTheNetwork: Bool { kind == .nameNotFound || kind == .sourceUnavailable }

    /// Trying again will not help until somebody changes something: a wrong name, a certificate that does not verify.
    var isLasting: Bool {
        switch kind {
        case .nameNotFound, .sourceUnavailable: true
        case .tls: fault != .handshake
        default: false
        }
    }
}
