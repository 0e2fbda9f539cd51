import Clock
import Foundation
import Testing

@testable import Queue

@Suite("What a campaign's time was used for") struct SpellTests {
    private static let cap = WaitCause(.cap, "source default 100/1h")

    /// Says so for so many seconds, twice a second as the sender does.
    private func says(_ cause: WaitCause?, _ seconds: Int, _ runner: Runner, _ bed: Bed) async throws {
        for _ in 0..<seconds * 2 {
            bed.clock.advance(.milliseconds(500))
            _ = try await runner.status(RunnerStatus(cause: cause))
        }
    }

    private func seconds(_ history: SpellHistory) -> [String: Double] {
        Dictionary(grouping: history.spells, by: \.cause.kind.rawValue).mapValues {
            Double($0.reduce(0) { $0 + $1.microseconds }) / 1_000_000
        }
    }

    private func adds(_ history: SpellHistory, place: SourceLocation = #_sourceLocation) {
        #expect(
            history.spells.reduce(0) { $0 + $1.microseconds } == history.microseconds, sourceLocation: place)
        for (one, two) in zip(history.spells, history.spells.dropFirst()) {
            #expect(one.until == two.since, sourceLocation: place)
        }
    }

    @Test("sending, a cap, a rest, a pause and nobody at all add up to the time since it began")
    func wholeStory() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 3)
        #expect(try bed.queue.spells(id) == nil)
        let runner = try await bed.runner(id)
        try await says(nil, 10, runner, bed)
        try await says(Self.cap, 60, runner, bed)
        try await says(WaitCause(.rest, "421 slow"), 30, runner, bed)
        try await says(nil, 5, runner, bed)
        try bed.queue.pause(id, reason: "lunch")
        try await says(nil, 1, runner, bed)
        try await runner.stop()
        bed.clock.advance(.seconds(120))
        try bed.queue.resume(id)
        bed.clock.advance(.seconds(300))
        let again = try await bed.runner(id)
        try await says(nil, 20, again, bed)
        let history = try #require(try bed.queue.spells(id))
        adds(history)
        #expect(history.microseconds == 546_000_000)
        let found = seconds(history)
        #expect(found["cap"] == 60 && found["rest"] == 30 && found["paused"] == 120 && found["no-runner"] == 300)
        #expect(found["sending"] == 36)
        #expect(history.spells.first { $0.cause.kind == .paused }?.cause.what == "lunch")
        #expect(history.sums.first?.cause.kind == .noRunner)
        #expect(history.spells.map(\.cause.kind) == [.sending, .cap, .rest, .sending, .paused, .noRunner, .sending])
    }

    @Test("what lasts for less than a second is no change, however often it comes")
    func short() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 3)
        let runner = try await bed.runner(id)
        for _ in 0..<200 {
            bed.clock.advance(.milliseconds(400))
            _ = try await runner.status(RunnerStatus(cause: Self.cap))
            bed.clock.advance(.milliseconds(400))
            _ = try await runner.status(RunnerStatus())
        }
        #expect(try #require(try bed.queue.spells(id)).spells.map(\.cause.kind) == [.sending])
        // Nothing moves, for ever other reasons: that is no sending, from the first of them on.
        for number in 0..<10 {
            bed.clock.advance(.milliseconds(400))
            _ = try await runner.status(RunnerStatus(cause: WaitCause(.connection, "error \(number)")))
        }
        let history = try #require(try bed.queue.spells(id))
        adds(history)
        #expect(seconds(history)["sending"] == 160.4)
    }

    @Test("the spell of a process that died ends with its last heartbeat, before and after it is put in order")
    func dead() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 3)
        try await waitAndDie(bed, id)
        try await bed.untilRunners(are: 0)
        bed.clock.advance(.seconds(100))
        for _ in 0..<2 {
            let history = try #require(try bed.queue.spells(id))
            adds(history)
            #expect(seconds(history)["cap"] == 19.5)
            #expect(seconds(history)["no-runner"] == 100)
            _ = try bed.queue.recoverDead(.hold)
        }
    }

    private func waitAndDie(_ bed: Bed, _ id: Int64) async throws {
        let runner = try await bed.runner(id)
        try await says(Self.cap, 20, runner, bed)
    }

    @Test("of two processes one that sends decides; the clock set back changes no length")
    func two() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 3)
        let one = try await bed.runner(id)
        let two = try await bed.runner(id)
        for _ in 0..<20 {
            bed.clock.advance(.milliseconds(500))
            _ = try await one.status(RunnerStatus(cause: Self.cap))
            _ = try await two.status(RunnerStatus())
        }
        bed.clock.step(.seconds(-86_400))
        try await one.stop()
        for _ in 0..<20 {
            bed.clock.advance(.milliseconds(500))
            _ = try await two.status(RunnerStatus(cause: Self.cap))
        }
        let history = try #require(try bed.queue.spells(id))
        adds(history)
        #expect(history.microseconds == 20_000_000)
        #expect(seconds(history)["sending"] == 10.5)
    }

    @Test("it ends with the campaign, and goes on when that is filled up")
    func finished() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 1)
        let runner = try await bed.runner(id)
        try await says(nil, 4, runner, bed)
        try await runner.settle(try #require(try await runner.beginNext().attempt), .sent)
        bed.clock.advance(.seconds(1))
        try await runner.stop()
        bed.clock.advance(.seconds(1_000))
        #expect(try #require(try bed.queue.spells(id)).microseconds == 4_000_000)
        try bed.fill(id, [7])
        bed.clock.advance(.seconds(10))
        let history = try #require(try bed.queue.spells(id))
        adds(history)
        #expect(seconds(history)["finished"] == 1_000 && seconds(history)["no-runner"] == 10)
    }

    @Test("a campaign keeps some thousand spells, and the time of the others")
    func bounded() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 1)
        let runner = try await bed.runner(id)
        for number in 0..<5_000 {
            let cause = number % 2 == 0 ? Self.cap : .sending
            let time = try bed.queue.journal().writeNow { commit in
                try commit.turnSpell(id, runner: runner.id, to: cause, at: commit.now.queue)
                return commit.now.queue
            }
            #expect(time > 0)
            bed.clock.advance(.seconds(1))
        }
        let history = try #require(try bed.queue.spells(id))
        adds(history)
        #expect(history.spells.count < 4_600)
        #expect(history.spells.first?.cause.kind == .unrecorded)
        #expect(history.microseconds == 5_000_000_000)
    }
}
