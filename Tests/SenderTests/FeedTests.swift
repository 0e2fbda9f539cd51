import Queue
import Sender
import Testing

@Suite("feed")
struct FeedTests {
    @Test("many sessions that stop early give back whom they took together, and the next run has everybody")
    func givenBack() async throws {
        let rig = try Rig(people: 300)
        let before = rig.queue.journalCounters.operations
        guard case .limitReached = try await rig.send(SendOptions(limit: 1), { $0.sessions = 60 })
        else {
            Issue.record("ended otherwise")
            return
        }
        // The runner's beginning and end, a few leases, one message: not one release a session.
        #expect(rig.queue.journalCounters.operations - before < 40)
        guard case .finished = try await rig.send() else {
            Issue.record("ended otherwise")
            return
        }
        #expect(try rig.tallies.sent == 300 && Set(rig.accepted()).count == 300)
    }

    @Test("many sessions that find nobody left ask the queue together")
    func dry() async throws {
        let rig = try Rig("at dot latency 50ms", people: 60)
        let before = rig.queue.journalCounters.operations
        guard case .finished = try await rig.send(SendOptions(), { $0.sessions = 60 }) else {
            Issue.record("ended otherwise")
            return
        }
        // Two for each message, its beginning and its end; a few leases, the runner's beginning, end and heartbeats.
        #expect(rig.queue.journalCounters.operations - before < 2 * 60 + 30)
        #expect(try rig.tallies.sent == 60)
    }
}
