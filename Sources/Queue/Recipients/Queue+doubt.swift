import Clock
import GRDB

extension Queue {
    /// Decides what a crash left open; answers how many.
    /// - Parameters:
    ///   - emails: normalised; nil for all of the campaign.
    ///   - before: only those in doubt since then or earlier.
    ///   - after: only those in doubt since then or later.
    public func settleInDoubt(
        _ campaign: Int64, as decision: DoubtDecision, emails: [String]?, before: Timestamp? = nil,
        after: Timestamp? = nil
    ) throws -> Int {
        let (first, last) = (after?.microseconds ?? 0, before?.microseconds ?? .max)
        return try writeNow { commit in
            let work = try commit.campaign(campaign)
            if decision == .resend { _ = try work.state.after(.refill) }
            var moved = 0
            if let emails {
                for email in Set(emails) {
                    guard let doubt = try commit.doubt(campaign, key: email), (first...last).contains(doubt.since)
                    else { continue }
                    if try commit.decide(doubt.recipient, doubt.attempt, decision, evidence: "") { moved += 1 }
                }
            } else {
                moved = try commit.decideAll(campaign, decision, first: first, last: last)
            }
            try commit.tell(campaign, moved, decision, "")
            return moved
        }
    }

    /// Decides about attempts by what something said of each; answers how many were still in doubt.
    public func settleInDoubt(_ campaign: Int64, by evidence: [DoubtSettlement]) throws -> Int {
        try writeNow { commit in
            var moved: [DoubtDecision: Int] = [:]
            for settlement in evidence
            where try commit.decide(
                settlement.recipient, settlement.attempt, settlement.decision, evidence: settlement.evidence)
            {
                moved[settlement.decision, default: 0] += 1
            }
            for decision in DoubtDecision.allCases {
                try commit.tell(campaign, moved[decision] ?? 0, decision, " by evidence")
            }
            return moved.values.reduce(0, +)
        }
    }

    /// Those of these addresses (normalised) that are in doubt.
    public func inDoubt(_ campaign: Int64, among keys: [String]) throws -> Set<String> {
        try read { db, _ in
            let query = try Prepared(db, "\(Commit.doubtByKey)")
            var found: Set<String> = []
            for key in keys {
                query.bind(1, campaign)
                query.bind(2, key)
                if try query.step() { found.insert(key) }
                query.reset()
            }
            return found
        }
    }

    /// Since when the oldest doubt of a campaign is open; nil for none. Of more than `doubtsLookedAt`, the oldest of
    /// those that come first in the list.
    public func oldestDoubt(_ campaign: Int64) throws -> Timestamp? {
        try read { db, _ in
            try Int64.fetchAll(db, sql: Self.oldestDoubts, arguments: [campaign, Self.doubtsLookedAt]).min().map {
                Timestamp(microseconds: $0)
            }
        }
    }

    public static let doubtsLookedAt = 1_000
    static let oldestDoubts = """
        SELECT a.finished FROM recipient r INDEXED BY recipient_rare CROSS JOIN attempt a ON a.id = r.last_attempt
        WHERE r.campaign = ?1 AND likely(r.state = 6) AND r.state > 3 AND r.id > 0 ORDER BY r.id LIMIT ?2
        """
}

extension Commit {
    static let doubtByKey: StaticString = """
        SELECT r.id, r.last_attempt, a.finished FROM recipient_key k CROSS JOIN recipient r ON r.id = k.id
            CROSS JOIN attempt a ON a.id = r.last_attempt
        WHERE k.campaign = ? AND k.key = ? AND r.state = 6
        """

    fileprivate func doubt(
        _ campaign: Int64, key: String
    ) throws -> (recipient: Int64, attempt: Int64, since: Int64)? {
        let query = try prepare(Self.doubtByKey)
        query.bind(1, campaign)
        query.bind(2, key)
        guard try query.step() else { return nil }
        defer { query.reset() }
        return (query.integer(0), query.integer(1), query.integer(2))
    }

