import Clock
import Transport

/// One connection of a client, from greeting to end. Lives on a lane; straight-line code.
actor Session {
    nonisolated let number: Int
    nonisolated let house: House
    private let lane: Lane
    nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

    /// Why a session ends before its client says QUIT.
    enum End: Error { case hungUp, dropped, said }

    nonisolated let peerHost: String
    nonisolated let peer: [UInt8]
    private var connection: Connection?
    let input = InputBuffer()
    private var answers: [UInt8] = []
    private var events: [UInt8] = []

    // The dialogue's state (RFC 5321 §4.1.4).
    var greeted = false
    var extended = false
    /// The banner was a refusal: nothing but QUIT is taken.
    var turnedAway = false
    var user: [UInt8]?
    var from: [UInt8]?
    var recipients: [[UInt8]] = []
    var reservation: Referee.Reservation?
    private var faults = 0
    private var aborted = false
    private var inside = false

    var options: PostOfficeOptions { house.options }
    var isSecure: Bool { connection?.tls != nil }

    init(_ house: House, lane: Lane, number: Int, peer: SocketAddress) {
        self.house = house
        self.lane = lane
        self.number = number
        peerHost = peer.host
        self.peer = Array("\(peer)".utf8)
    }

    func abort() {
        aborted = true
        connection?.abort()
    }

    func serve(_ socket: AcceptedSocket) async {
        guard !aborted else { return socket.refuse() }
        guard let connection = try? Connection.adopt(socket) else { return }
        self.connection = connection
        house.counts.withLock { $0.connections += 1 }
        let full = house.referee.enter()
        inside = true
        note("connect")
        var how: StaticString = "hung up"
        do {
            if options.tls == .implicit { try await secure() }
            try await greet(full)
            while true { try await step() }
        } catch End.said {
            how = "finished"
            await finish()
        } catch End.dropped {
            how = "dropped"
        } catch let error as TransportError {
            if case .timedOut(.read) = error.kind {
                how = "silent too long"
                answer("421 4.4.2 Silent for too long", at: nil)
                await finish()
            } else if error.kind == .tls {
                how = "TLS failed"
                note("tls-failed") { $0.text("reply", error.detail.utf8) }
            }
        } catch {}
        house.referee.settle(&reservation, accepted: false)
        leave()
        note("disconnect") { $0.text("how", UnsafeBufferPointer(start: how.utf8Start, count: how.utf8CodeUnitCount)) }
        house.log?.write(events)
        connection.close()
        self.connection = nil
    }

    /// A session that says goodbye no longer counts among those at once.
    private func leave() {
        guard inside else { return }
        inside = false
        house.referee.leave()
    }

    /// Sends what is left and waits a moment for the client to go, for a close with unread input would be a reset, which
    /// may destroy the answer on its way.
    private func finish() async {
        leave()
        do {
            try await flush()
            connection?.finishWriting()
            for _ in 0..<20 {
                let space = input.space()
                guard let count = try await connection?.read(space, timeout: .seconds(2)), count > 0 else { return }
                input.clear()
            }
        } catch {}
    }

    // MARK: Input

    /// Gets at least one byte more. What was answered leaves first when the client has to be waited for.
    func fill(atMost limit: Int = .max) async throws {
        guard let connection else { throw End.hungUp }
        var space = input.space()
        if space.count > limit { space = UnsafeMutableRawBufferPointer(rebasing: space[..<limit]) }
        var outcome = try connection.tryRead(space)
        while case .wouldBlock = outcome {
            try await flush()
            try await connection.untilReadable(timeout: options.idleTimeout)
            outcome = try connection.tryRead(space)
        }
        guard case .done(let count) = outcome, count > 0 else { throw End.hungUp }
        input.added(count)
    }

    /// The next line without its CR LF, or nil when it was too long or not properly ended, which has been answered.
    private func line(limit: Int) async throws -> [UInt8]? {
        var from = 0
        while true {
            if let feed = input.lineFeed(from: from) {
                defer { input.consume(feed + 1) }
                if feed >= limit || overlong {
                    overlong = false
                    complain("500 5.5.6 Line too long")
                    return nil
                }
                guard feed > 0, input.unread[feed - 1] == 13 else {
                    complain("500 5.5.2 Lines end with CR LF")
                    return nil
                }
                return Array(input.unread[..<(feed - 1)])
            }
            from = input.count
            if from > 65_536 {
                // Skip the monster, but remember that it was one.
                input.consume(from - 1)
                from = 1
                overlong = true
            }
            try await fill()
        }
    }
    private var overlong = false

    private func step() async throws {
        guard let text = try await line(limit: 2048) else { return }
        guard !text.contains(where: { $0 < 32 || $0 == 127 }) else {
            return complain("500 5.5.2 Control characters in a command")
        }
        let command = text.withUnsafeBufferPointer { CommandLine($0) }
        try await obey(command)
        if faults > 50 {
            answer("421 4.7.0 Too many errors", at: nil)
            throw End.said
        }
    }

    /// A line of an AUTH exchange.
    func promptedLine() async throws -> [UInt8]? { try await line(limit: 12_288) }

    // MARK: Output

    /// Adds an answer to what leaves with the next flush, and counts it where it is a refusal.
    func answer(_ text: StaticString, at stage: Stage?, to: [UInt8] = []) {
        answer(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), at: stage, to: to)
    }

    func answer(_ text: some Collection<UInt8>, at stage: Stage?, to: [UInt8] = []) {
        answers.append(contentsOf: text)
        answers.append(13)
        answers.append(10)
        let first = text.first ?? 0
        guard let stage, first == UInt8(ascii: "4") || first == UInt8(ascii: "5") else { return }
        house.counts.withLock {
            if first == UInt8(ascii: "4") {
                $0.deferred += 1
                $0.deferredByStage[stage, default: 0] += 1
            } else {
                $0.rejected += 1
                $0.rejectedByStage[stage, default: 0] += 1
            }
        }
        note(first == UInt8(ascii: "4") ? "deferred" : "rejected") { line in
            line.text("stage", stage.rawValue.utf8)
            if let from { line.text("from", from) }
            let whom = to.isEmpty ? Array(recipients.joined(separator: [44, 32])) : to
            if !whom.isEmpty { line.text("to", whom) }
            line.number("code", text.prefix(3).reduce(0) { $0 * 10 + Int($1) - 48 })
            line.text("reply", text.dropFirst(4))
        }
    }

    /// An answer to a command that makes no sense; too many of them end the session.
    func complain(_ text: StaticString, at stage: Stage? = nil) {
        faults += 1
        answer(text, at: stage)
    }

    /// The log first, then the answers: a client is told nothing that is not on record.
    func flush() async throws {
        if !events.isEmpty {
            house.log?.write(events)
            events.removeAll(keepingCapacity: true)
        }
        guard !answers.isEmpty, let connection else { return }
        defer { answers.removeAll(keepingCapacity: true) }
        try await connection.write(answers, timeout: options.idleTimeout)
    }

    func note(_ event: StaticString, _ more: (inout EventLine) -> Void = { _ in }) {
        guard house.log != nil else { return }
        var line = EventLine(event, at: options.clock.now(), session: number, peer: peer)
        more(&line)
        line.end()
        events.append(contentsOf: line.bytes)
    }

    // MARK: Script

    /// Lets the script speak. True: it has answered, and the command has no other effect.
    func scripted(_ stage: Stage, to: [UInt8] = [], user: [UInt8] = []) async throws -> Bool {
        let ruling = house.referee.ruling(at: stage, from: from ?? [], to: to, user: user)
        try await pause(ruling.wait)
        return try await carry(out: ruling.outcome, at: stage, to: to)
    }

    func pause(_ wait: Duration) async throws {
        guard wait > .zero else { return }
        try await flush()
        await lane.sleep(for: wait)
    }

    func carry(out outcome: Referee.Outcome, at stage: Stage, to: [UInt8] = []) async throws -> Bool {
        switch outcome {
        case .proceed: return false
        case .reply(let bytes, let code):
            answer(bytes, at: stage, to: to)
            if code == 421 { throw End.said }
            return true
        case .garbage:
            answers.append(
                contentsOf: (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 128) }.filter { $0 != 10 && $0 != 13 }
            )
            answers.append(contentsOf: [13, 10])
            note("garbage") { $0.text("stage", stage.rawValue.utf8) }
            return true
        case .drop, .dropBefore, .dropAfter: try await drop(stage, stored: false)
        }
        return true
    }

    /// Cuts the line without a word.
    func drop(_ stage: Stage, stored: Bool) async throws {
        house.counts.withLock {
            $0.dropped += 1
            $0.droppedByStage[stage, default: 0] += 1
        }
        note("dropped") { line in
            line.text("stage", stage.rawValue.utf8)
            line.flag("stored", stored)
            if let from { line.text("from", from) }
            if !recipients.isEmpty { line.text("to", recipients.joined(separator: [44, 32])) }
        }
        answersBeforeDrop()
        throw End.dropped
    }

    /// What was answered to earlier commands of the same write still leaves, as it would have without pipelining.
    private func answersBeforeDrop() {
        house.log?.write(events)
        events.removeAll(keepingCapacity: true)
        guard let connection else { return }
        answers.withUnsafeBytes { _ = try? connection.tryWrite($0) }
        answers.removeAll()
    }

    // MARK: TLS

    /// The handshake. Plain text that came before is thrown away (RFC 3207 §4.2).
    func secure() async throws {
        guard let context = house.context, let connection else { return }
        if input.count > 0 {
            note("injected") { $0.number("bytes", input.count) }
            input.clear()
        }
        try await connection.acceptTLS(context, timeout: options.idleTimeout)
        let info = connection.tls
        house.counts.withLock {
            $0.tlsSessions += 1
            if info?.resumed == true { $0.tlsResumed += 1 }
        }
        note("tls") { line in
            line.text("version", (info?.version ?? "").utf8)
            line.flag("resumed", info?.resumed == true)
        }
    }
}
