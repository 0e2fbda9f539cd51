import Clock
import Foundation
import GRDB
import Testing

@testable import Queue

@Suite struct RetentionTests {
    private static let day: Int64 = 86_400_000_000

    /// Twelve people of whom some are sent, some refused, some still wait.
    private func bed(limits: [Limit]) async throws -> (Bed, Int64, Runner) {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 12)
        let runner = try await bed.runner(id, limits: limits)
        let outcomes: [AttemptOutcome] = [
            .sent, .sent, .failed, .inDoubt, .deferred, .sent, .aborted, .failed, .sent, .sent,
        ]
        for outcome in outcomes {
            let attempt = try #require(try await runner.beginNext().attempt)
            try await runner.settle(attempt, outcome, retryAt: bed.clock.now() + .seconds(400 * 86_400))
            bed.clock.advance(.seconds(60))
        }
        return (bed, id, runner)
    }

    private func texts(_ bed: Bed, _ id: Int64) throws -> [AttemptOutcome: Int] {
        try bed.queue.attempts(id, after: 0, limit: 100).reduce(into: [:]) { counts, row in
            guard let outcome = row.outcome, row.reply != nil, !row.messageID.isEmpty, !row.server.isEmpty else {
                return
            }
            counts[outcome, default: 0] += 1
        }
    }

    @Test("texts go when their time is over, tallies and states stay, and a doubt or one that waits keeps all")
    func texts() async throws {
        let (bed, id, _) = try await bed(limits: [])
        let before = try bed.tallies(id)
        bed.clock.advance(.seconds(6 * 86_400))
        try bed.queue.sweep(.standard, limits: []).finish()
        #expect(try texts(bed, id) == [.sent: 5, .failed: 2, .inDoubt: 1, .deferred: 1, .aborted: 1])

        bed.clock.advance(.seconds(86_400))
        let sweep = bed.queue.sweep(.standard, limits: [])
        while try await sweep.step() {}
        // The one that was aborted waits for another try.
        #expect(try texts(bed, id) == [.failed: 2, .inDoubt: 1, .deferred: 1, .aborted: 1])
        #expect(sweep.counts == RetentionCounts(texts: 5, grants: 0))

        bed.clock.advance(.seconds(23 * 86_400))
        try bed.queue.sweep(.standard, limits: []).finish()
        #expect(try texts(bed, id) == [.inDoubt: 1, .deferred: 1, .aborted: 1])
        #expect(try bed.tallies(id) == before)
        #expect(try bed.queue.verify(deep: true) == [])
        let row = try #require(try bed.queue.attempts(id, after: 0, limit: 1).first)
        #expect(row.code == 250 && row.outcome == .sent && row.email == "p0@example.com" && row.finished != nil)
    }

    @Test("what is to be kept for ever is kept for ever")
    func forever() async throws {
        let (bed, id, _) = try await bed(limits: [])
        bed.clock.advance(.seconds(4_000 * 86_400))
        try bed.queue.sweep(Retention(sent: nil, bounces: nil), limits: []).finish()
        #expect(try texts(bed, id).values.reduce(0, +) == 10)
        #expect(try bed.queue.verify(deep: true) == [])
    }

    @Test("a clock that was set forward ages nothing")
    func clock() async throws {
        let (bed, id, _) = try await bed(limits: [])
        bed.clock.step(.seconds(400 * 86_400))
        try bed.queue.sweep(.standard, limits: []).finish()
        #expect(try texts(bed, id).values.reduce(0, +) == 10)
    }

    @Test("the ledger is cut behind the longest window, and every cap counts as before")
    func ledger() async throws {
        let limits = [
            Limit(scope: .source, count: 4, per: .seconds(3_600)),
            Limit(scope: .account, count: 14, per: .seconds(40 * 86_400)),
            Limit(scope: .domain, count: 100, per: .seconds(86_400)),
            Limit(scope: .campaign, count: 100, per: .seconds(86_400)),
        ]
        let bed = try Bed()
        let start = bed.clock.now()
        let id = try bed.campaign(recipients: 40)
        let runner = try await bed.runner(id, limits: limits)
        for day in 0..<12 {
            let attempt = try #require(try await runner.beginNext().attempt, "day \(day)")
            try await runner.settle(attempt, .sent)
            bed.clock.advance(.seconds(4 * 86_400))
        }
        // Without the limits, 31 days would do; the stretch of 40 days holds some that must stay.
        let sweep = bed.queue.sweep(.standard, limits: limits)
        try sweep.finish()
        let left = try bed.queue.read { db, _ in
            try Int.fetchAll(db, sql: "SELECT count(*) FROM \"grant\" GROUP BY key")
        }
        #expect(left.count == 4 && left.allSatisfy { $0 == 10 }, "\(left)")
        #expect(sweep.counts.grants == 8)
        #expect(try bed.queue.verify(deep: true) == [])
        // The proof says from when on it is one.
        let proof = try bed.queue.prove(limits.map { HeldLimit($0) })
        #expect(proof.isProven, "\(proof.findings)")
        #expect(proof.kept.count == 4)
        let first = start + .seconds(2 * 4 * 86_400)
        #expect(proof.kept.allSatisfy { $0.removed == 2 && $0.from == first }, "\(proof.kept)")
        // Day 48: the grants of days 12...44 are in the window of 40 days, nine of them; five more fit.
        var given = 0
        for _ in 0..<8 {
            guard let attempt = try await runner.beginNext().attempt else { break }
            try await runner.settle(attempt, .sent)
            given += 1
            bed.clock.advance(.seconds(3_600))
        }
        #expect(given == 5)
        #expect(try bed.queue.verify(deep: true) == [])
        let use = try #require(
            try bed.queue.limitUse(limits, account: "qq", source: "default", domains: []).first {
                $0.scope == .account
            })
        #expect(use.used == 14)
        // A window longer than all that held when the ledger was cut: it allows nothing too much.
        let longer = [Limit(scope: .account, count: 17, per: .seconds(500 * 86_400))]
        let next = try await bed.runner(id, limits: longer)
        #expect(try await next.beginNext().cappedUntil != nil)
    }

    @Test("a ledger that lost a grant otherwise is found out, cut or not")
    func damage() async throws {
        let (bed, _, _) = try await bed(limits: [])
        bed.clock.advance(.seconds(60 * 86_400))
        try bed.queue.sweep(.standard, limits: []).finish()
        #expect(try bed.queue.verify(deep: false) == [])
        try bed.queue.writeNow { try $0.db.execute(sql: "UPDATE retention SET pruned = pruned - 1") }
        #expect(try bed.queue.verify(deep: false).contains { $0.check == "ledger" })
        try bed.queue.writeNow { commit in
            try commit.db.execute(sql: "UPDATE retention SET pruned = pruned + 1")
            try commit.db.execute(sql: "DELETE FROM attempt WHERE id = 1")
        }
        #expect(try bed.queue.verify(deep: false).contains { $0.check == "ledger" })
    }

    @Test("a sweep reads no more than the rows it is about")
    func plans() async throws {
        let (bed, _, _) = try await bed(limits: [])
        bed.clock.advance(.seconds(60 * 86_400))
        try bed.queue.sweep(.standard, limits: []).finish()
        let texts = try bed.queue.journal().preparedTexts.filter { $0.contains("retention") || $0.contains("retired") }
        #expect(texts.count >= 6)
        try bed.queue.read { db, _ in
            for text in texts + ["SELECT at FROM \"grant\" WHERE key = 1 AND seq > 1 ORDER BY seq LIMIT 1"] {
                let count = text.contains("?3") ? 3 : text.contains("?1") ? 1 : text.count { $0 == "?" }
                let statement = try db.makeStatement(sql: "EXPLAIN QUERY PLAN " + text)
                statement.setUncheckedArguments(StatementArguments(Array(repeating: 1, count: count)))
                for row in try Row.fetchAll(statement) {
                    let detail: String = row["detail"]
                    #expect(!detail.contains("TEMP B-TREE"))
                    #expect(!detail.hasPrefix("SCAN") || detail.contains("CONSTANT"))
                }
            }
        }
    }
}
