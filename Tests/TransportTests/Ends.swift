@testable import Transport

/// The server's side of a test: what it does with each connection is given as a closure that runs on the lane.
actor ServerEnd {
    let lane: Lane
    nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

    init(_ lane: Lane) { self.lane = lane }

    func serve(_ socket: AcceptedSocket, _ work: @Sendable (isolated ServerEnd, Connection) async throws -> Void) async
    {
        guard let connection = try? Connection.adopt(socket) else { return }
        try? await work(self, connection)
        connection.close()
    }
}

/// The client's side: work runs on its lane, and prefers it: without that every continuation would first queue up in the
/// global pool behind all tests of the run, and the server would lose patience.
actor ClientEnd {
    let lane: Lane
    nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

    var woken: [Int] = []
    var aborted: Connection?

    init(_ lane: Lane = Lane()) { self.lane = lane }

    func run<R: Sendable>(_ work: @Sendable (isolated ClientEnd, Lane) async throws -> R) async throws -> R {
        try await withTaskExecutorPreference(lane) { try await work(self, lane) }
    }
}

/// A listener on a free loopback port that treats every connection in the same way.
final class TestServer: Sendable {
    let listener: Listener
    var port: UInt16 { listener.port }
    var address: SocketAddress { SocketAddress("127.0.0.1", port: port)! }

    init(
        lanes: [Lane] = [Lane()], host: String = "127.0.0.1",
        _ work: @escaping @Sendable (isolated ServerEnd, Connection) async throws -> Void
    ) throws {
        listener = try Listener(host: host, port: 0, lanes: lanes)
        listener.run { socket in
            let end = ServerEnd(socket.lane)
            Task(executorPreference: socket.lane) { await end.serve(socket, work) }
        }
    }

    deinit { listener.stop() }

    /// Sends back what comes until the peer ends, under TLS when a context is given.
    static func echo(lanes: [Lane] = [Lane()], host: String = "127.0.0.1", tls: TLSContext? = nil) throws -> TestServer
    {
        try TestServer(lanes: lanes, host: host) { _, connection in
            if let tls { try await connection.acceptTLS(tls, timeout: .seconds(10)) }
            var buffer: [UInt8] = []
            while true {
                buffer.removeAll(keepingCapacity: true)
                if try await connection.read(appendingTo: &buffer, timeout: .seconds(20)) == 0 { return }
                try await connection.write(buffer, timeout: .seconds(20))
            }
        }
    }
}

extension Connection {
    func readExactly(_ count: Int, timeout: Duration = .seconds(20)) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            if try await read(appendingTo: &bytes, limit: count - bytes.count, timeout: timeout) == 0 { break }
        }
        return bytes
    }

    func roundTrip(_ text: String) async throws -> String {
        try await write(Array(text.utf8), timeout: .seconds(20))
        return String(decoding: try await readExactly(text.utf8.count), as: UTF8.self)
    }
}

/// A counter that tests share.
final class Tally: Sendable {
    private let value = Guarded(0)
    func add(_ count: Int = 1) { value.withLock { $0 += count } }
    var count: Int { value.withLock { $0 } }
}

/// The error a piece of work throws, or nil.
func failure(_ work: () async throws -> Void) async -> TransportError? {
    do {
        try await work()
        return nil
    } catch { return error as? TransportError }
}
