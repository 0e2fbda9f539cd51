import Clock
import Foundation
import GRDB
import Testing

@testable import Queue

/// A recall of more than one step, over a disk that fails in the middle of it.
@Suite struct RecallDiskTests {
    private static let sent = 2_600

    /// A queue that sent so many, without a log beside it.
    private func filled() async throws -> (Bed, Int64) {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: Self.sent + 10)
        let runner = try await bed.runner(campaign)
        for _ in 0..<(Self.sent / 100) {
            let leased = try await runner.lease(100).recipients
            let answers = try await runner.exchange(settle: [], begin: leased.map(\.request))
            let settle = answers.compactMap(\.attempt).map { Settlement(attempt: $0, outcome: .sent, code: 250) }
            _ = try await runner.exchange(settle: settle, begin: [])
            bed.clock.advance(.seconds(1))
        }
        try await runner.stop()
        try bed.queue.journal().betweenCommits { pool in
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        }
        return (bed, campaign)
    }

    @Test("it is gone on with where it stood, and each message counts once")
    func fails() async throws {
        let (bed, campaign) = try await filled()
        let folder = bed.folder + "/watched"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: bed.path)))
        try Data(bytes).write(to: URL(fileURLWithPath: folder + "/queue.sqlite3"))
        let disk = CrashDisk(folder: folder, database: bytes, log: [])
        let queue = try Queue.open(at: folder + "/queue.sqlite3", access: .readWrite, clock: bed.clock)
        try queue.claim(freshCaps: true)
        let limits = [Limit(scope: .domain, count: Self.sent + 1, per: .seconds(3_600))]
        var stages: Set<Int> = []
        var started: Runner?
        for credit in stride(from: 0, to: 2_000, by: 4) where started == nil {
            disk.mark()
            disk.fail(after: credit)
            started = try? await queue.startRunner(
                campaign, account: "qq", source: "default", limits: limits, doubt: .hold)
            disk.fail(after: nil)
            #expect((started == nil) == (disk.failures > 0))
            stages.insert(try recalled(queue))
            if credit.isMultiple(of: 20) { #expect(try queue.verify(deep: true) == []) }
        }
        // It failed before the first step, and between the steps.
        #expect(stages.isSuperset(of: [0, Commit.recallRows, 2 * Commit.recallRows, Self.sent]), "\(stages)")
        let runner = try #require(started)
        let use = try queue.limitUse(limits, account: "qq", source: "default", domains: nil)
        #expect(use.map(\.used) == [Self.sent])
        #expect(try await runner.beginNext().attempt != nil)
        #expect(try await runner.beginNext().cappedUntil != nil)
        try await runner.stop()
        #expect(try queue.verify(deep: true) == [])
        #expect(try queue.prove(limits.map { HeldLimit($0) }).findings == [])
    }

    private func recalled(_ queue: Queue) throws -> Int {
        try queue.read { db, _ in
            try Int.fetchOne(
                db, sql: "SELECT count(*) FROM \"grant\" g JOIN cap_key k ON k.id = g.key WHERE k.scope = 2") ?? 0
        }
    }
}
