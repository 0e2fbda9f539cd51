import Clock
import GRDB

extension Queue {
    /// Recipients in the order of the list, those after the id `after`; the next page begins after the last one's id.
    public func recipients(
        _ campaign: Int64, state: RecipientState?, after: Int64, limit: Int
    ) throws -> [RecipientRecord] {
        try read { db, instant in
            let arguments: StatementArguments = [
                "campaign": campaign, "after": after, "limit": limit, "state": state?.code,
            ]
            var rows: [Row] = []
            for condition in Self.pages(state) {
                rows += try Row.fetchAll(db, sql: Self.selectRecipients + condition, arguments: arguments)
            }
            let records = rows.map { Self.record($0, instant) }
            return Array(records.sorted { $0.id < $1.id }.prefix(limit))
        }
    }

    /// The recipients of one address: one in each campaign that has it, newest campaign first.
    public func recipients(key: String) throws -> [(campaign: String, recipient: RecipientRecord)] {
        try read { db, instant in
            // One look-up in recipient_key a campaign.
            try Row.fetchAll(
                db,
                sql: Self.selectRecipients + """
                    , c.name FROM campaign c CROSS JOIN recipient_key k ON k.campaign = c.id AND k.key = ?
                    CROSS JOIN recipient r ON r.id = k.id
                    LEFT JOIN attempt a ON a.id = r.last_attempt ORDER BY c.id DESC
                    """, arguments: [key]
            ).map { ($0["name"], Self.record($0, instant)) }
        }
    }

    static let selectRecipients = """
        SELECT r.id, ifnull(r.email, r.key), r.state, r.attempts, r.due, r.line, r.fields, r.domain, nullif(a.message_id, ''), a.reply,
            a.id, a.started, a.finished, a.server, a.account, a.code, a.enhanced
        """
    /// What a query adds to `selectRecipients` comes behind them.
    static let recipientColumns = 17

    /// What to add to `selectRecipients`, each a search that reads little more than the page it answers.
    static func pages(_ state: RecipientState?) -> [String] {
        let last = " LEFT JOIN attempt a ON a.id = r.last_attempt "
        let keep = " LIMIT :limit"
        switch state {
        case nil:
            // A campaign's ids lie close together. (`:state` is in each, so that all take the same arguments.)
            return [
                """
                 FROM recipient r NOT INDEXED \(last)
                WHERE r.id > max(:after, (SELECT first - 1 FROM campaign WHERE id = :campaign))
                    AND r.id <= (SELECT last FROM campaign WHERE id = :campaign)
                    AND r.campaign = :campaign AND :state IS NULL ORDER BY r.id
                """ + keep
            ]
        case .sent:
            // Most of a campaign, sooner or later; early on it walks the campaign's rows.
            return [
                """
                 FROM recipient r NOT INDEXED \(last)
                WHERE r.id > max(:after, (SELECT first - 1 FROM campaign WHERE id = :campaign))
                    AND r.id <= (SELECT last FROM campaign WHERE id = :campaign)
                    AND r.campaign = :campaign AND r.state = :state ORDER BY r.id
                """ + keep
            ]
        case .pending:
            return [
                " FROM recipient r INDEXED BY recipient_due \(last) WHERE r.campaign = :campaign AND r.state < 2"
                    + " AND r.due = 0 AND r.id > :after AND r.state = :state ORDER BY r.id" + keep,
                // Few: aborted or postponed ones.
                " FROM recipient r INDEXED BY recipient_due \(last) WHERE r.campaign = :campaign AND r.state < 2"
                    + " AND r.due > 0 AND r.id > :after AND r.state = :state ORDER BY r.id" + keep,
            ]
        case .deferred:
            // Sorts the deferred ones: they are as many as wait for a retry.
            return [
                " FROM recipient r INDEXED BY recipient_due \(last) WHERE r.campaign = :campaign AND r.state < 2"
                    + " AND r.due > 0 AND r.id > :after AND r.state = :state ORDER BY r.id" + keep
            ]
        case .sending:
            // As many as are in flight.
            return [
                " FROM runner CROSS JOIN attempt a ON a.runner = runner.id AND a.outcome IS NULL"
                    + " CROSS JOIN recipient r ON r.id = a.recipient"
                    + " WHERE r.campaign = :campaign AND r.id > :after AND r.state = :state ORDER BY r.id" + keep
            ]
        case .failed, .suppressed, .inDoubt, .cancelled:
            // `likely`: or else the planner takes the range that the partial index asks for, and sorts.
            return [
                " FROM recipient r INDEXED BY recipient_rare \(last) WHERE r.campaign = :campaign AND likely(r.state = :state)"
                    + " AND r.state > 3 AND r.id > :after ORDER BY r.id" + keep
            ]
        }
    }

