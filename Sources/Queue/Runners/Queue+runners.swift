import Clock
import FoundationEssentials
import GRDB

extension Queue {
    /// Runners whose process lives, of a campaign or of all.
    public func runners(_ campaign: Int64?) throws -> [RunnerRecord] {
        try runnerRows(campaign).filter { try RunnerLock.isHeld($0.id, queue: path) }
    }

    /// Runners whose process ended without a word, of a campaign or of all; what they left is not in order yet: whom they
    /// were handing a message to is still `sending`, until somebody sends, settles or cancels.
    public func lostRunners(_ campaign: Int64?) throws -> [RunnerRecord] {
        let silent = try runnerRows(campaign).filter { try !RunnerLock.isHeld($0.id, queue: path) }
        guard !silent.isEmpty else { return [] }
        // One that ends in order takes its row away before it lets go of its lock: its row is gone by now.
        let left = Set(try runnerRows(campaign).map(\.id))
        return silent.filter { left.contains($0.id) }
    }

    private func runnerRows(_ campaign: Int64?) throws -> [RunnerRecord] {
        try read { db, _ in
            // As many rows as there are runners.
            let rows = try Row.fetchAll(
                db,
                sql:
                    "SELECT id, campaign, pid, host, account, source, started, heartbeat, status FROM runner ORDER BY id"
            )
            return rows.compactMap { row in
                let of: Int64 = row[1]
                guard campaign == nil || of == campaign else { return nil }
                let status: String = row[8]
                return RunnerRecord(
                    id: row[0], campaign: of, process: row[2], host: row[3], account: row[4], source: row[5],
                    started: Timestamp(microseconds: row[6]), heartbeat: Timestamp(microseconds: row[7]),
                    status: (try? JSONDecoder().decode(RunnerStatus.self, from: Data(status.utf8))) ?? RunnerStatus())
            }
        }
    }

    /// Events of a campaign, or of all, newest first.
    public func events(_ campaign: Int64?, limit: Int) throws -> [EventRecord] {
        let condition = campaign == nil ? "WHERE ?1 IS NULL" : "WHERE campaign = ?1"
        return try read { db, _ in
            try Row.fetchAll(
                db, sql: "SELECT id, campaign, at, kind, text FROM event \(condition) ORDER BY id DESC LIMIT ?2",
                arguments: [campaign, limit]
            ).map(Self.event)
        }
    }

    private static func event(_ row: Row) -> EventRecord {
        EventRecord(
            id: row[0], campaign: row[1], at: Timestamp(microseconds: row[2]), kind: row[3], stored: row[4])
    }

    /// The last order to pause, resume or cancel a campaign; its kind is the `CampaignOrder`. nil: there was none.
    public func lastOrder(_ campaign: Int64) throws -> EventRecord? {
        try read { db, _ in
            try Row.fetchOne(db, sql: Self.selectLastOrder, arguments: [campaign]).map(Self.event)
        }
    }

    /// By `event_order`, whose condition stands here word for word, or it would not be used.
    static let selectLastOrder = """
        SELECT id, campaign, at, kind, text FROM event
        WHERE campaign = ?1 AND kind IN ('pause', 'resume', 'cancel') ORDER BY id DESC LIMIT 1
        """

    /// Who lifted rests, by the rest's number; as far as the last two thousand liftings tell.
    func lifters(_ db: Database) throws -> [Int64: String] {
        var found: [Int64: String] = [:]
        for row in try Row.fetchAll(db, sql: Self.selectLifts).map(Self.event) {
            if let number = row.text.split(separator: " ").last.flatMap({ Int64($0) }) { found[number] = row.by }
        }
        return found
    }

    /// As many rows as were lifted, ever: people do that by hand.
    static let selectLifts = """
        SELECT id, campaign, at, kind, text FROM event WHERE campaign IS NULL AND kind = 'lift' ORDER BY id DESC LIMIT 2000
        """
}
