import COpenSSL
import Glibc

/// What OpenSSL's callbacks need to know of the connection they are called for.
final class TLSNote {
    let cache: TLSSessionCache
    let server: String
    /// What the certificate that failed says of itself.
    var subject = ""
    var names = ""
    var failure: Int32 = 0

    init(cache: TLSSessionCache, server: String) {
        self.cache = cache
        self.server = server
    }

    static func of(_ ssl: OpaquePointer) -> TLSNote? {
        COpenSSL_note(ssl).map { Unmanaged<TLSNote>.fromOpaque($0).takeUnretainedValue() }
    }

    func keep(_ session: OpaquePointer) -> Bool {
        guard SSL_SESSION_is_resumable(session) == 1 else { return false }
        cache.keep(session, for: server)
        return true
    }

    func certificateFailed(_ store: OpaquePointer) {
        failure = X509_STORE_CTX_get_error(store)
        guard let certificate = X509_STORE_CTX_get0_cert(store) else { return }
        names = certificateNames(certificate)
        if let current = X509_STORE_CTX_get_current_cert(store) {
            var buffer = [CChar](repeating: 0, count: 256)
            if X509_NAME_oneline(X509_get_issuer_name(current), &buffer, Int32(buffer.count)) != nil {
                subject = text(in: buffer)
            }
        }
    }
}

/// The names a certificate is good for, as `DNS:mail.example.com, IP Address:192.0.2.1`.
func certificateNames(_ certificate: OpaquePointer) -> String {
    let index = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1)
    guard index >= 0, let list = X509_get_ext(certificate, index), let bio = BIO_new(BIO_s_mem()) else { return "" }
    defer { BIO_free(bio) }
    guard X509V3_EXT_print(bio, list, 0, 0) == 1 else { return "" }
    var text = [UInt8](repeating: 0, count: 512)
    let count = BIO_read(bio, &text, Int32(text.count))
    return String(decoding: text.prefix(max(0, Int(count))).filter { $0 >= 32 && $0 < 127 }, as: UTF8.self)
}

/// One side of a TLS connection over a non-blocking socket.
final class TLSSession {
    enum Step { case done(Int), wantRead, wantWrite, ended, failed(Int32) }

    private let ssl: OpaquePointer
    private let context: TLSContext
    private let note: TLSNote?
    let host: String?
    private var broken = false

