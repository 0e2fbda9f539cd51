import Clock
import Foundation
import GRDB
import Testing

@testable import Queue

@Suite struct MigrationTests {
    /// A queue as an earlier version left it: a real run's, kept as text.
    private func kept(_ name: String) throws -> String {
        let folder = NSTemporaryDirectory() + "migration-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Kept/\(name)")
        let path = folder + "/queue.sqlite3"
        let database = try DatabaseQueue(path: path)
        try database.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA foreign_keys = OFF; PRAGMA journal_mode = WAL")
            try db.execute(sql: String(contentsOf: source, encoding: .utf8))
        }
        try database.close()
        return path
    }

    private func rows(_ path: String) throws -> [String: [String]] {
        try DatabaseQueue(path: path).read { db in
            var all: [String: [String]] = [:]
            let tables = try String.fetchAll(
                db, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
            // What later schemas added.
            let added = [
                "retention", "decision", "grdb_migrations", "spell", "recall", "site", "sqlite_sequence",
                "recipient_key", "claim",
            ]
            let columns = [
                "retired", "seen", "recall", "base", "uncounted", "counting", "sure_boot", "sure_queue_us",
                "sure_wall_us", "claimed",
            ]
            let columnsOfRests = ["id", "ending", "campaign", "attempt", "mark", "streak", "hits"]
            for table in tables where !added.contains(table) {
                let later = columns + (table == "rest" ? columnsOfRests : [])
                all[table] = try Row.fetchAll(db, sql: "SELECT * FROM \"\(table)\"").map { row in
                    row.filter { !later.contains($0.0) }.map { "\($0.0)=\($0.1)" }.joined(separator: " ")
                }
            }
            return all
        }
    }

    @Test("a queue of the first schema keeps every row, adds up, and is sent on", arguments: [true, false])
    func first(readingFirst: Bool) async throws {
        let path = try kept("schema1.sql")
        let before = try rows(path)
        #expect(before["recipient"]?.count == 15 && before["attempt"]?.count == 9)
        let clock = ManualClock(Timestamp(seconds: 1_795_569_400))
        let queue = try Queue.open(at: path, access: readingFirst ? .readOnly : .readWrite, clock: clock)
        #expect(try rows(path) == before)
        #expect(try queue.verify(deep: true) == [])
        #expect(try queue.prove([]).findings == [])
        let id = try #require(try queue.campaign(named: "spring")?.id)
        let tallies = try #require(try queue.campaign(id: id)).tallies
        #expect(tallies.sent == 4 && tallies.pending == 5 && tallies.deferred == 1 && tallies.failed == 1)
        #expect(tallies.suppressed == 1 && tallies.inDoubt == 1)
        // What it did before nobody wrote down; nobody claims to know.
        let before4 = try #require(try queue.spells(id))
        #expect(before4.spells.first?.cause.kind == .unrecorded)
        #expect(before4.spells.reduce(0) { $0 + $1.microseconds } == before4.microseconds)

        let writing = try Queue.open(at: path, access: .readWrite, clock: clock)
        try writing.claim(freshCaps: true)
        let limits = [Limit(scope: .account, count: 11, per: .seconds(3_600))]
        let runner = try await writing.startRunner(
            id, account: "office", source: "default", limits: limits, doubt: .hold)
        for _ in 0..<2 {
            let attempt = try #require(try await runner.beginNext().attempt)
            try await runner.settle(attempt, .sent)
        }
        // The nine of before count.
        #expect(try await runner.beginNext().cappedUntil != nil)
        clock.advance(.seconds(90 * 86_400))
        try writing.sweep(.standard, limits: limits).finish()
        #expect(try writing.verify(deep: true) == [])
        #expect(try writing.prove([]).findings == [])
        #expect(try writing.campaign(id: id)?.tallies.sent == 6)
    }

    @Test("a queue of the second schema forgets no message of its caps, though their ledgers have holes")
    func second() async throws {
        let path = try kept("schema2.sql")
        let before = try rows(path)
        #expect(before["recipient"]?.count == 15 && before["attempt"]?.count == 8)
        let clock = ManualClock(Timestamp(seconds: 1_796_027_500))
        let queue = try Queue.open(at: path, access: .readWrite, clock: clock)
        #expect(try rows(path) == before)
        #expect(try queue.verify(deep: true) == [])
        #expect(try queue.prove([]).findings == [])
        let id = try #require(try queue.campaign(named: "spring2")?.id)
        let limits = [
            Limit(scope: .domain, count: 4, per: .seconds(3_600)),
            Limit(scope: .campaign, count: 2, per: .seconds(3_600)),
        ]
        func used() throws -> [Int] {
            try queue.limitUse(limits, account: "office", source: "default", domains: ["one.test"], campaign: id).map(
                \.used)
        }
        #expect(try used() == [4, 1])
        try queue.claim(freshCaps: true)
        let runner = try await queue.startRunner(
            id, account: "office", source: "default", limits: limits, doubt: .hold)
        // Four of one.test went within the hour, three of them of the other campaign; the rest were put off for that.
        let waiting = try #require(try queue.recipients(id, state: .pending, after: 0, limit: 1).first)
        let request = BeginRequest(recipient: waiting.id, server: "s", messageID: "<m>", domain: waiting.domain)
        #expect(try await runner.exchange(settle: [], begin: [request]).first?.cappedUntil != nil)
        #expect(try used() == [4, 1])
        clock.advance(.seconds(3_600))
        for _ in 0..<2 { try await runner.settle(try #require(try await runner.beginNext().attempt), .sent) }
        #expect(try await runner.beginNext().cappedUntil != nil)
        try await runner.stop()
        #expect(try queue.verify(deep: true) == [])
        #expect(try queue.prove(limits.map { HeldLimit($0, campaign: id) }).findings == [])
    }

    @Test("a queue of the fifth schema knows its last orders, and what a killed run had leased is free again")
    func fifth() async throws {
        let path = try kept("schema5.sql")
        let before = try rows(path)
        #expect(before["event"]?.count == 7 && before["lease"]?.count == 1 && before["recipient"]?.count == 13)
        let clock = ManualClock(Timestamp(seconds: 1_796_049_500))
        let queue = try Queue.open(at: path, access: .readWrite, clock: clock)
        #expect(try rows(path) == before)
        #expect(try queue.verify(deep: true) == [])
        #expect(try queue.prove([]).findings == [])
        let paused = try #require(try queue.campaign(named: "camp")?.id)
        let stopped = try #require(try queue.campaign(named: "spring6")?.id)
        let order = try #require(try queue.lastOrder(paused))
        #expect((order.kind, order.text, order.by) == ("pause", "until Monday", "you@desk"))
        #expect(try queue.lastOrder(stopped)?.kind == "resume")
        try queue.claim(freshCaps: true)
        let runner = try await queue.startRunner(
            stopped, account: "office", source: "default", limits: [], doubt: .hold)
        #expect(runner.recovered.runners == 1 && runner.recovered.inDoubt == 0)
        #expect(try await runner.lease(9).recipients.count == 4)
        try queue.cancel(paused, by: "ann@desk")
        #expect(try queue.lastOrder(paused)?.kind == "cancel" && queue.lastOrder(paused)?.by == "ann@desk")
        try await runner.stop()
        #expect(try queue.verify(deep: true) == [])
    }

    @Test("a rest of the first schema goes on")
    func rest() throws {
        let path = try kept("schema1.sql")
        let clock = ManualClock(Timestamp(seconds: 1_795_569_400))
        let database = try DatabaseQueue(path: path)
        try database.write { db in
            try db.execute(
                sql: """
                    INSERT INTO rest SELECT 'office', 'default', 'h:25', queue_us + 9000000000, queue_us, 'r', '421 slow'
                    FROM clock
                    """)
        }
        try database.close()
        let found = try Queue.open(at: path, access: .readWrite, clock: clock).rests()
        #expect(found.map(\.rest.reply) == ["421 slow"] && found.map(\.inARow) == [1])
    }

    @Test("an older queue that cannot be written says so")
    func readOnly() throws {
        guard getuid() != 0 else { return }
        let path = try kept("schema1.sql")
        try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: path)
        #expect(throws: QueueError.readOnly(path: path)) { try Queue.open(at: path, access: .readOnly) }
    }
}
