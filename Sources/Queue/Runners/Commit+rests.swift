import Clock
import GRDB

extension Commit {
    /// As many rests are kept as a year of bad days makes.
    private static let kept: Int64 = 2_000
    /// Attempts looked through for one that was sent since the last rest.
    private static let lookedThrough: Int64 = 2_000

    struct LastRest {
        var id: Int64
        var until: Int64
        var ending: Int64
        var reply: String
        var mark: Int64
        var streak: Int64
    }

    func lastRest(_ route: RouteName) throws -> LastRest? {
        let query = try prepare(
            """
            SELECT id, until, ending, reply, mark, streak FROM rest
            WHERE account = ? AND source = ? AND server = ? ORDER BY id DESC LIMIT 1
            """)
        query.bind(1, route.account)
        query.bind(2, route.source)
        query.bind(3, route.server)
        guard try query.step() else { return nil }
        defer { query.reset() }
        return LastRest(
            id: query.integer(0), until: query.integer(1), ending: query.integer(2), reply: query.text(3),
            mark: query.integer(4), streak: query.integer(5))
    }

    func routeRest(_ route: RouteName) throws -> RouteRest? {
        try lastRest(route).map {
            RouteRest(id: $0.id, until: now.wall($0.until), isLifted: $0.ending == 1, reply: $0.reply)
        }
    }

    /// Writes a rest down. One that ends no later than the rest in force is an answer more to that one.
    func rest(_ rest: Rest, campaign: Int64) throws {
        let route = RouteName(account: rest.account, source: rest.source, server: rest.server)
        let until = now.queue(rest.until)
        let last = try lastRest(route)
        if let last, last.until > now.queue, last.ending == 0 {
            // A second more is the same rest, asked for by another session.
            if until <= last.until + 1_000_000 {
                let more = try prepare("UPDATE rest SET hits = hits + 1 WHERE id = ?")
                more.bind(1, last.id)
                return try more.run()
            }
            try endRest(last.id, ending: 2)
        }
        let streak = try last.map { try isSent(over: route, after: $0.mark) ? 1 : $0.streak + 1 } ?? 1
        let insert = try prepare(
            """
            INSERT INTO rest (account, source, server, since, until, rule, reply, campaign, attempt, mark, streak)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT ifnull(max(id), 0) FROM attempt), ?)
            """)
        insert.bind(1, rest.account)
        insert.bind(2, rest.source)
        insert.bind(3, rest.server)
        insert.bind(4, now.queue(rest.since))
        insert.bind(5, until)
        insert.bind(6, rest.rule)
        insert.bind(7, rest.reply)
        insert.bind(8, campaign)
        insert.bind(9, rest.attempt)
        insert.bind(10, streak)
        try insert.run()
        let delete = try prepare("DELETE FROM rest WHERE id <= ?")
        delete.bind(1, db.lastInsertedRowID - Self.kept)
        try delete.run()
    }

    /// - Parameter ending: 1 lifted, 2 a longer one takes over.
    func endRest(_ id: Int64, ending: Int64) throws {
        let update = try prepare("UPDATE rest SET until = ?2, ending = ?3 WHERE id = ?1")
        update.bind(1, id)
        update.bind(2, now.queue)
        update.bind(3, ending)
        try update.run()
    }

    /// Whether a message went over a route since the attempt `after`.
    private func isSent(over route: RouteName, after: Int64) throws -> Bool {
        let query = try prepare(
            """
            SELECT 1 FROM (SELECT outcome, account, source, server FROM attempt WHERE id > ?1 ORDER BY id LIMIT ?2)
            WHERE outcome = 1 AND account = ?3 AND source = ?4 AND server = ?5 LIMIT 1
            """)
        query.bind(1, after)
        query.bind(2, Self.lookedThrough)
        query.bind(3, route.account)
        query.bind(4, route.source)
        query.bind(5, route.server)
        defer { query.reset() }
        return try query.step()
    }
}
