import Clock
import GRDB

extension Queue {
    /// The log of a campaign, or of all, oldest first; those after the attempt `after`.
    public func attempts(_ campaign: Int64?, after: Int64, limit: Int) throws -> [AttemptRecord] {
        // attempt_campaign holds ids in order within a campaign.
        let condition = campaign == nil ? "WHERE a.id > ?2 AND ?1 IS NULL" : "WHERE a.campaign = ?1 AND a.id > ?2"
        return try attempts(condition + " ORDER BY a.id LIMIT ?3", [campaign, after, limit])
    }

    /// The last lines of the log, newest first.
    public func latestAttempts(_ campaign: Int64?, limit: Int) throws -> [AttemptRecord] {
        let condition = campaign == nil ? "WHERE ?1 IS NULL" : "WHERE a.campaign = ?1"
        return try attempts(condition + " ORDER BY a.id DESC LIMIT ?2", [campaign, limit])
    }

    /// All attempts for one recipient, oldest first: as many as it has had.
    public func attempts(recipient: Int64) throws -> [AttemptRecord] {
        try read { db, _ in
            var next = try Int64.fetchOne(
                db, sql: "SELECT last_attempt FROM recipient WHERE id = ?", arguments: [recipient])
            var found: [AttemptRecord] = []
            while let id = next {
                guard
                    let row = try Row.fetchOne(db, sql: Self.selectAttempts + "WHERE a.id = ?", arguments: [id])
                else { break }
                found.append(Self.attempt(row))
                next = row[16]
            }
            return found.reversed()
        }
    }

    private func attempts(_ condition: String, _ arguments: StatementArguments) throws -> [AttemptRecord] {
        try read { db, _ in
            try Row.fetchAll(db, sql: Self.selectAttempts + condition, arguments: arguments).map(Self.attempt)
        }
    }

    static let selectAttempts = """
        SELECT a.id, c.name, a.recipient, ifnull(r.email, r.key), a.account, a.source, a.server, a.started, a.finished,
            a.outcome, a.code, a.enhanced, a.reply, a.message_id, a.tls, a.bytes, a.previous, a.retired & 1
        FROM attempt a CROSS JOIN recipient r ON r.id = a.recipient CROSS JOIN campaign c ON c.id = a.campaign

        """

    static func attempt(_ row: Row) -> AttemptRecord {
        AttemptRecord(
            id: row[0], campaign: row[1], recipient: row[2], email: row[3], account: row[4], source: row[5],
            server: row[6], started: Timestamp(microseconds: row[7]),
            finished: (row[8] as Int64?).map { Timestamp(microseconds: $0) },
            outcome: (row[9] as Int64?).flatMap { AttemptOutcome(code: $0) }, code: row[10], enhanced: row[11],
            reply: row[12], messageID: row[13], tls: row[14], bytes: row[15], isRetired: row[17])
    }

    /// The last minutes of a campaign in which anything happened, oldest first.
    public func pulse(_ campaign: Int64, minutes: Int) throws -> [PulseMinute] {
        try read { db, instant in
            let first = instant.wall.microseconds / 60_000_000 - Int64(minutes) + 1
            return try Row.fetchAll(
                db,
                sql: """
                    SELECT minute, sent, deferred, failed, in_doubt FROM pulse
                    WHERE campaign = ? AND minute >= ? ORDER BY minute
                    """, arguments: [campaign, first]
            ).map { row in
                let minute: Int64 = row[0]
                return PulseMinute(
                    minute: Timestamp(microseconds: minute * 60_000_000), sent: row[1], deferred: row[2],
                    failed: row[3], inDoubt: row[4])
            }
        }
    }

    /// Messages handed over a second, over the minute that runs and the one before.
    public func rate(_ campaign: Int64) throws -> Double {
        let now = clock.now()
        let minutes = try pulse(campaign, minutes: 2)
        let start = (now.microseconds / 60_000_000 - 1) * 60_000_000
        let began = try self.campaign(id: campaign)?.startedAt?.microseconds ?? start
        let seconds = Double(now.microseconds - max(start, min(began, now.microseconds))) / 1_000_000
        return Double(minutes.reduce(0) { $0 + $1.sent }) / max(1, seconds)
    }
}
