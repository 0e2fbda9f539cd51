import Clock
import Foundation
import GRDB
import Testing

@testable import Queue

@Suite struct JournalTests {
    @Test("what many lanes ask at once shares few commits")
    func grouping() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 1_000)
        let runner = try await bed.runner(id)
        let leased = try await runner.lease(1_000).recipients
        let before = bed.queue.journalCounters
        // The queue is kept busy, so that all are waiting when it is free again.
        let answers = try await withThrowingTaskGroup(of: Int.self) { group in
            for recipient in leased {
                group.addTask {
                    try await runner.exchange(settle: [], begin: [recipient.request])[0].attempt == nil ? 0 : 1
                }
            }
            return try await group.reduce(0, +)
        }
        let after = bed.queue.journalCounters
        #expect(answers == 1_000)
        #expect(after.operations - before.operations == 1_000)
        #expect(after.commits - before.commits < 500)
        #expect(try bed.tallies(id).sending == 1_000)
    }

    @Test("an order that turns out impossible takes back what it wrote, and disturbs nobody else")
    func isolated() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 2)
        let runner = try await bed.runner(id)
        _ = try await runner.beginNext()
        let journal = try bed.queue.journal()
        await #expect(throws: QueueError.invalid("no")) {
            try await journal.write(isolated: true) { commit in
                try commit.move(id, from: .sending, to: .failed)
                try commit.db.execute(sql: "DELETE FROM recipient")
                throw QueueError.invalid("no")
            }
        }
        #expect(try bed.tallies(id).sending == 1)
        #expect(try bed.queue.verify(deep: true) == [])
    }

    @Test("an error that is nobody's refusal takes the whole commit back, and the next one works")
    func broken() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 2)
        let runner = try await bed.runner(id)
        _ = try await runner.beginNext()
        let journal = try bed.queue.journal()
        await #expect(throws: (any Error).self) {
            try await journal.write { commit in
                try commit.db.execute(sql: "DELETE FROM recipient")
                try commit.db.execute(sql: "INSERT INTO recipient (id) VALUES (NULL)")
            }
        }
        #expect(try bed.queue.verify(deep: true) == [])
        #expect(try await runner.beginNext().attempt != nil)
    }

    @Test("who was put on an empty list by a commit is on it for the rest of that commit")
    func listed() throws {
        let bed = try Bed()
        let entry = Suppression(key: "*@b.example", reason: "", since: bed.clock.now(), by: "test")
        let answers = try bed.queue.writeNow { commit in
            let before = try commit.isSuppressed(key: "a@b.example", domain: "b.example")
            _ = try commit.suppress(entry)
            return [before, try commit.isSuppressed(key: "a@b.example", domain: "b.example")]
        }
        #expect(answers == [false, true])
    }

    @Test("when the disk is full all that share the commit hear of it, nothing is half done, and the next one works")
    func diskFull() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 10)
        let runner = try await bed.runner(id)
        let leased = try await runner.lease(10).recipients
        let journal = try bed.queue.journal()
        let pages = try await journal.write { try Int.fetchOne($0.db, sql: "PRAGMA page_count") ?? 0 }
        try journal.betweenCommits {
            try $0.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = \(pages)") }
        }
        let big = RunnerStatus(waitingFor: String(repeating: "x", count: 200_000))
        await #expect(throws: QueueError.full(path: bed.path)) { try await runner.status(big) }
        #expect(try bed.queue.verify(deep: true) == [])
        try journal.betweenCommits {
            try $0.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        }
        #expect(try await runner.exchange(settle: [], begin: [leased[0].request])[0].attempt != nil)
        #expect(try await runner.status(big).state == .sending)
        #expect(try bed.queue.verify(deep: true) == [])
    }

    @Test("random orders from all sides, and the tallies add up", arguments: 0..<4)
    func random(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed)
        let bed = try Bed()
        let id = try bed.campaign(recipients: 60)
        let limits = [
            Limit(scope: .domain, count: 20, per: .seconds(30)), Limit(scope: .source, count: 30, per: .seconds(60)),
        ]
        var runner: Runner? = try await bed.runner(id, limits: limits)
        var open: [Int64] = []
        var filled = 60
        for step in 0..<400 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<8:
                guard let now = runner else { continue }
                let leased = try await now.lease(Int.random(in: 1...6, using: &random)).recipients
                let answers = try await now.exchange(settle: [], begin: leased.map(\.request))
                open += answers.compactMap(\.attempt)
                try await now.release(zip(leased, answers).filter { $1.cappedUntil != nil }.map(\.0.id))
            case 8..<13:
                guard let now = runner, !open.isEmpty else { continue }
                let attempt = open.remove(at: Int.random(in: 0..<open.count, using: &random))
                let outcome = AttemptOutcome.allCases[Int.random(in: 0..<5, using: &random)]
                try await now.settle(attempt, outcome, retryAt: bed.clock.now() + .seconds(7))
            case 13: bed.clock.advance(.seconds(Int64.random(in: 0...20, using: &random)))
            case 14:
                _ = try bed.queue.settleInDoubt(
                    id, as: DoubtDecision.allCases[Int.random(in: 0..<3, using: &random)],
                    emails: Bool.random(using: &random) ? nil : ["p3@example.com"])
            case 15: _ = try bed.queue.retry(id, states: [.failed, .deferred])
            case 16:
                try bed.fill(id, filled..<filled + 5)
                filled += 5
            case 17:
                // It dies; the next one recovers.
                runner = nil
                open = []
                runner = try await bed.runner(
                    id, limits: limits, doubt: DoubtPolicy.allCases[Int.random(in: 0..<3, using: &random)])
            case 18:
                let key = "p\(Int.random(in: 0..<filled, using: &random))@example.com"
                _ = try bed.queue.suppress([Suppression(key: key, reason: "r", since: bed.clock.now(), by: "user")])
            default: _ = try await runner?.status(RunnerStatus())
            }
            if step % 40 == 0 { #expect(try bed.queue.verify(deep: true) == [], "seed \(seed), step \(step)") }
        }
        #expect(try bed.queue.verify(deep: true) == [], "seed \(seed)")
        #expect(try bed.tallies(id).total == filled)
    }
}