    init(client context: TLSContext, descriptor: Int32, host: String, port: UInt16) throws {
        ssl = try TLSSession.make(context, descriptor)
        self.context = context
        self.host = host
        let bare = host.last == "." ? String(host.dropLast()) : host
        let parameters = SSL_get0_param(ssl)
        if SocketAddress(bare, port: 0) != nil {
            guard X509_VERIFY_PARAM_set1_ip_asc(parameters, bare) == 1 else {
                SSL_free(ssl)
                throw TransportError(.tls, fault: .nameMismatch, "\(host) is not an address a certificate can bear")
            }
        } else {
            X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            guard !bare.isEmpty, X509_VERIFY_PARAM_set1_host(parameters, bare, 0) == 1,
                COpenSSL_server_name(ssl, bare) == 1
            else {
                SSL_free(ssl)
                throw TransportError(.tls, fault: .nameMismatch, "\"\(host)\" is not a name a certificate can bear")
            }
        }
        if let cache = context.sessions {
            let note = TLSNote(cache: cache, server: "\(bare):\(port)")
            self.note = note
            COpenSSL_set_note(ssl, Unmanaged.passUnretained(note).toOpaque())
            if let held = cache.take(for: note.server) {
                SSL_set_session(ssl, held.session)
                SSL_SESSION_free(held.session)
            }
        } else {
            note = nil
        }
        SSL_set_verify(ssl, SSL_VERIFY_PEER) { accepted, store in
            if accepted != 1, let store,
                let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())
            {
                TLSNote.of(OpaquePointer(ssl))?.certificateFailed(store)
            }
            return accepted
        }
        SSL_set_connect_state(ssl)
    }

    init(server context: TLSContext, descriptor: Int32) throws {
        ssl = try TLSSession.make(context, descriptor)
        self.context = context
        host = nil
        note = nil
        SSL_set_accept_state(ssl)
    }

    private static func make(_ context: TLSContext, _ descriptor: Int32) throws -> OpaquePointer {
        ERR_clear_error()
        guard let ssl = SSL_new(context.handle), SSL_set_fd(ssl, descriptor) == 1 else {
            throw TransportError(.tls, fault: .handshake, "TLS could not be set up: \(lastTLSError())")
        }
        return ssl
    }

    deinit { SSL_free(ssl) }

    var info: TLSInfo {
        var bits: Int32 = 0
        SSL_CIPHER_get_bits(SSL_get_current_cipher(ssl), &bits)
        return TLSInfo(
            version: String(cString: SSL_get_version(ssl)), cipher: String(cString: COpenSSL_cipher(ssl)),
            bits: Int(bits), resumed: SSL_session_reused(ssl) == 1)
    }

    var hasPending: Bool { SSL_has_pending(ssl) == 1 }

    func handshake() -> Step {
        ERR_clear_error()
        return step(SSL_do_handshake(ssl), 0)
    }

    func read(_ into: UnsafeMutableRawBufferPointer) -> Step {
        ERR_clear_error()
        var count = 0
        return step(SSL_read_ex(ssl, into.baseAddress, into.count, &count), count)
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Step {
        ERR_clear_error()
        var count = 0
        return step(SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &count), count)
    }

    private func step(_ result: Int32, _ count: Int) -> Step {
        if result == 1 { return .done(count) }
        let code = errno
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .wantRead
        case SSL_ERROR_WANT_WRITE: return .wantWrite
        case SSL_ERROR_ZERO_RETURN: return .ended
        case SSL_ERROR_SYSCALL:
            broken = true
            return .failed(code)
        default:
            broken = true
            return .failed(0)
        }
    }

    /// Sends close_notify if the socket takes it at once. After a fatal error TLS forbids it.
    func sayGoodbye() {
        guard !broken, SSL_is_init_finished(ssl) == 1 else { return }
        ERR_clear_error()
        SSL_shutdown(ssl)
        ERR_clear_error()
    }

    // MARK: Faults

    /// What a failed step means. `code` is the socket's errno, or 0 when it was TLS that failed.
    func fault(_ code: Int32, peer: String, during phase: TransportError.Phase) -> TransportError {
        let server = host.map { "\($0) (\(peer))" } ?? peer
        let queued = ERR_peek_error()
        if queued == 0 {
            if code != 0 { return TransportError.from(code, doing: "TLS with", peer: server) }
            return TransportError(.closed, "TLS with \(server): the peer closed the connection")
        }
        let reason = COpenSSL_reason(queued)
        let text = lastTLSError()
        if reason == SSL_R_UNEXPECTED_EOF_WHILE_READING {
            return TransportError(.closed, "TLS with \(server): the peer closed the connection without saying so")
        }
        if reason == SSL_R_CERTIFICATE_VERIFY_FAILED { return certificateFault(server) }
        switch reason {
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, SSL_R_WRONG_SSL_VERSION,
            SSL_R_NO_PROTOCOLS_AVAILABLE:
            return TransportError(
                .tls, fault: .protocolTooOld,
                "\(server) and this program share no TLS version; TLS 1.2 is the oldest taken")
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_UNKNOWN_PROTOCOL:
            return TransportError(
                .tls, fault: .handshake,
                "\(server) does not speak TLS on this port; port 465 wants tls = \"implicit\", 587 and 25 \"starttls\"")
        default:
            return TransportError(.tls, fault: .handshake, "TLS with \(server) failed: \(text)")
        }
    }

    private func certificateFault(_ server: String) -> TransportError {
        let failure = note?.failure ?? 0
        let known = X509_verify_cert_error_string(Int(failure)).map { String(cString: $0) } ?? "not valid"
        let (fault, text): (TransportError.TLSFault, String) =
            switch failure {
            case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CRL_HAS_EXPIRED:
                (.expired, "has expired; if this machine's clock is right, tell the server's owner")
            case X509_V_ERR_CERT_NOT_YET_VALID: (.notYetValid, "is not valid yet; is this machine's clock right?")
            case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
                (
                    .unknownIssuer,
                    "is from an issuer that is not trusted here (\(note?.subject ?? "unknown")); "
                        + "if it is your own server, give its certificate with ca_file"
                )
            case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
                (
                    .nameMismatch,
                    "is not for \(host ?? "this host") but for "
                        + "\((note?.names).flatMap { $0.isEmpty ? nil : $0 } ?? "no name at all"); check the host's name"
                )
            case X509_V_ERR_CERT_REVOKED: (.revoked, "was revoked")
            case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK:
                (.weak, "is too weak: \(known)")
            default: (.badCertificate, "was refused: \(known)")
            }
        return TransportError(.tls, fault: fault, "the certificate of \(server) \(text)")
    }
}
