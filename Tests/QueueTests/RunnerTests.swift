import Clock
import Foundation
import Testing

@testable import Queue

@Suite struct RunnerTests {
    @Test(
        "what a dead runner had in flight is in doubt; the policy says what becomes of it",
        arguments: DoubtPolicy.allCases)
    func recovery(_ policy: DoubtPolicy) async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 5)
        let limits = [Limit(scope: .source, count: 3, per: .seconds(60))]
        try await dieInFlight(bed, campaign, limits)
        try await bed.untilRunners(are: 0)
        bed.clock.advance(.seconds(30))
        #expect(try bed.queue.runners(nil).isEmpty)
        let lost = try bed.queue.lostRunners(campaign)
        #expect(lost.map(\.process) == [getpid()] && lost.map(\.campaign) == [campaign])
        #expect(try bed.queue.lostRunners(campaign + 1).isEmpty)
        let next = try await bed.runner(campaign, limits: limits, doubt: policy)
        #expect(next.recovered.runners == 1)
        #expect(next.recovered.inDoubt == 2)
        #expect(try bed.queue.lostRunners(nil).isEmpty)
        let tallies = try bed.tallies(campaign)
        switch policy {
        case .hold: #expect(tallies.inDoubt == 2)
        case .resend: #expect(tallies.pending == 4)
        case .assumeSent: #expect(tallies.sent == 3)
        }
        #expect(tallies.sending == 0)
        let log = try bed.queue.attempts(campaign, after: 0, limit: 10)
        #expect(log.compactMap(\.outcome) == [.sent, .inDoubt, .inDoubt])
        #expect(try bed.queue.events(campaign, limit: 10).contains { $0.kind == "recovery" })
        // Their grants are as old as the recovery.
        #expect(try await next.beginNext().cappedUntil == bed.clock.now() + .seconds(30))
        bed.clock.advance(.seconds(31))
        #expect(try await next.beginNext().attempt != nil)
        #expect(try await next.beginNext().cappedUntil == bed.clock.now() + .seconds(29))
        #expect(try bed.queue.verify(deep: true) == [])
    }

    /// One message sent, two begun; then the only reference to the runner goes, and its lock with it.
    private func dieInFlight(_ bed: Bed, _ campaign: Int64, _ limits: [Limit]) async throws {
        let runner = try await bed.runner(campaign, limits: limits)
        try await runner.settle(try #require(try await runner.beginNext().attempt), .sent)
        for _ in 0..<2 { _ = try await runner.beginNext() }
    }

    @Test("a live runner finds one that died meanwhile, and takes what it had leased")
    func heartbeatRecovers() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 4)
        let live = try await bed.runner(campaign)
        try await leaseAllAndDie(bed, campaign)
        try await bed.untilRunners(are: 1)
        #expect(try await live.lease(10).recipients.isEmpty)
        #expect(try await live.status(RunnerStatus(waitingFor: "nothing is due")).state == .sending)
        #expect(try await live.lease(10).recipients.count == 3)
        #expect(try bed.tallies(campaign).inDoubt == 1)
        let records = try bed.queue.runners(campaign)
        #expect(records.map(\.status.waitingFor) == ["nothing is due"])
        #expect(records.map(\.process) == [getpid()])
    }

    private func leaseAllAndDie(_ bed: Bed, _ campaign: Int64) async throws {
        let dying = try await bed.runner(campaign)
        let leased = try await dying.lease(10).recipients
        #expect(leased.count == 4)
        _ = try await dying.exchange(settle: [], begin: [leased[0].request])
    }

    @Test("a runner that lives is not taken for dead, by this process or through another descriptor")
    func livesOn() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 4)
        let live = try await bed.runner(campaign)
        _ = try await live.beginNext()
        let other = try Queue.open(at: bed.path, access: .readWrite, clock: bed.clock)
        #expect(try other.recoverDead(.resend) == Recovery())
        #expect(try bed.tallies(campaign).sending == 1)
        try await live.stop()
        // Stopped with a message in flight: as if it had died.
        #expect(try bed.tallies(campaign).inDoubt == 1)
        await #expect(throws: QueueError.stopped) { try await live.lease(1) }
    }

    @Test("two runners never lease the same recipient, and a released one comes back")
    func leases() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 20)
        let (one, two) = (try await bed.runner(campaign), try await bed.runner(campaign))
        let first = try await one.lease(6).recipients.map(\.id)
        let second = try await two.lease(6).recipients.map(\.id)
        #expect(Set(first).isDisjoint(with: second))
        try await one.release([first[1], first[4]])
        let third = try await two.lease(4).recipients.map(\.id)
        #expect(third == [first[1], first[4], second[5] + 1, second[5] + 2])
        try await two.stop()
        let fourth = try await one.lease(100).recipients.map(\.id)
        #expect(fourth.count == 16)
        #expect(Set(fourth).isDisjoint(with: [first[0], first[2], first[3], first[5]]))
    }

    @Test("retries come when they are due, and take a quarter of a batch while there are fresh ones")
    func retries() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 30)
        let runner = try await bed.runner(campaign)
        let retryAt = bed.clock.now() + .seconds(60)
        let leased = try await runner.lease(10).recipients
        let answers = try await runner.exchange(settle: [], begin: leased.map(\.request))
        _ = try await runner.exchange(
            settle: answers.compactMap(\.attempt).map {
                Settlement(attempt: $0, outcome: .deferred, code: 451, reply: "later", retryAt: retryAt)
            }, begin: [])
        #expect(try bed.tallies(campaign).deferred == 10)
        #expect(try await runner.lease(8).recipients.allSatisfy { $0.attempts == 0 })
        bed.clock.advance(.seconds(60))
        let batch = try await runner.lease(8).recipients
        #expect(batch.map(\.attempts) == [0, 0, 0, 0, 0, 0, 1, 1])
        let rest = try await runner.lease(30).recipients
        #expect(rest.filter { $0.attempts == 1 }.count == 8)
        #expect(rest.filter { $0.attempts == 0 }.count == 6)
    }

    @Test("ten thousand retries that are due do not hold up the fresh ones, and get a quarter all the same")
    func freshFirst() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 10_300)
        let runner = try await bed.runner(campaign)
        for _ in 0..<10 {
            let leased = try await runner.lease(1_000).recipients
            let answers = try await runner.exchange(settle: [], begin: leased.map(\.request))
            let later = bed.clock.now() + .seconds(30)
            _ = try await runner.exchange(
                settle: answers.compactMap(\.attempt).map {
                    Settlement(attempt: $0, outcome: .deferred, code: 451, reply: "later", retryAt: later)
                }, begin: [])
        }
        #expect(try bed.tallies(campaign).deferred == 10_000)
        bed.clock.advance(.seconds(60))
        for _ in 0..<4 {
            let batch = try await runner.lease(100).recipients
            #expect(batch.filter { $0.attempts == 0 }.count == 75 && batch.filter { $0.attempts == 1 }.count == 25)
            // The fresh ones of a batch go first.
            #expect(batch.prefix(75).allSatisfy { $0.attempts == 0 })
        }
        #expect(try await runner.lease(100).recipients.filter { $0.attempts == 1 }.count == 100)
    }

    @Test("with nothing due, the answer is when something will be")
    func nextDue() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 2)
        let runner = try await bed.runner(campaign)
        for wait in [90, 30] {
            let attempt = try #require(try await runner.beginNext().attempt)
            try await runner.settle(attempt, .deferred, retryAt: bed.clock.now() + .seconds(wait))
        }
        let answer = try await runner.lease(5)
        #expect(answer.recipients.isEmpty)
        #expect(answer.nextDue == bed.clock.now() + .seconds(30))
        #expect(answer.tallies.deferred == 2)
        let waiting = try bed.queue.recipients(campaign, state: .deferred, after: 0, limit: 10)
        #expect(waiting.map(\.nextAttempt) == [bed.clock.now() + .seconds(90), bed.clock.now() + .seconds(30)])
        bed.clock.step(.seconds(-10_000))
        bed.clock.advance(.seconds(30))
        #expect(try await runner.lease(5).recipients.count == 1)
    }

    @Test("a postponed recipient waits without an attempt")
    func postponed() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 1)
        let runner = try await bed.runner(campaign)
        let leased = try #require(try await runner.lease(1).recipients.first)
        try await runner.postpone(leased.id, until: bed.clock.now() + .seconds(5))
        #expect(try await runner.lease(1).nextDue == bed.clock.now() + .seconds(5))
        bed.clock.advance(.seconds(5))
        #expect(try await runner.lease(1).recipients.first?.attempts == 0)
        #expect(try bed.tallies(campaign).pending == 1)
    }

    @Test("settling twice is refused and changes nothing, not even what else was asked")
    func twice() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 3)
        let runner = try await bed.runner(campaign)
        let attempt = try #require(try await runner.beginNext().attempt)
        try await runner.settle(attempt, .sent)
        let leased = try await runner.lease(2).recipients
        let again = Settlement(attempt: attempt, outcome: .failed)
        await #expect(throws: QueueError.notOpen(attempt: attempt)) {
            try await runner.exchange(settle: [again], begin: [leased[0].request])
        }
        let open = try #require(try await runner.exchange(settle: [], begin: [leased[0].request])[0].attempt)
        let doubled = Settlement(attempt: open, outcome: .sent)
        await #expect(throws: QueueError.self) { try await runner.exchange(settle: [doubled, doubled], begin: []) }
        let tallies = try bed.tallies(campaign)
        #expect((tallies.sent, tallies.sending, tallies.pending, tallies.failed) == (1, 1, 1, 0))
        #expect(try bed.queue.verify(deep: true) == [])
    }

    @Test("a throttled attempt uses up no try; one that failed for good may suppress the address")
    func counting() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 2)
        let runner = try await bed.runner(campaign)
        let one = try #require(try await runner.beginNext().attempt)
        let two = try #require(try await runner.beginNext().attempt)
        _ = try await runner.exchange(
            settle: [
                Settlement(
                    attempt: one, outcome: .deferred, code: 550, reply: "frequency limited",
                    retryAt: bed.clock.now() + .seconds(1), countsAsAttempt: false),
                Settlement(attempt: two, outcome: .failed, code: 550, reply: "no such user", suppress: "no such user"),
            ], begin: [])
        #expect(try bed.queue.recipients(campaign, state: nil, after: 0, limit: 9).map(\.attempts) == [0, 1])
        #expect(try bed.queue.isSuppressed(key: "p1@example.com")?.reason == "no such user")
        #expect(try bed.queue.isSuppressed(key: "p0@example.com") == nil)
    }

    @Test("a resent doubt is known as one")
    func inDoubtBefore() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 2)
        let runner = try await bed.runner(campaign)
        try await runner.settle(try #require(try await runner.beginNext().attempt), .inDoubt)
        #expect(try bed.queue.settleInDoubt(campaign, as: .resend, emails: ["P0@example.com".lowercased()]) == 1)
        #expect(try bed.queue.settleInDoubt(campaign, as: .resend, emails: nil) == 0)
        let leased = try await runner.lease(2).recipients
        #expect(leased.map(\.inDoubtBefore) == [true, false])
    }
}