    /// False when the attempt is in doubt no more.
    fileprivate func decide(
        _ recipient: Int64, _ attempt: Int64, _ decision: DoubtDecision, evidence: String
    ) throws -> Bool {
        let update = try prepare(
            """
            UPDATE recipient SET state = ?2, due = 0, attempts = iif(?2 = 0, 0, attempts)
            WHERE id = ?1 AND state = 6 AND last_attempt = ?3
            """)
        update.bind(1, recipient)
        update.bind(2, decision.state.code)
        update.bind(3, attempt)
        try update.run()
        guard db.changesCount > 0 else { return false }
        try keep(decision, on: attempt, evidence: evidence)
        return true
    }

    /// Remembers what was decided about an attempt, and what said so.
    func keep(_ decision: DoubtDecision, on attempt: Int64, evidence: String) throws {
        let insert = try prepare(
            "INSERT OR REPLACE INTO decision (attempt, at, decision, evidence) VALUES (?, ?, ?, ?)")
        insert.bind(1, attempt)
        insert.bind(2, now.wall.microseconds)
        insert.bind(3, decision.code)
        insert.bind(4, evidence)
        try insert.run()
    }

    /// Its cost grows with how many are in doubt.
    fileprivate func decideAll(_ campaign: Int64, _ decision: DoubtDecision, first: Int64, last: Int64) throws -> Int {
        let those = Self.doubts + " AND a.finished BETWEEN ?2 AND ?3"
        try db.execute(
            sql: "INSERT OR REPLACE INTO decision (attempt, at, decision, evidence) SELECT a.id, ?4, ?5, '' " + those,
            arguments: [campaign, first, last, now.wall.microseconds, decision.code])
        try db.execute(
            sql: """
                UPDATE recipient SET state = ?4, due = 0, attempts = iif(?4 = 0, 0, attempts)
                WHERE id IN (SELECT r.id \(those))
                """, arguments: [campaign, first, last, decision.state.code])
        return db.changesCount
    }

    /// What the policy makes of a campaign's doubts when a runner of it starts. Its cost grows with how many there are.
    /// - Parameter tries: who has had more is not sent again, and stays in doubt.
    func decideByPolicy(_ campaign: Int64, _ policy: DoubtPolicy, tries: Int) throws {
        guard let decision = policy.decision, try self.campaign(campaign).tallies.inDoubt > 0 else { return }
        let most = decision == .resend ? Int64(clamping: tries) : .max
        let those = Self.doubts + " AND r.attempts <= ?2"
        try db.execute(
            sql: "INSERT OR REPLACE INTO decision (attempt, at, decision, evidence) SELECT a.id, ?3, ?4, ?5 " + those,
            arguments: [campaign, most, now.wall.microseconds, decision.code, DoubtVerdict.policyMark])
        // Who goes back is due now, behind the fresh ones.
        try db.execute(
            sql: "UPDATE recipient SET state = ?3, due = iif(?3 = 0, ?4, 0) WHERE id IN (SELECT r.id \(those))",
            arguments: [campaign, most, decision.state.code, now.queue])
        try tell(campaign, db.changesCount, decision, " by the policy \(policy.rawValue)")
    }

    private static let doubts = """
        FROM recipient r INDEXED BY recipient_rare CROSS JOIN attempt a ON a.id = r.last_attempt
        WHERE r.campaign = ?1 AND likely(r.state = 6) AND r.state > 3 AND r.id > 0
        """

    fileprivate func tell(_ campaign: Int64, _ moved: Int, _ decision: DoubtDecision, _ how: String) throws {
        guard moved > 0 else { return }
        try move(campaign, count: moved, from: .inDoubt, to: decision.state)
        try record(campaign, kind: "settle", "\(moved) in doubt: \(decision.rawValue)\(how).")
    }
}
