import Clock
import FoundationEssentials
import GRDB

extension Queue {
    /// Runners whose process lives, of a campaign or of all.
    public func runners(_ campaign: Int64?) throws -> [RunnerRecord] {
        try read { db, _ in
            // As many rows as there are runners.
            let rows = try Row.fetchAll(
                db,
                sql:
                    "SELECT id, campaign, pid, host, account, source, started, heartbeat, status FROM runner ORDER BY id"
            )
            return try rows.compactMap { row in
                let id: Int64 = row[0]
                let of: Int64 = row[1]
                guard campaign == nil || of == campaign, try RunnerLock.isHeld(id, queue: path) else { return nil }
                let status: String = row[8]
                return RunnerRecord(
                    id: id, campaign: of, process: row[2], host: row[3], account: row[4], source: row[5],
                    started: Timestamp(microseconds: row[6]), heartbeat: Timestamp(microseconds: row[7]),
                    status: (try? JSONDecoder().decode(RunnerStatus.self, from: Data(status.utf8))) ?? RunnerStatus())
            }
        }
    }

    /// How many runners died and left something to put in order.
    public func deadRunners() throws -> Int {
        try read { db, _ in
            try Int64.fetchAll(db, sql: "SELECT id FROM runner").filter { try !RunnerLock.isHeld($0, queue: path) }
                .count
        }
    }

    /// Events of a campaign, or of all, newest first.
    public func events(_ campaign: Int64?, limit: Int) throws -> [EventRecord] {
        let condition = campaign == nil ? "WHERE ?1 IS NULL" : "WHERE campaign = ?1"
        return try read { db, _ in
            try Row.fetchAll(
                db, sql: "SELECT id, campaign, at, kind, text FROM event \(condition) ORDER BY id DESC LIMIT ?2",
                arguments: [campaign, limit]
            ).map {
                EventRecord(
                    id: $0[0], campaign: $0[1], at: Timestamp(microseconds: $0[2]), kind: $0[3], text: $0[4])
            }
        }
    }
}
