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
}
