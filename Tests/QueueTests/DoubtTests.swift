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
