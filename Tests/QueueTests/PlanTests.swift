import Clock
import Foundation
import GRDB
import Testing

@testable import Queue

@Suite struct PlanTests {
    /// Small whatever the campaign's size: as many rows as there are runners, leases, or one.
    /// (Whether there is any suppression is known from the first row; a subquery that is scanned has a LIMIT.)
    private static let small = [
        "runner", "lease", "clock", "meta", "rest", "recall", "attempt_open", "CONSTANT ROW", "SCAN suppression",
        "subquery", "SUBQUERY",
    ]

    @discardableResult
    private func check(_ db: Database, _ sql: String, sorts: Bool = false) throws -> [String] {
        let arguments = StatementArguments(
            ["campaign": 1, "after": 0, "limit": 5, "state": 0] as [String: Int])
        let statement = try db.makeStatement(sql: "EXPLAIN QUERY PLAN " + sql)
        if sql.contains(":campaign") {
            statement.setUncheckedArguments(arguments)
        } else {
            statement.setUncheckedArguments(StatementArguments(Array(repeating: 1, count: 20)))
        }
        let details: [String] = try Row.fetchAll(statement).map { $0["detail"] }
        for detail in details {
            let scans = detail.hasPrefix("SCAN") && !Self.small.contains { detail.contains($0) }
            #expect(!scans, "\(detail) in \(sql)")
            if !sorts { #expect(!detail.contains("TEMP B-TREE"), "\(detail) in \(sql)") }
        }
        return details
    }

    @Test("nothing a runner does reads more than the rows it is about")
    func hotPath() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 20)
        _ = try bed.queue.suppress([Suppression(key: "*@no.example", reason: "r", since: bed.clock.now(), by: "user")])
        let limits = [
            Limit(scope: .source, count: 6, per: .seconds(60)), Limit(scope: .domain, count: 9, per: .seconds(60)),
        ]
        let runner = try await bed.runner(id, limits: limits, refusals: 0.1)
        for outcome in AttemptOutcome.allCases {
            let attempt = try #require(try await runner.beginNext().attempt)
            try await runner.settle(attempt, outcome)
        }
        let leased = try await runner.lease(4).recipients
        _ = try await runner.exchange(settle: [], begin: leased.map(\.request))
        try await runner.postpone(leased[3].id, until: bed.clock.now())
        _ = try await runner.lease(2)
        let route = RouteName(account: "qq", source: "default", server: "smtp.qq.com:465")
        for cause in [WaitCause.sending, WaitCause(.retry), WaitCause(.retry)] {
            _ = try await runner.status(RunnerStatus(cause: cause), route: route)
            bed.clock.advance(.seconds(2))
        }
        for seconds in [1, 60, 600] {
            let now = bed.clock.now()
            try await runner.rest(
                Rest(
                    account: "qq", source: "default", server: "smtp.qq.com:465", until: now + .seconds(seconds),
                    since: now, rule: "r", reply: "421"))
            bed.clock.advance(.seconds(2))
        }
        try bed.queue.pause(id, reason: "")
        try bed.queue.resume(id)
        try bed.fill(id, [1, 50])
        let texts = try bed.queue.journal().preparedTexts
        #expect(texts.count > 20 && texts.contains { $0.contains("INDEXED BY attempt_campaign") })
        try bed.queue.journal().betweenCommits { pool in
            try pool.writeWithoutTransaction { db in
                for text in texts { try check(db, text) }
            }
        }
    }

    @Test("what came before a cap, and who shares a host, is found by searches")
    func recall() async throws {
        let bed = try Bed()
        let id = try bed.campaign()
        for number in 0..<4 { try bed.fill(id, 0..<4, domain: "d\(number).zz") }
        let old = try await bed.runner(id)
        for _ in 0..<6 { try await old.settle(try #require(try await old.beginNext().attempt), .sent) }
        _ = try await old.beginNext()
        let limits = [
            Limit(scope: .campaign, count: 9, per: .seconds(60)), Limit(scope: .domain, count: 9, per: .seconds(60)),
        ]
        let runner = try await bed.queue.startRunner(
            id, account: "qq", source: "default", limits: limits, doubt: .hold, sharesMX: true)
        _ = try await runner.unlocatedDomains(limit: 9)
        try await runner.learn(
            (0..<4).map { SiteFinding(domain: "d\($0).zz", answer: .site("mx.zz"), lasts: .seconds(600)) })
        try await runner.recall()
        _ = try await runner.located(["d1.zz"])
        _ = try await runner.beginNext()
        _ = try await old.beginNext()
        let texts = try bed.queue.journal().preparedTexts
        #expect(texts.count { $0.contains("recall") || $0.contains("site") } > 8)
        try bed.queue.journal().betweenCommits { pool in
            try pool.writeWithoutTransaction { db in
                // Once a run, a row a destination.
                for text in texts { try check(db, text, sorts: text.contains("NOT EXISTS (SELECT 1 FROM site")) }
            }
        }
    }

    @Test("each list is a search, and only those that say so sort", arguments: [nil] + RecipientState.allCases)
    func recipients(_ state: RecipientState?) throws {
        let bed = try Bed()
        try bed.queue.read { db, _ in
            for page in Queue.pages(state) {
                try check(
                    db, Queue.selectRecipients + page,
                    sorts: page.contains("r.due > 0") || page.contains("runner"))
            }
        }
    }

    @Test("who gave the last order, who lifted rests, and whose turn comes first are searches")
    func orders() throws {
        let bed = try Bed()
        try bed.queue.read { db, _ in
            for text in [Queue.selectLifts, Queue.selectDueFirst] { try check(db, text) }
            // Of the orders alone: a campaign that was never paused has events all the same.
            let last = try check(db, Queue.selectLastOrder)
            #expect(last == ["SEARCH event USING INDEX event_order (campaign=?)"])
        }
    }

    @Test("the age of a doubt, and a doubt by its address, are searches")
    func doubts() throws {
        let bed = try Bed()
        try bed.queue.read { db, _ in
            try check(db, Queue.oldestDoubts)
            try check(db, "\(Commit.doubtByKey)")
        }
    }

    @Test("the log is read from its index, from either end")
    func log() throws {
        let bed = try Bed()
        try bed.queue.read { db, _ in
            for condition in [
                "WHERE a.campaign = ?1 AND a.id > ?2 ORDER BY a.id LIMIT ?3",
                "WHERE a.id > ?2 AND ?1 IS NULL ORDER BY a.id LIMIT ?3",
                "WHERE a.campaign = ?1 ORDER BY a.id DESC LIMIT ?2",
            ] {
                try check(db, Queue.selectAttempts + condition)
            }
        }
    }
}
