import COpenSSL

/// What all TLS connections of one kind share: trust anchors or a certificate, and the sessions to resume.
///
/// Certificate chain and host name are always checked, and there is no way to turn that off. TLS 1.2 is the oldest taken.
///
/// `@unchecked Sendable`: an SSL_CTX may be shared by threads once it is set up (openssl-threads(7)); it is only in `init`.
public final class TLSContext: @unchecked Sendable {
    let handle: OpaquePointer
    let sessions: TLSSessionCache?

    private init(_ method: OpaquePointer?, sessions: TLSSessionCache?) throws {
        guard let handle = SSL_CTX_new(method) else {
            throw TransportError(.tls, fault: .handshake, "TLS is not available: \(lastTLSError())")
        }
        self.handle = handle
        self.sessions = sessions
        _ = COpenSSL_min_tls_1_2(handle)
        COpenSSL_stream_mode(handle)
        COpenSSL_read_ahead(handle)
        COpenSSL_no_renegotiation(handle)
    }

    deinit { SSL_CTX_free(handle) }

    /// For connecting. Trusts what the system trusts, and the certificates in the PEM files `anchors` (paths).
    /// Keep one for all connections of an account: it remembers their sessions.
    public static func client(anchors: [String] = []) throws -> TLSContext {
        let context = try TLSContext(TLS_client_method(), sessions: TLSSessionCache())
        COpenSSL_trust_system(context.handle)
        for path in anchors {
            ERR_clear_error()
            guard SSL_CTX_load_verify_file(context.handle, path) == 1 else {
                throw TransportError(
                    .tls, fault: .badAnchor, "ca_file \(path): no certificate could be read (\(lastTLSError()))")
            }
        }
        SSL_CTX_set_verify(context.handle, SSL_VERIFY_PEER, nil)
        // AES-128 first, which RFC 8446 §9.1 has every server know: a quarter faster than OpenSSL's first choice, AES-256.
        SSL_CTX_set_ciphersuites(
            context.handle, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256")
        COpenSSL_client_sessions(context.handle)
        SSL_CTX_sess_set_new_cb(context.handle) { ssl, session in
            // 1: the session is ours to keep; 0: OpenSSL frees it.
            guard let ssl, let session, let note = TLSNote.of(ssl) else { return 0 }
            return note.keep(session) ? 1 : 0
        }
        return context
    }

    /// For accepting, with a certificate (chain) and its key as PEM text.
    public static func server(certificate: String, key: String) throws -> TLSContext {
        let context = try TLSContext(TLS_server_method(), sessions: nil)
        ERR_clear_error()
        var chain = try PEM.certificates(certificate)
        defer { chain.forEach { X509_free($0) } }
        guard let leaf = chain.first else {
            throw TransportError(.tls, fault: .badCertificate, "the server's certificate is not PEM")
        }
        guard let privateKey = PEM.key(key) else {
            throw TransportError(
                .tls, fault: .badCertificate, "the server's private key is not PEM (\(lastTLSError()))")
        }
        defer { EVP_PKEY_free(privateKey) }
        guard SSL_CTX_use_certificate(context.handle, leaf) == 1,
            SSL_CTX_use_PrivateKey(context.handle, privateKey) == 1, SSL_CTX_check_private_key(context.handle) == 1
        else {
            throw TransportError(
                .tls, fault: .badCertificate, "the server's key does not belong to its certificate (\(lastTLSError()))")
        }
        chain.removeFirst()
        for issuer in chain { COpenSSL_add_chain(context.handle, issuer) }
        X509_free(leaf)
        let name = Array("outpost".utf8)
        SSL_CTX_set_session_id_context(context.handle, name, UInt32(name.count))
        return context
    }

    /// For tests of both versions: refuse what is newer than TLS 1.2.
    func limitToTLS12() { _ = COpenSSL_max_tls(handle, 0x0303) }
}

/// Reading PEM text.
enum PEM {
    static func certificates(_ text: String) throws -> [OpaquePointer] {
        withBIO(text) { bio in
            var found: [OpaquePointer] = []
            while let certificate = PEM_read_bio_X509(bio, nil, nil, nil) { found.append(certificate) }
            ERR_clear_error()
            return found
        }
    }

    static func key(_ text: String) -> OpaquePointer? {
        withBIO(text) { PEM_read_bio_PrivateKey($0, nil, nil, nil) }
    }

    private static func withBIO<R>(_ text: String, _ body: (OpaquePointer?) -> R) -> R {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBytes {
            let bio = BIO_new_mem_buf($0.baseAddress, Int32($0.count))
            defer { BIO_free(bio) }
            return body(bio)
        }
    }
}

/// The oldest entry of this thread's error queue, which is the cause; empties the queue.
func lastTLSError() -> String {
    let code = ERR_get_error()
    ERR_clear_error()
    guard code != 0 else { return "no reason given" }
    if let reason = ERR_reason_error_string(code) { return String(cString: reason) }
    return "error \(code)"
}

/// Sessions to resume, a few for each server. Bounded; the oldest server goes first.
final class TLSSessionCache: Sendable {
    private static let perServer = 32
    private static let servers = 64

    /// `@unchecked Sendable`: a reference to an SSL_SESSION, whose count is atomic.
    struct Held: @unchecked Sendable { let session: OpaquePointer }
    private struct Kept {
        var sessions: [String: [Held]] = [:]
        var order: [String] = []
    }
    private let kept = Guarded(Kept())

    deinit {
        kept.withLock { $0.sessions.values.joined().forEach { SSL_SESSION_free($0.session) } }
    }

    /// Takes over the reference.
    func keep(_ session: OpaquePointer, for server: String) {
        let held = Held(session: session)
        let dropped: [Held] = kept.withLock { kept in
            var dropped: [Held] = []
            if kept.sessions[server] == nil {
                kept.order.append(server)
                if kept.order.count > Self.servers {
                    dropped += kept.sessions.removeValue(forKey: kept.order.removeFirst()) ?? []
                }
            }
            kept.sessions[server, default: []].append(held)
            if kept.sessions[server, default: []].count > Self.perServer {
                dropped.append(kept.sessions[server, default: []].removeFirst())
            }
            return dropped
        }
        for old in dropped { SSL_SESSION_free(old.session) }
    }

    /// The newest session; the caller frees it. A ticket is used once as long as there are others (RFC 8446 §C.4).
    func take(for server: String) -> Held? {
        kept.withLock { kept -> Held? in
            while let last = kept.sessions[server]?.last {
                if SSL_SESSION_is_resumable(last.session) != 1 {
                    kept.sessions[server]?.removeLast()
                    SSL_SESSION_free(last.session)
                    continue
                }
                if (kept.sessions[server]?.count ?? 0) > 1 {
                    kept.sessions[server]?.removeLast()
                } else {
                    SSL_SESSION_up_ref(last.session)
                }
                return last
            }
            return nil
        }
    }
}
