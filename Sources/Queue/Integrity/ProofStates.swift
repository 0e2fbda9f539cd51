import GRDB

/// Counts each campaign's recipients, and holds each one's state against its last attempt (ARCHITECTURE.md, "States on
/// disk").
struct ProofStates {
    private struct Work {
        let name: String
        let state: CampaignState
        let total: Int
        let kept: Tallies
        var counted = Tallies()
        var decided = 0
        var putBack = 0
        /// Somebody gave the order to try again.
        var wasRetried = false
    }

    private let db: Database
    private let only: Int64?

    init(_ db: Database, _ campaign: Int64?) {
        self.db = db
        only = campaign
    }

    func report(into proof: inout Proof, _ findings: inout ProofFindings) throws {
        var works = try campaigns()
        let places = Dictionary(works.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        let query = try Prepared(
            db,
            """
            SELECT r.id, r.campaign, r.state, r.last_attempt, a.id, a.recipient, a.outcome, a.campaign FROM recipient r
            LEFT JOIN attempt a ON a.id = r.last_attempt
            WHERE ?1 IS NULL OR r.campaign = ?1 ORDER BY r.id
            """)
        query.bind(1, only)
        while try query.step() {
            proof.recipients += 1
            guard let place = places[query.integer(1)] else {
                findings.add("states", "Recipient \(query.integer(0)) is of no campaign.")
                continue
            }
            let code = query.integer(2)
            guard (0...7).contains(code) else {
                findings.add("states", "Recipient \(query.integer(0)) is in the unknown state \(code).")
                continue
            }
            let state = RecipientState(code: code)
            works[place].work.counted[state] += 1
            check(query, state, &works[place].work, &findings)
        }
        for (_, work) in works {
            judge(work, &findings)
            proof.tallies.append(
                TallyProof(
                    campaign: work.name, counted: work.counted, kept: work.kept, decided: work.decided,
                    putBack: work.putBack))
        }
        try findTwice(&findings)
    }

    private func campaigns() throws -> [(id: Int64, work: Work)] {
        let retried = try Set(
            Int64.fetchAll(db, sql: "SELECT DISTINCT campaign FROM event WHERE kind = 'retry' AND campaign IS NOT NULL")
        )
        return try Row.fetchAll(
            db,
            sql: """
                SELECT id, name, state, total, pending, deferred, sending, sent, failed, suppressed, in_doubt, cancelled
                FROM campaign WHERE ?1 IS NULL OR id = ?1 ORDER BY id
                """, arguments: [only]
        ).map { row in
            var kept = Tallies()
            for (place, state) in [
                RecipientState.pending, .deferred, .sending, .sent, .failed, .suppressed, .inDoubt, .cancelled,
            ].enumerated() {
                kept[state] = row[4 + place]
            }
            let id: Int64 = row[0]
            return (
                id,
                Work(
                    name: row[1], state: CampaignState(code: row[2]), total: row[3], kept: kept,
                    wasRetried: retried.contains(id))
            )
        }
    }

    private func check(_ row: Prepared, _ state: RecipientState, _ work: inout Work, _ findings: inout ProofFindings) {
        let id = row.integer(0)
        let last = row.optional(3)
        if let last, row.isNull(4) {
            findings.add("states", "Recipient \(id) of \(work.name) names attempt \(last), which is not in the log.")
            return
        }
        if let last, row.integer(5) != id || row.integer(7) != row.integer(1) {
            findings.add("states", "Recipient \(id) of \(work.name) names attempt \(last), which is somebody else's.")
            return
        }
        let outcome = row.optional(6).flatMap { AttemptOutcome(code: $0) }
        let isOpen = last != nil && row.isNull(6)
        let explains: Bool =
            switch state {
            case .pending:
                last == nil || outcome == .aborted || outcome == .inDoubt
                    || (work.wasRetried && (outcome == .failed || outcome == .deferred))
            case .sending: isOpen && work.state != .draft
            case .deferred: outcome == .deferred
            case .sent: outcome == .sent || outcome == .inDoubt
            case .failed: outcome == .failed || outcome == .inDoubt
            case .inDoubt: outcome == .inDoubt
            // Found listed, or cancelled, while it waited: whatever it waited for.
            case .suppressed: !isOpen && outcome != .sent
            case .cancelled: !isOpen && outcome != .sent && work.state == .cancelled
            }
        if state == .sent || state == .failed, outcome == .inDoubt { work.decided += 1 }
        if state == .pending, last != nil, outcome != .aborted { work.putBack += 1 }
        guard !explains else { return }
        let what =
            last == nil
            ? "it was never tried" : "attempt \(last ?? 0) \(isOpen ? "is open" : "ended \(outcome?.rawValue ?? "?")")"
        findings.add("states", "Recipient \(id) of \(work.name) is \(state.rawValue), but \(what).")
    }

    private func judge(_ work: Work, _ findings: inout ProofFindings) {
        for state in RecipientState.allCases where work.kept[state] != work.counted[state] {
            findings.add(
                "tallies",
                "\(work.name): the tally says \(work.kept[state]) \(state.rawValue), there are \(work.counted[state]).")
        }
        if work.total != work.counted.total {
            findings.add("tallies", "\(work.name): its total is \(work.total), there are \(work.counted.total).")
        }
        if work.state == .finished, work.counted.unsettled > 0 {
            findings.add("tallies", "\(work.name) is finished, but \(work.counted.unsettled) are not settled.")
        }
    }

    /// Promise 1: nobody was handed over twice, but where a doubt lay between and somebody chose to send again.
    private func findTwice(_ findings: inout ProofFindings) throws {
        // One walk over the log; SQLite groups on disk when there is much.
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT recipient, count(*) FROM attempt WHERE outcome = 1 AND (?1 IS NULL OR campaign = ?1)
                GROUP BY recipient HAVING count(*) > 1
                """, arguments: [only])
        while let row = try rows.next() {
            findings.add(
                "attempts", "Recipient \(row[0] as Int64) was accepted by a server \(row[1] as Int) times.")
        }
    }
}
