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

    /// How many attempts of one session began while the one before was not settled.
    private func overlaps(_ rig: Rig) throws -> Int {
        let log = try rig.log.sorted { $0.id < $1.id }
        return try zip(log, log.dropFirst()).count { before, next in try #require(before.finished) > next.started }
    }

    @Test(
        "at a slow server the next message is begun while the last one's answer is on its way",
        arguments: [true, false])
    func ahead(_ pipelining: Bool) async throws {
        let rig = try Rig("at dot latency 200ms", people: 10) { $0.pipelining = pipelining }
        guard case .finished = try await rig.send(SendOptions(), { $0.sessions = 1 }) else {
            Issue.record("not finished")
            return
        }
        #expect(try rig.accepted().count == 10 && rig.tallies.sent == 10)
        #expect(try overlaps(rig) > 2)
    }

    @Test("under a tight cap one message is open at a time, however slow the server is")
    func tightCap() async throws {
        let rig = try Rig("at dot latency 60ms")
        guard
            case .finished = try await rig.send(
                SendOptions(),
                {
                    $0.sessions = 1
                    $0.limits = [Limit(scope: .source, count: 1000, per: .seconds(3600))]
                })
        else {
            Issue.record("not finished")
            return
        }
        #expect(try overlaps(rig) == 0 && rig.tallies.sent == 20)
    }

    @Test(
        "what was begun ahead is taken back when the session ends, and sent once",
        arguments: ["drop", "reply 421 4.3.2 bye"])
    func aheadTakenBack(_ trouble: String) async throws {
        let rig = try Rig("at dot latency 100ms\nat rcpt every 5 \(trouble)")
        guard case .finished = try await rig.send(SendOptions(wait: true), { $0.sessions = 2 }) else {
            Issue.record("not finished")
            return
        }
        let accepted = try rig.accepted()
        #expect(try accepted.count == 20 && Set(accepted).count == 20 && rig.tallies.sent == 20)
        #expect(try rig.log.contains { $0.outcome == .aborted && $0.reply?.contains("not offered") == true })
        #expect(try rig.queue.verify(deep: true).isEmpty)
    }

    @Test("a pause leaves nothing open that was begun ahead; who asks for the end lets it leave")
    func endsAhead() async throws {
        for pauses in [true, false] {
            let rig = try Rig("at dot latency 200ms")
            let dispatcher = Dispatcher(
                queue: rig.queue, campaign: rig.campaign, account: rig.account { $0.sessions = 1 }, plan: rig.plan,
                classifier: ReplyClassifier(rules: []), options: SendOptions())
            async let sending = dispatcher.run()
            while try rig.tallies.sending < 2, try rig.tallies.sent < 18 { try await Task.sleep(for: .milliseconds(5)) }
            if pauses { try rig.queue.pause(rig.campaign.id, reason: "test") } else { dispatcher.drain() }
            _ = try await sending
            let tallies = try rig.tallies
            #expect(try tallies.sent == rig.accepted().count && tallies.sending == 0 && tallies.inDoubt == 0)
            #expect(tallies.sent + tallies.pending == 20)
            // A pause may be heard of only when that one has left, too.
            #expect(try pauses || !rig.log.contains(where: { $0.outcome == .aborted }))
        }
    }

    /// The machine's time, on a machine that never gets older.
    private struct StillClock: WallClock {
        func now() -> Timestamp { SystemClock().now() }
        func sinceBoot() -> BootTime { BootTime(boot: "still", microseconds: 0) }
        func isSynchronised() -> Bool { false }
    }
}
