import GRDB
import GRDBSQLite

@testable import Queue

/// Model and file, each written out line by line: they agree when the texts do.
extension QueueModel {
    var text: String {
        var lines: [String] = []
        for (id, state) in campaigns.sorted(by: { $0.key < $1.key }) {
            let t = tallies(id)
            let counts = [
                t.pending, t.deferred, t.sending, t.sent, t.failed, t.suppressed, t.inDoubt, t.cancelled,
            ]
            lines.append(
                "campaign \(id) \(state.code) \(t.total) " + counts.map(String.init).joined(separator: " "))
        }
        for (id, r) in recipients.sorted(by: { $0.key < $1.key }) {
            lines.append(
                "recipient \(id) \(r.campaign) \(r.key) \(r.state.code) \(r.attempts) \(r.due) \(r.last ?? 0)"
            )
        }
        let addresses = recipients.sorted { ($0.value.campaign, $0.value.key) < ($1.value.campaign, $1.value.key) }
        for (id, r) in addresses { lines.append("address \(r.campaign) \(r.key) \(id)") }
        for (id, a) in attempts.sorted(by: { $0.key < $1.key }) {
            lines.append(
                "attempt \(id) \(a.campaign) \(a.recipient) \(a.previous ?? 0) \(a.runner) \(a.source) "
                    + "\(a.outcome?.code ?? 0)")
        }
        // Those of campaigns and domains begin in the file when they are first asked for.
        let sorted = caps.filter { $0.key.scope.code < 2 }.sorted {
            ($0.key.scope.code, $0.key.key) < ($1.key.scope.code, $1.key.key)
        }
        for (key, cap) in sorted {
            lines.append("cap \(key.scope.code) \(key.key) \(cap.open) \(cap.grants.count) \(cap.lastAt)")
        }
        for (key, cap) in sorted {
            for (index, grant) in cap.grants.enumerated() {
                lines.append("grant \(key.scope.code) \(key.key) \(index + 1) \(grant.at) \(grant.attempt)")
            }
        }
        for key in suppressed.sorted() { lines.append("listed \(key)") }
        for (id, member) in runners.sorted(by: { $0.key < $1.key }) {
            lines.append("runner \(id) \(member.campaign) \(member.source)")
        }
        lines.append(
            "clock \(anchor.boot) \(anchor.bootMicroseconds) \(anchor.queueMicroseconds) \(anchor.wallMicroseconds)"
                + (anchor.sure.map { " sure \($0.boot) \($0.queueMicroseconds) \($0.wallMicroseconds)" } ?? ""))
        lines.append("generation \(generation)")
        lines.append("leases of nobody 0")
        return lines.joined(separator: "\n")
    }

    /// The same text from the file, a line a row. Several small statements: SQLite's authorizer, through which GRDB
    /// watches, is asked for each column again in each query around it.
    static let selects = [
        """
        SELECT 'campaign ' || id || ' ' || state || ' ' || total || ' ' || pending || ' ' || deferred || ' ' || sending
            || ' ' || sent || ' ' || failed || ' ' || suppressed || ' ' || in_doubt || ' ' || cancelled
        FROM campaign ORDER BY id
        """,
        """
        SELECT 'recipient ' || id || ' ' || campaign || ' ' || key || ' ' || state || ' ' || attempts || ' ' || due
            || ' ' || ifnull(last_attempt, 0)
        FROM recipient NOT INDEXED ORDER BY id
        """,
        "SELECT 'address ' || campaign || ' ' || key || ' ' || id FROM recipient_key ORDER BY campaign, key",
        """
        SELECT 'attempt ' || a.id || ' ' || campaign || ' ' || recipient || ' ' || ifnull(previous, 0) || ' ' || runner
            || ' ' || source || ' ' || ifnull(outcome, 0)
        FROM attempt a NOT INDEXED ORDER BY a.id
        """,
        """
        SELECT 'cap ' || scope || ' ' || key || ' ' || open || ' ' || seq || ' ' || last_at
        FROM cap_key WHERE scope < 2 ORDER BY scope, key
        """,
        """
        SELECT 'grant ' || scope || ' ' || k.key || ' ' || g.seq || ' ' || at || ' ' || attempt
        FROM "grant" g JOIN cap_key k ON k.id = g.key WHERE scope < 2 ORDER BY scope, k.key, g.seq
        """,
        "SELECT 'listed ' || key FROM suppression ORDER BY key",
        "SELECT 'runner ' || id || ' ' || campaign || ' ' || source FROM runner ORDER BY id",
        """
        SELECT 'clock ' || boot || ' ' || boot_us || ' ' || queue_us || ' ' || wall_us
            || ifnull(' sure ' || sure_boot || ' ' || sure_queue_us || ' ' || sure_wall_us, '') FROM clock
        """,
        "SELECT 'generation ' || value FROM meta WHERE name = 'generation'",
        "SELECT 'leases of nobody ' || count(*) FROM lease WHERE runner NOT IN (SELECT id FROM runner)",
    ]
}

extension Queue {
    /// All rows that the model knows, as the writing connection sees them.
    func text() throws -> String {
        try journal().betweenCommits { pool in
            try pool.writeWithoutTransaction { db in
                var lines: [String] = []
                for sql in QueueModel.selects {
                    // Prepared once a connection, and stepped by hand: this is done after every step of every history.
                    let statement = try db.cachedStatement(sql: sql).sqliteStatement
                    while sqlite3_step(statement) == SQLITE_ROW {
                        lines.append(String(cString: sqlite3_column_text(statement, 0)))
                    }
                    let code = sqlite3_reset(statement)
                    guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
                }
                return lines.joined(separator: "\n")
            }
        }
    }

    /// Spares the reading connection GRDB's look at each statement it prepares, which only observers need and which takes
    /// longer than what is read. The writing one keeps it.
    func readPlainly() throws {
        try reader.unsafeRead { _ = sqlite3_set_authorizer($0.sqliteConnection, nil, nil) }
    }

    func findings() throws -> [Finding] {
        try readPlainly()
        return try verify(deep: true)
    }

    struct StoredLease {
        var runner: Int64
        var fresh: Bool
        var range: ClosedRange<Int64>
    }

    func leases(_ campaign: Int64) throws -> [StoredLease] {
        try journal().betweenCommits { pool in
            try pool.writeWithoutTransaction { db in
                try Row.fetchAll(
                    db, sql: "SELECT runner, fresh, first, last FROM lease WHERE campaign = ?",
                    arguments: [campaign]
                ).map {
                    StoredLease(runner: $0[0], fresh: $0[1] == 1, range: ($0[2] as Int64)...($0[3] as Int64))
                }
            }
        }
    }

    /// Makes checkpoints, and with them writes into the file itself and logs that begin anew, as frequent as a test
    /// wants them.
    func checkpoint(every pages: Int) throws {
        try journal().betweenCommits { pool in
            try pool.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA wal_autocheckpoint = \(pages)")
            }
        }
    }
}
