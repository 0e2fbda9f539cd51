import GRDB

/// Something that is not as it must be.
public struct Finding: Sendable, Hashable {
    /// What was compared, such as `tallies` or `ledger`.
    public let check: String
    public let detail: String

    public init(check: String, detail: String) {
        self.check = check
        self.detail = detail
    }
}

extension Queue {
    /// Looks for contradictions in what is stored; repairs nothing. Empty when all is well.
    ///
    /// Reads everything, so its cost grows with the queue. `deep` has SQLite compare all indexes with their tables, and looks up
    /// each address.
    public func verify(deep: Bool) throws -> [Finding] {
        try read { db, _ in
            var findings: [Finding] = []
            let check = deep ? "PRAGMA integrity_check(20)" : "PRAGMA quick_check(20)"
            findings += try String.fetchAll(db, sql: check).filter { $0 != "ok" }.map {
                Finding(check: "file", detail: $0)
            }
            findings += try String.fetchAll(db, sql: "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 20")
                .map { Finding(check: "file", detail: "A row of \($0) belongs to nothing.") }
            findings += try Self.tallyFindings(db)
            for (name, sql) in Self.contradictions + (deep ? Self.strayAddresses : []) {
                findings += try String.fetchAll(db, sql: sql + " LIMIT 20").map { Finding(check: name, detail: $0) }
            }
            return findings
        }
    }

