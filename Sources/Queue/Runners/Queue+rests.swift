import Clock
import GRDB

extension Queue {
    /// Rests in force, newest first.
    public func rests() throws -> [RestRecord] { try rests(limit: Int.max, inForce: true) }

    /// Rests in force and those that ended, newest first. The table is bounded.
    public func recentRests(limit: Int) throws -> [RestRecord] { try rests(limit: limit, inForce: false) }

    private func rests(limit: Int, inForce: Bool) throws -> [RestRecord] {
        try read { db, instant in
            let lifters = inForce ? [:] : try lifters(db)
            return try Row.fetchAll(
                db,
                sql: """
                    SELECT t.id, t.account, t.source, t.server, t.since, t.until, t.ending, t.rule, t.reply, t.attempt,
                        t.streak, t.hits, c.name, ifnull(r.email, r.key)
                    FROM rest t LEFT JOIN campaign c ON c.id = t.campaign LEFT JOIN attempt a ON a.id = t.attempt
                    LEFT JOIN recipient r ON r.id = a.recipient
                    \(inForce ? "WHERE t.ending = 0 AND t.until > \(instant.queue)" : "") ORDER BY t.id DESC LIMIT ?
                    """, arguments: [limit]
            ).map { row in
                let until: Int64 = row[5]
                let ending: Int64 = row[6]
                return RestRecord(
                    id: row[0],
                    rest: Rest(
                        account: row[1], source: row[2], server: row[3], until: instant.wall(until),
                        since: instant.wall(row[4]), rule: row[7], reply: row[8], attempt: row[9]),
                    ending: ending == 1 ? .lifted : ending == 2 ? .longer : .time,
                    isInForce: ending == 0 && until > instant.queue, campaign: row[12], email: row[13],
                    inARow: row[10], answers: row[11], liftedBy: lifters[row[0]] ?? "")
            }
        }
    }

    /// Ends rests before their time; every runner of the route tries it at its next heartbeat, with one session.
    /// - Parameter by: who lifts them, `ann@host`.
    /// - Returns: how many were in force.
    public func liftRests(_ ids: [Int64], by: String = "") throws -> Int {
        try writeNow { commit in
            var lifted = 0
            for id in ids {
                let route = try Row.fetchOne(
                    commit.db,
                    sql: "SELECT account, server, reply FROM rest WHERE id = ? AND ending = 0 AND until > ?",
                    arguments: [id, commit.now.queue])
                guard let route else { continue }
                try commit.endRest(id, ending: 1)
                let (account, server, reply): (String, String, String) = (route[0], route[1], route[2])
                // The number stands last: `lifters` reads it.
                try commit.record(
                    nil, kind: "lift", "The rest of \(account) at \(server) was lifted (\(reply)). Its number: \(id)",
                    by: by)
                lifted += 1
            }
            return lifted
        }
    }
}
