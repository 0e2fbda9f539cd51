import Clock
import PostOffice
import Queue
import Sender
import Testing

@Suite("Messages begun together", .timeLimit(.minutes(2)))
struct BatchTests {
    @Test("a pause does not wait for messages that were begun together and have not left: they go back")
    func pauseWithinBatch() async throws {
        // No time passes for the session, so it begins more and more at a time; then every answer takes long.
        let rig = try Rig("at dot after 300 latency 500ms", people: 2_000)
        let dispatcher = Dispatcher(
            queue: rig.queue, campaign: rig.campaign, account: rig.account { $0.sessions = 1 }, plan: rig.plan,
            classifier: ReplyClassifier(rules: []), options: SendOptions(), clock: StillClock())
        async let sending = dispatcher.run()
        var begun = 0
        while begun < rig.office.counts().accepted + 8 || begun < 308 {
            try await Task.sleep(for: .milliseconds(5))
            begun = try rig.tallies.sent + rig.tallies.sending
        }
        try rig.queue.pause(rig.campaign.id, reason: "test")
        guard case .paused = try await sending else {
            Issue.record("not paused")
            return
        }
        #expect(try rig.log.contains { $0.outcome == .aborted }, "all that was begun was sent")
        let tallies = try rig.tallies
        #expect(try tallies.sent == rig.accepted().count && tallies.inDoubt == 0)
        #expect(tallies.sent + tallies.pending == 2_000)
    }

    @Test("a limit is reached exactly, though sessions have begun several and others have ended")
    func limitWithinBatch() async throws {
        let rig = try Rig(people: 600)
        let ending = try await Dispatcher(
            queue: rig.queue, campaign: rig.campaign, account: rig.account(), plan: rig.plan,
            classifier: ReplyClassifier(rules: []), options: SendOptions(limit: 500), clock: StillClock()
        ).run()
        guard case .limitReached = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(try rig.tallies.sent == 500 && rig.accepted().count == 500)
    }

    /// The machine's time, on a machine that never gets older.
    private struct StillClock: WallClock {
        func now() -> Timestamp { SystemClock().now() }
        func sinceBoot() -> BootTime { BootTime(boot: "still", microseconds: 0) }
    }
}
