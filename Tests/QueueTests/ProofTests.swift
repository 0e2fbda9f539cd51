import Clock
import Foundation
import GRDB
import Testing

@testable import Queue

/// A queue that is proven, and copies of it in which somebody changed a row by hand.
@Suite struct ProofTests {
    static let limits = [
        Limit(scope: .source, count: 3, per: .seconds(10)), Limit(scope: .account, count: 40, per: .seconds(60)),
        Limit(scope: .domain, count: 3, per: .seconds(10)), Limit(scope: .campaign, count: 30, per: .seconds(60)),
    ]
    static var held: [HeldLimit] { limits.map { HeldLimit($0) } }

    /// Some twenty messages of every outcome, one still on its way.
    static func worked(clock: ManualClock = ManualClock(), messages: Int = 20) async throws -> (Bed, Int64, Runner) {
        let bed = try Bed(clock: clock)
        let campaign = try bed.campaign(recipients: messages + 5)
        let runner = try await bed.runner(campaign, limits: limits)
        let outcomes: [AttemptOutcome] = [.sent, .sent, .failed, .aborted, .inDoubt, .sent, .deferred]
        var done = 0
        var tries = 0
        while done < messages, tries < 2_000 {
            tries += 1
            let answer = try await runner.beginNext()
            if let attempt = answer.attempt {
                clock.advance(.milliseconds(300))
                try await runner.settle(
                    attempt, outcomes[done % outcomes.count], retryAt: clock.now() + .seconds(36_000))
                done += 1
            } else if let until = answer.cappedUntil {
                clock.advance(until - clock.now())
            }
        }
        clock.advance(.seconds(30))
        _ = try #require(try await runner.beginNext().attempt)
        return (bed, campaign, runner)
    }

    @Test("a queue that worked is proven while it works: the tightest window is the cap, and nobody passed it")
    func proven() async throws {
        let (bed, campaign, runner) = try await Self.worked()
        let reader = try Queue.open(at: bed.path, access: .readOnly, clock: bed.clock)
        let proof = try reader.prove(Self.held)
        #expect(proof.findings == [])
        #expect(proof.attempts == 21)
        #expect(proof.open == 1)
        #expect(proof.grants == 80)
        #expect(proof.recipients == 25)
        let source = try #require(proof.caps.first { $0.held.limit.scope == .source })
        #expect(source.peak == 3)
        #expect(source.margin == 0)
        #expect(source.slackMicroseconds == 0)
        #expect(source.messages == 21)
        let account = try #require(proof.caps.first { $0.held.limit.scope == .account })
        #expect(account.peak > 12 && account.peak <= 21)
        #expect(account.slackMicroseconds == nil)
        let tally = try #require(proof.tallies.first)
        #expect(tally.counted == tally.kept)
        #expect(tally.counted == (try bed.tallies(campaign)))
        try await runner.stop()
        #expect(try bed.queue.prove(Self.held).findings == [])
    }

    @Test("an empty queue, and one without limits, are proven")
    func empty() async throws {
        let bed = try Bed()
        #expect(try bed.queue.prove([]).isProven)
        let (worked, campaign, _) = try await Self.worked()
        let proof = try worked.queue.prove([], campaign: campaign)
        #expect(proof.isProven)
        #expect(proof.caps.isEmpty)
        #expect(proof.attempts == 21)
    }

    @Test("what people decided and put back is explained")
    func decided() async throws {
        let (bed, campaign, runner) = try await Self.worked()
        try await runner.stop()
        #expect(try bed.queue.settleInDoubt(campaign, as: .sent, emails: nil) > 1)
        #expect(try bed.queue.retry(campaign, states: [.failed]) > 1)
        let proof = try bed.queue.prove(Self.held)
        #expect(proof.findings == [])
        #expect(try #require(proof.tallies.first).decided > 1)
        #expect(try #require(proof.tallies.first).putBack > 1)
        try bed.queue.cancel(campaign)
        #expect(try bed.queue.prove(Self.held).findings == [])
    }

    struct Harm: Sendable, CustomTestStringConvertible {
        let name: String
        let sql: String
        let check: String
        let words: String
        var testDescription: String { name }
    }

