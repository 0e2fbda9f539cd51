import Clock
import Testing

@testable import Queue

@Suite("Those in doubt")
struct DoubtTests {
    /// p0… in doubt, one a minute, the last at the bed's clock.
    private func bed(_ count: Int) async throws -> (Bed, Int64) {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: count + 1)
        let runner = try await bed.runner(campaign)
        for _ in 0..<count {
            bed.clock.advance(.seconds(60))
            try await runner.settle(try #require(try await runner.beginNext().attempt), .inDoubt)
        }
        try await runner.stop()
        return (bed, campaign)
    }

    private func doubts(_ bed: Bed, _ campaign: Int64) throws -> [RecipientRecord] {
        try bed.queue.recipients(campaign, state: .inDoubt, after: 0, limit: 100)
    }

    @Test("each says since when, where and what cut it; the oldest is the campaign's")
    func told() async throws {
        let (bed, campaign) = try await bed(3)
        let all = try doubts(bed, campaign)
        #expect(all.compactMap(\.doubt).count == 3)
        #expect(all[0].doubt?.since == bed.clock.now() + .seconds(-120))
        #expect(all[0].doubt?.cause == .connectionLost && all[0].doubt?.account == "qq")
        #expect(try bed.queue.oldestDoubt(campaign) == all[0].doubt?.since)
        #expect(try bed.queue.recipients(campaign, state: .pending, after: 0, limit: 9).allSatisfy { $0.doubt == nil })
        let empty = try bed.campaign("summer", recipients: 1)
        #expect(try bed.queue.oldestDoubt(empty) == nil)
    }

