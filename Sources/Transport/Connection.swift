import CSystem
import Glibc

/// A TCP connection, in plain text or under TLS, used by the one actor whose executor is its lane.
///
/// Not Sendable on purpose. Every call tries at once and suspends only when it would block. One read and one write may
/// wait at the same time; a second of the same kind is a programming error. After an error a connection is of no use.
public final class Connection {
    public let lane: Lane
    /// The other side, as `host:port` in numbers.
    public let peer: SocketAddress
    let descriptor: Int32
    let watch: Watch
    var session: TLSSession?
    private var isClosed = false
    /// TLS has something of its own to send (a key update) before it can read on.
    private var readWantsWrite = false

    /// Version, cipher and whether the session was resumed, once TLS is up.
    public internal(set) var tls: TLSInfo?

    private init(descriptor: Int32, peer: SocketAddress, lane: Lane) throws {
        self.descriptor = descriptor
        self.peer = peer
        self.lane = lane
        do {
            watch = try lane.watch(descriptor)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    deinit {
        // Nobody waits any more, and this may be any thread: the watch is left to the lane.
        guard !isClosed else { return }
        session?.sayGoodbye()
        lane.forget(watch.slot)
        Glibc.close(descriptor)
    }

    /// Connects from the local address `source` (any when nil). Throws `.refused`, `.unreachable`, `.timedOut(.connect)`,
    /// `.sourceUnavailable`.
    public static func connect(to address: SocketAddress, from source: String? = nil, lane: Lane, timeout: Duration)
        async throws -> Connection
    {
        let deadline = Lane.deadline(after: timeout)
        let socket = CSystem_stream_socket(address.family)
        guard socket >= 0 else { throw TransportError.from(errno, doing: "connecting to", peer: "\(address)") }
        if let fault = bind(socket, to: source, for: address) {
            Glibc.close(socket)
            throw fault
        }
        let code = address.withSockaddr { Glibc.connect(socket, $0, $1) }
        if code != 0, errno != EINPROGRESS {
            let fault = TransportError.from(errno, doing: "connecting to", peer: "\(address)")
            Glibc.close(socket)
            throw fault
        }
        // Watched only now: an unconnected socket would report a hang-up.
        let connection = try Connection(descriptor: socket, peer: address, lane: lane)
        if code != 0 {
            switch await connection.watch.untilWritable(deadline: deadline) {
            case .ready: break
            case .closed: throw connection.closed(.connect)
            case .timedOut:
                throw TransportError(
                    .timedOut(.connect),
                    "connecting to \(address): no answer in \(timeout); check host, port and the firewall")
            }
            var failure: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &length)
            if failure != 0 { throw TransportError.from(failure, doing: "connecting to", peer: "\(address)") }
        }
        connection.noDelay()
        return connection
    }

    /// Takes over a socket that a listener accepted. Called on the lane.
    public static func adopt(_ socket: AcceptedSocket) throws -> Connection {
        let connection = try Connection(descriptor: socket.descriptor, peer: socket.peer, lane: socket.lane)
        connection.noDelay()
        return connection
    }

    private static func bind(_ socket: Int32, to source: String?, for address: SocketAddress) -> TransportError? {
        guard let source else { return nil }
        guard let local = SocketAddress(source, port: 0), local.isIPv6 == address.isIPv6 else {
            return TransportError(
                .sourceUnavailable,
                "source = \"\(source)\" is not an \(address.isIPv6 ? "IPv6" : "IPv4") address, which \(address) needs")
        }
        // The port is chosen at connect, so that one source address is not short of ports to several servers.
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, &on, socklen_t(MemoryLayout<Int32>.size))
        if local.withSockaddr({ Glibc.bind(socket, $0, $1) }) == 0 { return nil }
        let code = errno
        return TransportError(
            .sourceUnavailable, "cannot send from source \(source): \(systemText(code)); is it one of this machine's?")
    }

