import Dispatch
import Testing

@testable import Transport

@Suite struct LaneTests {
    @Test("an actor on a lane is isolated on the lane's queue, and may say so")
    func isolation() async throws {
        let lane = Lane()
        let end = ClientEnd(lane)
        let seen = lane.queue.sync { end.assumeIsolated { $0.woken.count } }
        #expect(seen == 0)
    }

    @Test("jobs of one actor run one at a time, wherever they come from")
    func serial() async throws {
        let counter = Counter(Lane())
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<500 { await counter.step() } }
            }
        }
        #expect(await counter.steps == 4000)
        #expect(await counter.overlaps == 0)
    }

    @Test("an actor that is never idle does not keep sockets, sleeps or deadlines of its lane waiting")
    func fairness() async throws {
        let server = try TestServer.echo()
        let mute = try TestServer { end, _ in await end.lane.sleep(for: .seconds(5)) }
        let lane = Lane()
        let counter = Counter(lane)
        let busy = Task { await counter.spin() }
        let answer = try await ClientEnd(lane).run { _, lane in
            let connection = try await Connection.connect(to: server.address, lane: lane, timeout: .seconds(10))
            await lane.sleep(for: .milliseconds(20))
            return try await connection.roundTrip("still here")
        }
        let error = await failure {
            try await ClientEnd(lane).run { _, lane in
                let connection = try await Connection.connect(to: mute.address, lane: lane, timeout: .seconds(10))
                _ = try await connection.readExactly(1, timeout: .milliseconds(50))
            }
        }
        busy.cancel()
        await busy.value
        #expect(answer == "still here")
        #expect(error?.kind == .timedOut(.read))
    }

    @Test("a lane goes when its last actor and connection have gone")
    func release() async throws {
        let server = try TestServer.echo()
        weak var lane: Lane?
        try await {
            let own = Lane()
            lane = own
            try await ClientEnd(own).run { _, lane in
                let connection = try await Connection.connect(to: server.address, lane: lane, timeout: .seconds(10))
                #expect(try await connection.roundTrip("x") == "x")
            }
        }()
        // What is still queued on it may hold it for a moment.
        let clock = ClientEnd()
        for _ in 0..<500 where lane != nil {
            try await clock.run { _, lane in await lane.sleep(for: .milliseconds(10)) }
        }
        #expect(lane == nil)
    }

    @Test("a pool has at least one lane")
    func pool() {
        #expect(Lane.pool(count: 3).count == 3)
        #expect(Lane.pool(count: 0).count == 1)
    }
}

actor Counter {
    let lane: Lane
    nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }
    private(set) var steps = 0
    private(set) var overlaps = 0
    private var inside = false

    init(_ lane: Lane) { self.lane = lane }

    func step() {
        if inside { overlaps += 1 }
        inside = true
        steps += 1
        inside = false
    }

    func spin() async { while !Task.isCancelled { await Task.yield() } }
}
