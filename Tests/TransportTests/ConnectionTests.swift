import Testing

@testable import Transport

@Suite struct ConnectionTests {
    @Test("what is written comes back, over both address families", arguments: ["127.0.0.1", "::1"])
    func echo(host: String) async throws {
        // A machine without IPv6 has nothing to show here.
        guard let server = try? TestServer.echo(host: host) else { return #expect(host == "::1") }
        let address = try #require(SocketAddress(host, port: server.port))
        let answer = try await ClientEnd().run { _, lane in
            let connection = try await Connection.connect(to: address, lane: lane, timeout: .seconds(10))
            return try await connection.roundTrip("EHLO here\r\n")
        }
        #expect(answer == "EHLO here\r\n")
    }

    @Test("a port where nothing listens is refused, with advice")
    func refused() async throws {
        let listener = try Listener(port: 0, lanes: [Lane()])
        let address = try #require(SocketAddress("127.0.0.1", port: listener.port))
        listener.stop()
        // The listener goes on its own queue: until it has, a connection may still be taken or reset.
        var error: TransportError?
        for _ in 0..<200 where error?.kind != .refused {
            error = await failure {
                try await ClientEnd().run { _, lane in
                    _ = try await Connection.connect(to: address, lane: lane, timeout: .seconds(5))
                    await lane.sleep(for: .milliseconds(10))
                }
            }
        }
        #expect(error?.kind == .refused)
        #expect(error?.detail.contains("127.0.0.1:\(address.port)") == true)
    }

    @Test("a source address that is not ours is named")
    func foreignSource() async throws {
        let server = try TestServer.echo()
        let error = await failure {
            try await ClientEnd().run { _, lane in
                _ = try await Connection.connect(
                    to: server.address, from: "192.0.2.77", lane: lane, timeout: .seconds(5))
            }
        }
        #expect(error?.kind == .sourceUnavailable)
        #expect(error?.detail.contains("192.0.2.77") == true)
    }

    @Test("a source of the other address family is refused before connecting")
    func wrongFamily() async throws {
        let server = try TestServer.echo()
        let error = await failure {
            try await ClientEnd().run { _, lane in
                _ = try await Connection.connect(to: server.address, from: "::1", lane: lane, timeout: .seconds(5))
            }
        }
        #expect(error?.kind == .sourceUnavailable)
    }

    @Test("the server sees the source address that was asked for")
    func source() async throws {
        let server = try TestServer { _, connection in
            try await connection.write(Array(connection.peer.host.utf8), timeout: .seconds(5))
        }
        let seen = try await ClientEnd().run { _, lane in
            let connection = try await Connection.connect(
                to: server.address, from: "127.0.0.9", lane: lane, timeout: .seconds(5))
            return try await connection.readExactly(9)
        }
        #expect(String(decoding: seen, as: UTF8.self) == "127.0.0.9")
    }

    @Test("a silent server is a time-out that names the phase")
    func silence() async throws {
        let server = try TestServer { end, _ in await end.lane.sleep(for: .seconds(3)) }
        let error = await failure {
            try await ClientEnd().run { _, lane in
                let connection = try await Connection.connect(to: server.address, lane: lane, timeout: .seconds(5))
                _ = try await connection.readExactly(1, timeout: .milliseconds(150))
            }
        }
        #expect(error?.kind == .timedOut(.read))
    }

    @Test("a TLS handshake that is never answered times out as a handshake")
    func silentHandshake() async throws {
        let server = try TestServer { end, _ in await end.lane.sleep(for: .seconds(3)) }
        let error = await failure {
            try await ClientEnd().run { _, lane in
                let connection = try await Connection.connect(to: server.address, lane: lane, timeout: .seconds(5))
                try await connection.startTLS(try TLSContext.client(), host: "localhost", timeout: .milliseconds(150))
            }
        }
        #expect(error?.kind == .timedOut(.handshake))
    }

    @Test("a server that takes nothing is a time-out of writing")
    func clogged() async throws {
        let server = try TestServer { end, _ in await end.lane.sleep(for: .seconds(5)) }
        let error = await failure {
            try await ClientEnd().run { _, lane in
                let connection = try await Connection.connect(to: server.address, lane: lane, timeout: .seconds(5))
                try await connection.write([UInt8](repeating: 7, count: 64_000_000), timeout: .milliseconds(200))
            }
        }
        #expect(error?.kind == .timedOut(.write))
    }

    @Test("the end of the stream in the middle is 0, after what came before it")
    func endOfStream() async throws {
        let server = try TestServer { _, connection in
            try await connection.write(Array("220 he".utf8), timeout: .seconds(5))
        }
        let (bytes, end) = try await ClientEnd().run { _, lane in
            let connection = try await Connection.connect(to: server.address, lane: lane, timeout: .seconds(5))
            let bytes = try await connection.readExactly(100)
            var more: [UInt8] = []
            return (bytes, try await connection.read(appendingTo: &more, timeout: .seconds(5)))
        }
        #expect(String(decoding: bytes, as: UTF8.self) == "220 he")
        #expect(end == 0)
    }

    @Test("a big write arrives whole at a slow reader", arguments: [false, true])
    func slowReader(secure: Bool) async throws {
        let size = 6_000_000
        let made = try TLSContext.selfSigned()
        let anchor = try AnchorFile(made.certificatePEM)
        let serverTLS = try TLSContext.server(certificate: made.certificatePEM, key: made.keyPEM)
        let clientTLS = try TLSContext.client(anchors: [anchor.path])
        let server = try TestServer { end, connection in
            if secure { try await connection.acceptTLS(serverTLS, timeout: .seconds(10)) }
            var sum: UInt64 = 0
            var total = 0
            while total < size {
                var bytes: [UInt8] = []
                let count = try await connection.read(appendingTo: &bytes, limit: 70_000, timeout: .seconds(20))
                if count == 0 { break }
                for byte in bytes { sum = sum &* 31 &+ UInt64(byte) }
                total += count
                await end.lane.sleep(for: .milliseconds(1))
            }
            try await connection.write(Array("\(total) \(sum)\n".utf8), timeout: .seconds(20))
        }
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
        var sum: UInt64 = 0
        for byte in bytes { sum = sum &* 31 &+ UInt64(byte) }
        let answer = try await ClientEnd().run { _, lane in
            let connection = try await Connection.connect(to: server.address, lane: lane, timeout: .seconds(10))
            if secure { try await connection.startTLS(clientTLS, host: "localhost", timeout: .seconds(10)) }
            try await connection.write(bytes, timeout: .seconds(20))
            return try await connection.readExactly(200)
        }
        #expect(String(decoding: answer, as: UTF8.self) == "\(size) \(sum)\n")
    }

    @Test("abort wakes a waiting call with .closed")
    func abort() async throws {
        let server = try TestServer { end, _ in await end.lane.sleep(for: .seconds(60)) }
        let error = await failure {
            try await ClientEnd().run { end, lane in
                let connection = try await Connection.connect(to: server.address, lane: lane, timeout: .seconds(5))
                try await end.readWhileAborting(connection)
            }
        }
        #expect(error?.kind == .closed)
    }

    @Test("300 connections at once on two lanes each get their own bytes back")
    func crowd() async throws {
        let server = try TestServer.echo(lanes: Lane.pool(count: 2))
        let lanes = Lane.pool(count: 2)
        let right = Tally()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<300 {
                group.addTask {
                    try await ClientEnd(lanes[index % 2]).run { _, lane in
                        let connection = try await Connection.connect(
                            to: server.address, lane: lane, timeout: .seconds(20))
                        for turn in 0..<5 {
                            let text = "connection \(index) turn \(turn)"
                            if try await connection.roundTrip(text) == text { right.add() }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(right.count == 1500)
    }

    @Test("a sleep lasts, and many sleeps on one lane end in order")
    func sleeping() async throws {
        let order = try await ClientEnd().run { end, lane in try await end.sleepOrder(lane) }
        #expect(order == [1, 2, 3])
    }

    @Test("a port in use cannot be listened on twice, and the text says which")
    func inUse() throws {
        let first = try Listener(port: 0, lanes: [Lane()])
        #expect {
            _ = try Listener(port: first.port, lanes: [Lane()])
        } throws: {
            ($0 as? TransportError)?.detail.contains("127.0.0.1:\(first.port)") == true
        }
    }
}

extension ClientEnd {
    func readWhileAborting(_ connection: Connection) async throws {
        aborted = connection
        Task(executorPreference: lane) { @Sendable in await self.abortSoon() }
        _ = try await connection.readExactly(1)
    }

    private func abortSoon() async {
        await lane.sleep(for: .milliseconds(50))
        aborted?.abort()
    }

    func sleepOrder(_ lane: Lane) async throws -> [Int] {
        var order: [Int] = []
        let tasks = [(3, 90), (1, 20), (2, 50)].map { id, wait in
            Task(executorPreference: lane) { @Sendable in
                await self.sleep(wait)
                return id
            }
        }
        for task in tasks { _ = await task.value }
        order = woken.map { [20: 1, 50: 2, 90: 3][$0] ?? 0 }
        return order
    }

    private func sleep(_ milliseconds: Int) async {
        await lane.sleep(for: .milliseconds(milliseconds))
        woken.append(milliseconds)
    }
}