    private func noDelay() {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// The local side's address.
    public var local: SocketAddress? { isClosed ? nil : SocketAddress.of(descriptor, peer: false) }

    // MARK: Reading

    /// What a try that never waits came to.
    public enum Try { case done(Int), wouldBlock }

    /// Reads what is there, waiting for the first byte. Returns 0 at the end of the stream.
    /// Throws `.timedOut(.read)`, `.closed`, `.tls`. The memory must stay where it is until this returns.
    public func read(_ into: UnsafeMutableRawBufferPointer, timeout: Duration) async throws -> Int {
        if case .done(let count) = try tryRead(into) { return count }
        let deadline = Lane.deadline(after: timeout)
        while true {
            try await untilReadable(deadline: deadline, timeout: timeout, phase: .read)
            if case .done(let count) = try tryRead(into) { return count }
        }
    }

    /// Appends up to `limit` bytes to `buffer`, waiting for the first. Returns how many; 0 at the end of the stream.
    public func read(appendingTo buffer: inout [UInt8], limit: Int = 16_384, timeout: Duration) async throws -> Int {
        let deadline = Lane.deadline(after: timeout)
        while true {
            if case .done(let count) = try tryRead(appendingTo: &buffer, limit: limit) { return count }
            try await untilReadable(deadline: deadline, timeout: timeout, phase: .read)
        }
    }

    /// As `read(appendingTo:)`, without waiting.
    public func tryRead(appendingTo buffer: inout [UInt8], limit: Int = 16_384) throws -> Try {
        if session == nil, !watch.mayRead, !watch.isClosed { return .wouldBlock }
        let before = buffer.count
        var outcome = Try.wouldBlock
        let more = try [UInt8](unsafeUninitializedCapacity: limit) { space, count in
            outcome = try tryRead(UnsafeMutableRawBufferPointer(space))
            if case .done(let read) = outcome { count = read }
        }
        if before == 0 { buffer = more } else { buffer.append(contentsOf: more) }
        return outcome
    }

    /// Reads what is there, without waiting. `.done(0)` is the end of the stream.
    public func tryRead(_ into: UnsafeMutableRawBufferPointer) throws -> Try {
        if isClosed || watch.isClosed { throw closed(.read) }
        if into.isEmpty { return .done(0) }
        if let session {
            guard watch.mayRead || session.hasPending else { return .wouldBlock }
            readWantsWrite = false
            switch session.read(into) {
            case .done(let count): return .done(count)
            case .wantRead:
                watch.drained()
                return .wouldBlock
            case .wantWrite:
                readWantsWrite = true
                watch.filled()
                return .wouldBlock
            case .ended: return .done(0)
            case .failed(let code): throw session.fault(code, peer: "\(peer)", during: .read)
            }
        }
        // The lane tells when there is something; until then asking the kernel is in vain.
        guard watch.mayRead else { return .wouldBlock }
        while true {
            let count = recv(descriptor, into.baseAddress, into.count, 0)
            if count >= 0 {
                // A short read took all; more will raise a new edge.
                if count < into.count { watch.drained() }
                return .done(count)
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                watch.drained()
                return .wouldBlock
            case let code: throw TransportError.from(code, doing: "reading from", peer: "\(peer)")
            }
        }
    }

    /// Waits until a read would find something. Throws `.timedOut(.read)` or `.closed`.
    public func untilReadable(timeout: Duration) async throws {
        try await untilReadable(deadline: Lane.deadline(after: timeout), timeout: timeout, phase: .read)
    }

    func untilReadable(deadline: UInt64, timeout: Duration, phase: TransportError.Phase) async throws {
        if readWantsWrite { return try await untilWritable(deadline: deadline, timeout: timeout, phase: phase) }
        switch await watch.untilReadable(deadline: deadline) {
        case .ready: return
        case .closed: throw closed(phase)
        case .timedOut: throw timedOut(phase, timeout)
        }
    }

    func untilWritable(deadline: UInt64, timeout: Duration, phase: TransportError.Phase) async throws {
        switch await watch.untilWritable(deadline: deadline) {
        case .ready: return
        case .closed: throw closed(phase)
        case .timedOut: throw timedOut(phase, timeout)
        }
    }

    // MARK: Writing

    /// Writes all of it. `timeout` is for each stretch without progress. Throws `.timedOut(.write)`, `.closed`, `.tls`. The
    /// memory must stay where it is until this returns.
    public func write(_ bytes: UnsafeRawBufferPointer, timeout: Duration) async throws {
        var offset = 0
        while offset < bytes.count {
            switch try tryWrite(UnsafeRawBufferPointer(rebasing: bytes[offset...])) {
            case .done(let count): offset += count
            case .wouldBlock: try await untilWritable(timeout: timeout)
            }
        }
    }

    public func write(_ bytes: [UInt8], timeout: Duration) async throws {
        var offset = 0
        while offset < bytes.count {
            let outcome = try bytes.withUnsafeBytes {
                try tryWrite(UnsafeRawBufferPointer(rebasing: $0[offset...]))
            }
            switch outcome {
            case .done(let count): offset += count
            case .wouldBlock: try await untilWritable(timeout: timeout)
            }
        }
    }

    /// Waits until a write would be taken.
    public func untilWritable(timeout: Duration) async throws {
        try await untilWritable(deadline: Lane.deadline(after: timeout), timeout: timeout, phase: .write)
    }

    /// Writes what the socket takes now. Under TLS the same bytes must be offered again after `.wouldBlock`.
    public func tryWrite(_ bytes: UnsafeRawBufferPointer) throws -> Try {
        if isClosed || watch.isClosed { throw closed(.write) }
        if bytes.isEmpty { return .done(0) }
        if let session {
            switch session.write(bytes) {
            case .done(let count): return .done(count)
            case .wantWrite, .wantRead:
                watch.filled()
                return .wouldBlock
            case .ended: throw closed(.write)
            case .failed(let code): throw session.fault(code, peer: "\(peer)", during: .write)
            }
        }
        while true {
            let count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .done(count) }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                watch.filled()
                return .wouldBlock
            case let code: throw TransportError.from(code, doing: "writing to", peer: "\(peer)")
            }
        }
    }

    // MARK: Ending

    /// Bytes that have come and were not read yet: what a man in the middle may have put before a TLS handshake.
    public var hasPendingInput: Bool {
        if let session, session.hasPending { return true }
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) > 0
    }

    /// Says that nothing more will be written, and leaves reading open, so that the peer gets all before the end.
    public func finishWriting() {
        guard !isClosed else { return }
        session?.sayGoodbye()
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Ends the connection, with TLS's close_notify where it can be sent at once. Never blocks; waiting calls throw `.closed`.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        session?.sayGoodbye()
        watch.end()
        lane.forget(watch.slot)
        Glibc.close(descriptor)
    }

    /// Ends the connection without a word; waiting calls throw `.closed`. To be called by the actor that owns it.
    public func abort() {
        guard !isClosed else { return }
        session = nil
        close()
    }

    func closed(_ phase: TransportError.Phase) -> TransportError {
        TransportError(.closed, "the connection to \(peer) was closed on this side")
    }

    private func timedOut(_ phase: TransportError.Phase, _ timeout: Duration) -> TransportError {
        let what =
            switch phase {
            case .read: "waiting for \(peer): no answer in \(timeout)"
            case .write: "sending to \(peer): nothing was taken in \(timeout)"
            case .handshake:
                "TLS handshake with \(peer): not done in \(timeout); is this the right port for this kind of TLS?"
            case .connect, .resolve: "connecting to \(peer): no answer in \(timeout)"
            }
        return TransportError(.timedOut(phase), what)
    }
}