    @Test("what a dead runner left is told from a lost connection")
    func dead() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 1)
        let runner = try await bed.runner(campaign)
        _ = try await runner.beginNext()
        let later = try bed.crashedCopy()
        #expect(try later.recoverDead(.hold).inDoubt == 1)
        #expect(try later.recipients(campaign, state: .inDoubt, after: 0, limit: 9)[0].doubt?.cause == .processEnded)
        _ = runner
    }

    @Test("by age, with and without addresses; the edge belongs to both sides")
    func age() async throws {
        let (bed, campaign) = try await bed(4)
        let edge = bed.clock.now() + .seconds(-120)
        #expect(try bed.queue.settleInDoubt(campaign, as: .sent, emails: ["p3@example.com"], before: edge) == 0)
        #expect(try bed.queue.settleInDoubt(campaign, as: .sent, emails: ["p0@example.com"], before: edge) == 1)
        #expect(try bed.queue.settleInDoubt(campaign, as: .failed, emails: nil, before: edge) == 1)
        #expect(try bed.queue.inDoubt(campaign, among: ["p0@example.com", "p2@example.com"]) == ["p2@example.com"])
        #expect(try bed.queue.settleInDoubt(campaign, as: .resend, emails: nil, after: edge) == 2)
        let tallies = try #require(try bed.queue.campaign(id: campaign)).tallies
        #expect(tallies.sent == 1 && tallies.failed == 1 && tallies.inDoubt == 0 && tallies.pending == 3)
        #expect(try bed.queue.verify(deep: true) == [])
    }

    @Test(
        "a policy decides about all that is in doubt when a runner starts, and about what arises; the story says which and when"
    )
    func policy() async throws {
        let (bed, campaign) = try await bed(3)
        bed.clock.advance(.seconds(60))
        let start = bed.clock.now()
        let runner = try await bed.runner(campaign, doubt: .assumeSent)
        #expect(try bed.tallies(campaign).sent == 3)
        #expect(
            try bed.queue.events(campaign, limit: 9).contains {
                $0.text == "3 in doubt: sent by the policy assume-sent."
            })
        bed.clock.advance(.seconds(60))
        try await runner.settle(try #require(try await runner.beginNext().attempt), .inDoubt)
        #expect(try bed.tallies(campaign).sent == 4)
        let verdicts = try [0, 3].map {
            try #require(try bed.queue.stories(key: "p\($0)@example.com")[0].verdicts.values.first)
        }
        #expect(verdicts.map(\.policy) == [.assumeSent, .assumeSent] && verdicts.allSatisfy { $0.evidence.isEmpty })
        #expect(verdicts.map(\.at) == [start, start + .seconds(60)])
        #expect(try bed.queue.verify(deep: true) == [] && bed.queue.prove([]).findings.isEmpty)
    }

    @Test("by the policy resend each has as many tries as the schedule, and waits between them")
    func resend() async throws {
        let (bed, campaign) = try await bed(2)
        let held = try await bed.queue.startRunner(
            campaign, account: "qq", source: "default", limits: [], doubt: .resend, tries: 0)
        #expect(try bed.tallies(campaign).inDoubt == 2)
        try await held.stop()
        let runner = try await bed.queue.startRunner(
            campaign, account: "qq", source: "default", limits: [], doubt: .resend, tries: 1)
        #expect(try bed.tallies(campaign).pending == 3)
        // The fresh one first, and none of them a second time before its wait is over.
        let due = bed.clock.now() + .seconds(300)
        for _ in 0..<3 {
            try await runner.settle(try #require(try await runner.beginNext().attempt), .inDoubt, retryAt: due)
        }
        #expect(try await runner.lease(9).nextDue == due)
        bed.clock.advance(.seconds(301))
        // The last try: nothing is left but somebody's decision.
        try await runner.settle(try #require(try await runner.beginNext().attempt), .inDoubt)
        let tallies = try bed.tallies(campaign)
        #expect(tallies.inDoubt == 1 && tallies.pending == 2)
        #expect(try bed.queue.verify(deep: true) == [] && bed.queue.prove([]).findings.isEmpty)
    }

    @Test("a policy is one campaign's: what a dead runner of another one left is held")
    func foreign() async throws {
        let bed = try Bed()
        let (one, two) = (try bed.campaign(recipients: 1), try bed.campaign("summer", recipients: 2))
        let dead = try await bed.runner(one)
        _ = try await dead.beginNext()
        let later = try bed.crashedCopy()
        try later.claim()
        let runner = try await later.startRunner(two, account: "qq", source: "default", limits: [], doubt: .resend)
        #expect(runner.recovered.inDoubt == 1)
        #expect(try #require(try later.campaign(id: one)).tallies.inDoubt == 1)
        _ = dead
    }

    @Test("what was decided, when, and what said so, is kept with the attempt")
    func verdicts() async throws {
        let (bed, campaign) = try await bed(3)
        let all = try doubts(bed, campaign)
        bed.clock.advance(.seconds(5))
        let settlements = all.prefix(2).map {
            DoubtSettlement(
                recipient: $0.id, attempt: $0.doubt?.attempt ?? 0, decision: $0.id == all[0].id ? .sent : .failed,
                evidence: "INBOX, UID \($0.id)")
        }
        #expect(try bed.queue.settleInDoubt(campaign, by: settlements) == 2)
        // Twice is once, and an attempt that is not the last one decides nothing.
        #expect(try bed.queue.settleInDoubt(campaign, by: settlements) == 0)
        let stray = DoubtSettlement(recipient: all[2].id, attempt: 1, decision: .sent, evidence: "x")
        #expect(try bed.queue.settleInDoubt(campaign, by: [stray]) == 0)
        #expect(try bed.queue.settleInDoubt(campaign, as: .resend, emails: nil) == 1)
        let stories = try (0..<3).map { try bed.queue.stories(key: "p\($0)@example.com")[0] }
        #expect(stories.map { $0.verdicts.values.first?.decision } == [.sent, .failed, .resend])
        #expect(stories[0].verdicts.values.first?.evidence == "INBOX, UID \(all[0].id)")
        #expect(stories[2].verdicts.values.first?.evidence == "")
        #expect(stories[0].verdicts[stories[0].attempts[0].id]?.at == bed.clock.now())
        #expect(try bed.queue.verify(deep: true) == [])
    }
}