    static let harms = [
        Harm(
            name: "a grant deleted",
            sql: "DELETE FROM \"grant\" WHERE key = (SELECT id FROM cap_key WHERE scope = 0) AND seq = 5",
            check: "ledger", words: "Grant 5 is missing from source default"),
        Harm(
            name: "the last grant deleted",
            sql: "DELETE FROM \"grant\" WHERE key = (SELECT id FROM cap_key WHERE scope = 0) AND seq = 20",
            check: "ledger",
            words: "source default says it gave 20 grants"),
        Harm(
            name: "a grant dated back",
            sql:
                "UPDATE \"grant\" SET at = at - 60000000 WHERE key = (SELECT id FROM cap_key WHERE scope = 0) AND seq = 7",
            check: "ledger", words: "Grant 7 of source default is older"),
        Harm(
            name: "a grant moved by a little",
            sql: "UPDATE \"grant\" SET at = at + 7 WHERE key = (SELECT id FROM cap_key WHERE scope = 0) AND seq = 7",
            check: "ledger", words: "Grant 7 of source default is not of the moment"),
        Harm(
            name: "a grant given to another attempt",
            sql: "UPDATE \"grant\" SET attempt = 1 WHERE key = (SELECT id FROM cap_key WHERE scope = 0) AND seq = 7",
            check: "ledger", words: "Attempt 1 is settled with 2 grants of source default"),
        Harm(
            name: "an attempt deleted", sql: "DELETE FROM attempt WHERE id = 3", check: "ledger",
            words: "for attempt 3, which is not in the log"),
        Harm(
            name: "an open count", sql: "UPDATE cap_key SET open = 0 WHERE scope = 1", check: "ledger",
            words: "account qq counts 0 in flight; the log has 1"),
        Harm(
            name: "an attempt of another source", sql: "UPDATE attempt SET source = '203.0.113.9' WHERE id = 4",
            check: "ledger", words: "Attempt 4 is of the source 203.0.113.9"),
        Harm(
            name: "a tally", sql: "UPDATE campaign SET sent = sent + 1, pending = pending - 1", check: "tallies",
            words: "spring: the tally says"),
        Harm(name: "a total", sql: "UPDATE campaign SET total = total + 1", check: "tallies", words: "its total is 26"),
        Harm(
            name: "failed made sent",
            sql: "UPDATE recipient SET state = 3 WHERE id = (SELECT min(id) FROM recipient WHERE state = 4)",
            check: "states", words: "is sent, but attempt"),
        Harm(
            name: "sent made pending",
            sql: "UPDATE recipient SET state = 0 WHERE id = (SELECT min(id) FROM recipient WHERE state = 3)",
            check: "states", words: "is pending, but attempt"),
        Harm(
            name: "pending made sent",
            sql: "UPDATE recipient SET state = 3 WHERE id = (SELECT max(id) FROM recipient WHERE state = 0)",
            check: "states", words: "is sent, but it was never tried"),
        Harm(
            name: "in doubt made sending",
            sql: "UPDATE recipient SET state = 2 WHERE id = (SELECT min(id) FROM recipient WHERE state = 6)",
            check: "states", words: "is sending, but attempt"),
        Harm(
            name: "a state that is none", sql: "UPDATE recipient SET state = 9 WHERE id = 2", check: "states",
            words: "unknown state 9"),
        Harm(
            name: "somebody else's attempt",
            sql: "UPDATE recipient SET last_attempt = 1 WHERE id = (SELECT max(id) FROM recipient WHERE state = 3)",
            check: "states", words: "which is somebody else's"),
        Harm(
            name: "accepted twice",
            sql: "UPDATE attempt SET recipient = 1 WHERE outcome = 1 AND id IN (1, 2)", check: "attempts",
            words: "Recipient 1 was accepted by a server 2 times"),
    ]

