/// What protects a connection.
public struct TLSInfo: Sendable, Hashable {
    /// `TLSv1.3` or `TLSv1.2`.
    public var version: String
    public var cipher: String
    /// Of the symmetric key.
    public var bits: Int
    /// The handshake was an abbreviated one, from an earlier session.
    public var resumed: Bool
}

extension Connection {
    /// Makes this the client's side of TLS. `host` is the name (or address in numbers) the certificate must bear; it is
    /// sent as SNI when it is a name. Bytes that are here before the handshake are an error (RFC 3207 §6), and whatever
    /// the caller had buffered is the caller's to throw away.
    /// Throws `.tls` with its `fault`, `.timedOut(.handshake)`, `.closed`.
    public func startTLS(_ context: TLSContext, host: String, timeout: Duration) async throws {
        precondition(session == nil, "TLS is already up")
        guard !hasPendingInput else {
            close()
            throw TransportError(
                .tls, fault: .dataBeforeHandshake,
                "\(host) (\(peer)) sent data before the TLS handshake; somebody may be tampering with the connection")
        }
        let session = try TLSSession(client: context, descriptor: descriptor, host: host, port: peer.port)
        try await secure(session, timeout: timeout)
    }

    /// Makes this the server's side of TLS. The caller throws away what it had buffered.
    public func acceptTLS(_ context: TLSContext, timeout: Duration) async throws {
        precondition(session == nil, "TLS is already up")
        let session = try TLSSession(server: context, descriptor: descriptor)
        try await secure(session, timeout: timeout)
    }

    /// A connection whose handshake failed is closed: nothing may cross it in plain text by mistake.
    private func secure(_ session: TLSSession, timeout: Duration) async throws {
        do {
            try await handshake(session, timeout: timeout)
        } catch {
            close()
            throw error
        }
    }

    private func handshake(_ session: TLSSession, timeout: Duration) async throws {
        let deadline = Lane.deadline(after: timeout)
        while true {
            if watch.isClosed { throw closed(.handshake) }
            switch session.handshake() {
            case .done:
                self.session = session
                tls = session.info
                return
            case .wantRead:
                watch.drained()
                try await untilReadable(deadline: deadline, timeout: timeout, phase: .handshake)
            case .wantWrite:
                watch.filled()
                try await untilWritable(deadline: deadline, timeout: timeout, phase: .handshake)
            case .ended:
                throw TransportError(
                    .closed, "\(session.host ?? "") \(peer) closed the connection during the TLS handshake")
            case .failed(let code): throw session.fault(code, peer: "\(peer)", during: .handshake)
            }
        }
    }
}
