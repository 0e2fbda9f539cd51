import Glibc

/// Why a connection could not be made, or was lost. `detail` is a sentence fit for the user: what failed, on what, and
/// where it is known, what to do next.
public struct TransportError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// Nothing listens there.
        case refused
        /// No way to that host or network.
        case unreachable
        case timedOut(Phase)
        /// The peer or this side ended the connection.
        case closed
        /// The name does not exist.
        case nameNotFound
        /// The name servers did not answer; a later try may work.
        case nameTemporary
        /// `fault` says what was wrong.
        case tls
        /// The local address to send from is not one of this machine's.
        case sourceUnavailable
        /// Any other `errno`.
        case system(Int32)
    }

    /// What was being waited for.
    public enum Phase: String, Sendable, Hashable { case resolve, connect, handshake, read, write }

    /// What was wrong with the peer's TLS.
    public enum TLSFault: Sendable, Hashable {
        case expired, notYetValid, unknownIssuer, nameMismatch, revoked, weak, protocolTooOld
        /// Bytes came before the handshake: somebody may have put them there (RFC 3207 §6).
        case dataBeforeHandshake
        case badAnchor, badCertificate, handshake
    }

    public var kind: Kind
    public var fault: TLSFault?
    public var detail: String

    public init(_ kind: Kind, fault: TLSFault? = nil, _ detail: String) {
        self.kind = kind
        self.fault = fault
        self.detail = detail
    }

    public var description: String { detail }
}

/// The C library's text for an `errno`.
func systemText(_ code: Int32) -> String {
    // glibc keeps this text per thread.
    strerror(code).map { String(cString: $0) } ?? "error \(code)"
}

/// The text in a buffer that C wrote to, up to its NUL.
func text(in buffer: [CChar]) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

extension TransportError {
    /// What an `errno` of connect, send or recv means, `doing` something with `peer`.
    static func from(_ code: Int32, doing: String, peer: String) -> TransportError {
        switch code {
        case ECONNREFUSED:
            return TransportError(
                .refused, "\(doing) \(peer): connection refused; check host and port, nothing listens there")
        case ENETUNREACH, EHOSTUNREACH, EHOSTDOWN, ENETDOWN, EACCES, EPERM:
            return TransportError(
                .unreachable, "\(doing) \(peer): \(systemText(code).lowercased()); check the network and the firewall")
        case EADDRNOTAVAIL:
            return TransportError(
                .sourceUnavailable, "\(doing) \(peer): the local address to send from is not on this machine")
        case ETIMEDOUT:
            return TransportError(.timedOut(.connect), "\(doing) \(peer): no answer")
        case ECONNRESET, EPIPE, ENOTCONN, ESHUTDOWN, ECONNABORTED:
            return TransportError(.closed, "\(doing) \(peer): the peer closed the connection")
        default:
            return TransportError(.system(code), "\(doing) \(peer): \(systemText(code))")
        }
    }
}