    @Test("each row changed by hand is found and named", arguments: harms)
    func harmed(_ harm: Harm) async throws {
        let (bed, _, _) = try await Self.worked()
        try bed.queue.writeNow { try $0.db.execute(sql: harm.sql) }
        let findings = try bed.queue.prove(Self.held).findings
        #expect(
            findings.contains { $0.check == harm.check && $0.detail.contains(harm.words) }, "\(harm.name): \(findings)")
    }

    @Test("a cap passed by a forged ledger is found, though every row agrees with every other")
    func forged() async throws {
        let (bed, _, runner) = try await Self.worked()
        try await runner.stop()
        // Everything happens five times as fast as it did: the log's own times too.
        try bed.queue.writeNow { commit in
            let db = commit.db
            let wall = try #require(try Int64.fetchOne(db, sql: "SELECT min(started) FROM attempt"))
            let queue = try #require(try Int64.fetchOne(db, sql: "SELECT min(at) FROM \"grant\"")) - 300_000
            try db.execute(
                sql: "UPDATE attempt SET started = ?1 + (started - ?1) / 5, finished = ?1 + (finished - ?1) / 5",
                arguments: [wall])
            try db.execute(sql: "UPDATE \"grant\" SET at = ?1 + (at - ?1) / 5", arguments: [queue])
            try db.execute(sql: "UPDATE cap_key SET last_at = ?1 + (last_at - ?1) / 5", arguments: [queue])
        }
        let proof = try bed.queue.prove(Self.held)
        #expect(Set(proof.findings.map(\.check)) == ["caps"], "\(proof.findings)")
        #expect(
            proof.findings.contains { $0.detail.contains("source default: ") && $0.detail.contains("the cap is 3") })
        let source = try #require(proof.caps.first { $0.held.limit.scope == .source })
        #expect(source.peak > 3)
        #expect(source.margin < 0)
        #expect(try #require(source.slackMicroseconds) < 0)
    }

    @Test("a limit of one account or campaign is held against its messages only")
    func whose() async throws {
        let (bed, campaign, _) = try await Self.worked()
        let tight = Limit(scope: .source, count: 1, per: .seconds(3_600))
        #expect(try !bed.queue.prove([HeldLimit(tight)]).isProven)
        #expect(try !bed.queue.prove([HeldLimit(tight, account: "qq")]).isProven)
        #expect(try !bed.queue.prove([HeldLimit(tight, campaign: campaign)]).isProven)
        #expect(try bed.queue.prove([HeldLimit(tight, account: "other")]).isProven)
        #expect(try bed.queue.prove([HeldLimit(tight, campaign: campaign + 1)]).isProven)
    }

    @Test("over clock steps and reboots the replay finds what the brute-force model finds", arguments: 0..<12)
    func steps(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed &+ 77)
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 2_000)
        let limits = LedgerTests.tight
        let runner = try await bed.runner(campaign, limits: limits)
        var open: [Int64] = []
        var boots = 0
        for _ in 0..<1_500 {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<50: if let attempt = try await runner.beginNext().attempt { open.append(attempt) }
            case 50..<75:
                guard let place = open.indices.randomElement(using: &random) else { continue }
                try await runner.settle(open.remove(at: place), .sent)
            case 75..<96: bed.clock.advance(.milliseconds(Int64.random(in: 0...16, using: &random) * 500))
            case 96..<98:
                bed.clock.step(.seconds(Int64.random(in: -7_200...7_200, using: &random)))
                _ = try await runner.status(RunnerStatus())
            default:
                _ = try await runner.status(RunnerStatus())
                boots += 1
                bed.clock.reboot("boot-\(seed)-\(boots)", after: .seconds(3))
                _ = try await runner.status(RunnerStatus())
            }
        }
        let findings = try bed.queue.prove(limits.map { HeldLimit($0) }).findings
        #expect(findings == [], "seed \(seed)")
    }

    @Test("times carried over a step are those of their own side of it")
    func clock() {
        var clock = ProofClock()
        for second in 0..<10 { clock.see(Int64(second) * 1_000_000, wall: Int64(second) * 1_000_000) }
        for second in 10..<20 { clock.see(Int64(second) * 1_000_000, wall: Int64(second + 3_600) * 1_000_000) }
        #expect(clock.begin(wall: 5_000_000, floor: 0, settled: 6_000_000) == .sure(5_000_000))
        // Begun before the step, settled after it.
        #expect(clock.begin(wall: 9_000_000, floor: 0, settled: 12_000_000) == .between(9_000_000, 12_000_000))
        #expect(clock.begin(wall: 3_615_000_000, floor: 0, settled: 16_000_000) == .sure(15_000_000))
        // A clock that nobody settled by.
        #expect(
            clock.begin(wall: 7_200_000_000, floor: 8_000_000, settled: 16_000_000) == .between(8_000_000, 16_000_000))
        #expect(clock.wall(15_000_000) == Timestamp(microseconds: 3_615_000_000))
        // One reading that came late is no step.
        clock.see(20_000_000, wall: 3_620_300_000)
        clock.see(21_000_000, wall: 3_621_000_000)
        #expect(clock.pieces.count == 2)
    }

    @Test("the story of an address is all its attempts in every campaign, and its neighbours are near")
    func story() async throws {
        let (bed, _, _) = try await Self.worked()
        let other = try bed.campaign("summer", recipients: 3)
        let stories = try bed.queue.stories(key: "p0@example.com")
        #expect(stories.map(\.campaign.name) == ["summer", "spring"])
        #expect(stories[1].attempts.count == 1)
        #expect(stories[1].recipient.line == 2)
        #expect(stories[0].campaign.id == other)
        #expect(try bed.queue.stories(key: "nobody@example.com").isEmpty)
        #expect(try bed.queue.neighbours(of: "p0@example.org", limit: 50).contains("p0@example.com"))
    }
}