    /// The domain of who is due first of those that wait for a moment; nil when nobody does.
    public func domainDueFirst(_ campaign: Int64) throws -> String? {
        try read { db, _ in
            try Row.fetchOne(db, sql: Self.selectDueFirst, arguments: [campaign]).map {
                $0[1] ?? Commit.domain(of: $0[0])
            }
        }
    }

    static let selectDueFirst = """
        SELECT ifnull(email, key), domain FROM recipient INDEXED BY recipient_due
        WHERE campaign = ? AND state < 2 AND due > 0 ORDER BY due LIMIT 1
        """

    static func record(_ row: Row, _ instant: Instant) -> RecipientRecord {
        let state = RecipientState(code: row[2])
        let due: Int64 = row[4]
        let email: String = row[1]
        let waits = due > 0 && (state == .pending || state == .deferred)
        return RecipientRecord(
            id: row[0], email: email, state: state, attempts: row[3], nextAttempt: waits ? instant.wall(due) : nil,
            messageID: row[8], reply: row[9], code: row[15], enhanced: row[16],
            answered: (row[12] as Int64?).map { Timestamp(microseconds: $0) }, line: row[5], fields: row[6],
            domain: row[7] ?? Commit.domain(of: email), doubt: state == .inDoubt ? doubt(row) : nil)
    }

    private static func doubt(_ row: Row) -> Doubt? {
        guard let attempt: Int64 = row[10], let finished: Int64 = row[12] else { return nil }
        return Doubt(
            attempt: attempt, cause: row[9] == Commit.doubt ? .processEnded : .connectionLost,
            began: Timestamp(microseconds: row[11]), since: Timestamp(microseconds: finished), server: row[13],
            account: row[14])
    }

    /// Puts recipients back into the queue, with a fresh retry schedule; answers how many.
    ///
    /// Only `failed` ones and those `in_doubt` (which is a resend) can be; `deferred` ones are made due now.
    /// - Throws: `QueueError.invalid` for any other state, `.illegalTransition` when the campaign was cancelled.
    public func retry(_ campaign: Int64, states: Set<RecipientState>) throws -> Int {
        if let bad = states.subtracting([.failed, .inDoubt, .deferred]).first {
            throw QueueError.invalid("Recipients that are \(bad.rawValue) cannot be tried again.")
        }
        return try writeNow { commit in
            let state = try commit.campaign(campaign).state.after(.refill)
            var moved = 0
            for from in states.sorted(by: { $0.code < $1.code }) {
                let count = try commit.putBack(from, to: .pending, campaign)
                try commit.move(campaign, count: count, from: from, to: .pending)
                moved += count
            }
            guard moved > 0 else { return 0 }
            try commit.setState(campaign, state)
            let names = states.map(\.rawValue).sorted().joined(separator: ", ")
            try commit.record(campaign, kind: "retry", "\(moved) put back (\(names)).")
            return moved
        }
    }
}

extension Commit {
    /// Moves all of one state; the tallies are the caller's. Its cost grows with how many there are.
    fileprivate func putBack(_ from: RecipientState, to: RecipientState, _ campaign: Int64) throws -> Int {
        let (index, states) =
            from == .deferred
            ? ("recipient_due", "< 2") : ("recipient_rare", "> 3")
        try db.execute(
            sql: """
                UPDATE recipient INDEXED BY \(index) SET state = ?1, due = 0, attempts = iif(?1 = 0, 0, attempts)
                WHERE campaign = ?2 AND state \(states) AND state = ?3
                """, arguments: [to.code, campaign, from.code])
        return db.changesCount
    }
}