    private static func tallyFindings(_ db: Database) throws -> [Finding] {
        var counted: [Int64: Tallies] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT campaign, state, count(*) FROM recipient GROUP BY 1, 2") {
            counted[row[0], default: Tallies()][RecipientState(code: row[1])] = row[2]
        }
        var findings: [Finding] = []
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT id, name, state, total, pending, deferred, sending, sent, failed, suppressed, in_doubt, cancelled
                FROM campaign
                """)
        for row in rows {
            var kept = Tallies()
            for code in 0..<8 { kept[RecipientState(code: Int64(code))] = row[4 + code] }
            let name: String = row[1]
            let total: Int = row[3]
            let real = counted[row[0]] ?? Tallies()
            for state in RecipientState.allCases where kept[state] != real[state] {
                findings.append(
                    Finding(
                        check: "tallies",
                        detail: "\(name): \(kept[state]) \(state.rawValue) in the tally, \(real[state]) recipients."))
            }
            if kept.total != total {
                findings.append(
                    Finding(check: "tallies", detail: "\(name): the tallies add up to \(kept.total), not to \(total)."))
            }
            if CampaignState(code: row[2]) == .finished, real.unsettled > 0 {
                findings.append(
                    Finding(check: "campaigns", detail: "\(name) is finished with \(real.unsettled) unsettled."))
            }
        }
        return findings
    }

    /// A look-up a recipient, in no order.
    private static let strayAddresses = [
        (
            "addresses",
            """
            SELECT 'Recipient ' || r.id || ' is not the one its address leads to.' FROM recipient r NOT INDEXED
            LEFT JOIN recipient_key k ON k.campaign = r.campaign AND k.key = r.key WHERE k.id IS NOT r.id
            """
        )
    ]

    /// Each answers one line of text a contradiction.
    private static let contradictions: [(String, String)] = [
        (
            "addresses",
            """
            SELECT c.name || ': ' || ifnull(k.kept, 0) || ' addresses, ' || c.total || ' recipients.' FROM campaign c
            LEFT JOIN (SELECT campaign, count(*) AS kept FROM recipient_key GROUP BY campaign) k ON k.campaign = c.id
            WHERE ifnull(k.kept, 0) <> c.total
            """
        ),
        (
            "attempts",
            """
            SELECT 'Recipient ' || r.id || ' is sending without an open attempt.' FROM recipient r
            LEFT JOIN attempt a ON a.id = r.last_attempt
            WHERE r.state = 2 AND (a.id IS NULL OR a.outcome IS NOT NULL)
            """
        ),
        (
            "attempts",
            """
            SELECT 'Attempt ' || a.id || ' is open, but its recipient is not sending it.' FROM attempt a
            LEFT JOIN recipient r ON r.id = a.recipient
            WHERE a.outcome IS NULL AND (r.id IS NULL OR r.state <> 2 OR r.last_attempt <> a.id)
            """
        ),
        (
            "attempts",
            """
            SELECT 'Recipient ' || r.id || ' is sent, but no attempt of it was.' FROM recipient r
            JOIN attempt a ON a.id = r.last_attempt WHERE r.state = 3 AND a.outcome NOT IN (1, 4)
            """
        ),
        (
            "attempts",
            """
            SELECT 'Recipient ' || r.id || ' is settled without an attempt.' FROM recipient r
            WHERE r.state IN (1, 2, 3, 4, 6) AND r.last_attempt IS NULL
            """
        ),
        (
            "attempts",
            """
            SELECT 'Recipient ' || recipient || ' was handed over ' || count(*) || ' times with the outcome sent.'
            FROM attempt WHERE outcome = 1 GROUP BY recipient HAVING count(*) > 1
            """
        ),
        (
            "attempts",
            """
            SELECT 'Attempt ' || a.id || ' is open, and its runner ' || a.runner || ' is gone.' FROM attempt a
            WHERE a.outcome IS NULL AND a.runner NOT IN (SELECT id FROM runner)
            """
        ),
        (
            "ledger",
            """
            SELECT 'Cap key ' || k.key || ' counts ' || k.seq || ' grants, the ledger ' || count(g.seq)
                || iif(p.pruned > 0, ' after the ' || p.pruned || ' that retention took out', '') || '.'
            FROM cap_key k LEFT JOIN "grant" g ON g.key = k.id LEFT JOIN retention p ON p.key = k.id GROUP BY k.id
            HAVING k.seq <> count(g.seq) + ifnull(p.pruned, k.base) OR k.seq <> ifnull(max(g.seq), 0)
                OR k.last_at <> ifnull(max(g.at), 0)
            """
        ),
        (
            "ledger",
            """
            SELECT 'Grant ' || seq || ' of cap key ' || key || ' is older than the one before.' FROM (
                SELECT key, seq, at, lag(at) OVER (PARTITION BY key ORDER BY seq) AS before FROM "grant")
            WHERE at < before
            """
        ),
        (
            "ledger",
            """
            SELECT 'Cap key ' || k.key || ' counts ' || k.open || ' in flight, the log ' || (
                SELECT count(*) FROM attempt a WHERE a.outcome IS NULL
                AND CASE k.scope WHEN 0 THEN a.source = k.key WHEN 1 THEN a.account = k.key ELSE a.cap = k.id END) || '.'
            FROM cap_key k WHERE k.scope < 3 AND k.open <> (
                SELECT count(*) FROM attempt a WHERE a.outcome IS NULL
                AND CASE k.scope WHEN 0 THEN a.source = k.key WHEN 1 THEN a.account = k.key ELSE a.cap = k.id END)
            """
        ),
        (
            "ledger",
            """
            SELECT 'Attempt ' || a.id || ' was settled without a grant of its source and account.' FROM attempt a
            LEFT JOIN (SELECT g.attempt, count(*) AS grants FROM "grant" g JOIN cap_key k ON k.id = g.key
                WHERE k.scope < 2 GROUP BY g.attempt) g ON g.attempt = a.id
            WHERE a.outcome IS NOT NULL AND iif(a.retired & 2, ifnull(g.grants, 0) > 2, ifnull(g.grants, 0) <> 2)
            """
        ),
        (
            "ledger",
            """
            SELECT 'Cap key ' || k.key || ' counts ' || k.seq || ' grants, the log ' || ifnull(sum(s.settled), 0)
                || ' settled attempts.'
            FROM cap_key k LEFT JOIN (
                SELECT source, account, count(*) AS settled FROM attempt WHERE outcome IS NOT NULL GROUP BY 1, 2) s
                ON iif(k.scope = 0, s.source, s.account) = k.key
            WHERE k.scope < 2 GROUP BY k.id HAVING k.seq <> ifnull(sum(s.settled), 0)
            """
        ),
        (
            "ledger",
            """
            SELECT 'A grant names the attempt ' || g.attempt || ', which is not in the log as settled.' FROM "grant" g
            LEFT JOIN attempt a ON a.id = g.attempt WHERE a.outcome IS NULL
            """
        ),
    ]
}
