import GRDB

/// Whatever contains a text in its address or its reply. What was committed before the search began is found, all of it.
///
/// The cost grows with how many hits there are, not with the queue. Memory: 8 bytes a hit.
extension Queue {
    /// Recipients of a campaign whose address or last reply contains `text`, in the order of the list.
    /// - Parameters:
    ///   - progress: told how many new rows were taken into the index so far, before anything is found.
    ///   - each: is given a page at a time.
    /// - Throws: `QueueError`, and what `each` throws.
    public func searchRecipients(
        _ text: String, campaign: Int64, state: RecipientState?, progress: (Int) throws -> Void = { _ in },
        each: ([RecipientRecord]) throws -> Void
    ) throws {
        let term = try SearchTerm(text)
        let index = try SearchIndex(queue: path)
        try index.catchUp(self, progress: progress)
        let range = try read { db, _ in
            try Row.fetchOne(db, sql: "SELECT first, last FROM campaign WHERE id = ?", arguments: [campaign])
        }
        var ids = try index.hits(term, in: "address", from: range?[0] ?? 0, through: range?[1] ?? 0)
        let attempts = try index.hits(term, in: "reply")
        ids += try read { db, _ in
            let query = try Prepared(
                db,
                """
                SELECT r.id FROM attempt a CROSS JOIN recipient r ON r.id = a.recipient
                WHERE a.id = ? AND a.campaign = ? AND r.last_attempt = a.id
                """)
            return try attempts.compactMap { id in
                query.bind(1, id)
                query.bind(2, campaign)
                guard try query.step() else { return nil }
                defer { query.reset() }
                return query.integer(0)
            }
        }
        try pages(Self.unique(ids)) { page in
            let rows = try read { db, instant in
                let sql =
                    Self.selectRecipients
                    + " , r.campaign FROM recipient r LEFT JOIN attempt a ON a.id = r.last_attempt WHERE r.id = ?"
                let statement = try db.cachedStatement(sql: sql)
                return try page.compactMap { id -> RecipientRecord? in
                    guard let row = try Row.fetchOne(statement, arguments: [id]), row["campaign"] == campaign else {
                        return nil
                    }
                    let record = Self.record(row, instant)
                    guard state == nil || record.state == state else { return nil }
                    return term.isIn(record.email) || term.isIn(record.reply) ? record : nil
                }
            }
            if !rows.isEmpty { try each(rows) }
        }
    }

    /// The lines of the log, of a campaign or of all, whose address or reply contains `text`, oldest first.
    public func searchAttempts(
        _ text: String, campaign: Int64?, progress: (Int) throws -> Void = { _ in },
        each: ([AttemptRecord]) throws -> Void
    ) throws {
        let term = try SearchTerm(text)
        let index = try SearchIndex(queue: path)
        try index.catchUp(self, progress: progress)
        var ids = try index.hits(term, in: "reply")
        let recipients = try index.hits(term, in: "address")
        ids += try read { db, _ in
            let last = try Prepared(
                db, "SELECT last_attempt FROM recipient WHERE id = ?1 AND (?2 IS NULL OR campaign = ?2)")
            let previous = try Prepared(db, "SELECT previous FROM attempt WHERE id = ?")
            var found: [Int64] = []
            for recipient in recipients {
                last.bind(1, recipient)
                last.bind(2, campaign)
                var next = try last.step() ? last.optional(0) : nil
                last.reset()
                while let attempt = next {
                    found.append(attempt)
                    previous.bind(1, attempt)
                    next = try previous.step() ? previous.optional(0) : nil
                    previous.reset()
                }
            }
            return found
        }
        try pages(Self.unique(ids)) { page in
            let rows = try read { db, _ in
                let statement = try db.cachedStatement(
                    sql: Self.selectAttempts + "WHERE a.id = ?1 AND (?2 IS NULL OR a.campaign = ?2)")
                return try page.compactMap { id -> AttemptRecord? in
                    guard let row = try Row.fetchOne(statement, arguments: [id, campaign]) else { return nil }
                    let record = Self.attempt(row)
                    return term.isIn(record.email) || term.isIn(record.reply) ? record : nil
                }
            }
            if !rows.isEmpty { try each(rows) }
        }
    }

    private static func unique(_ ids: [Int64]) -> [Int64] {
        var sorted = ids.sorted()
        var kept = 0
        for index in sorted.indices where index == 0 || sorted[index] != sorted[index - 1] {
            sorted[kept] = sorted[index]
            kept += 1
        }
        sorted.removeLast(sorted.count - kept)
        return sorted
    }

    private func pages(_ ids: [Int64], _ body: (ArraySlice<Int64>) throws -> Void) throws {
        for start in stride(from: 0, to: ids.count, by: 1_000) {
            try body(ids[start..<min(start + 1_000, ids.count)])
        }
    }
}

extension SearchIndex {
    /// Candidates, in the order of their ids.
    /// - Parameters:
    ///   - upwards: false begins with the greatest.
    ///   - limit: at most so many.
    func hits(
        _ term: SearchTerm, in table: String, from: Int64 = 0, through: Int64 = .max, upwards: Bool = true,
        limit: Int = .max
    ) throws -> [Int64] {
        do {
            return try database.read { db in
                guard let expression = try term.expression(db, table: table) else { return [] }
                let query = try Prepared(
                    db,
                    """
                    SELECT rowid FROM \(table) WHERE \(table) MATCH ? AND rowid BETWEEN ? AND ?
                    ORDER BY rowid \(upwards ? "" : "DESC")
                    """)
                query.bind(1, expression)
                query.bind(2, from)
                query.bind(3, through)
                var found: [Int64] = []
                while found.count < limit, try query.step() { found.append(query.integer(0)) }
                query.reset()
                return found
            }
        } catch let error as DatabaseError {
            throw QueueError(error, path: database.path)
        }
    }
}
