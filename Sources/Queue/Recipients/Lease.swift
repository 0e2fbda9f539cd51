import Clock
import GRDB

/// Leases: which due recipients a runner works on, so that two runners do not take the same ones.
///
/// They are advisory; what keeps a message from being sent twice is `begin`. Fresh recipients come in the order of
/// their ids, so one row says a whole batch: all of `first...last` with `due = 0`. Others are leased one by one.
struct LeaseRange: Sendable {
    var id: Int64
    var fresh: Bool
    var first: Int64
    var last: Int64
}

extension Commit {
    /// At most a quarter of a batch are retries while there are fresh ones.
    func lease(_ count: Int, _ charges: Charges) throws -> (answer: LeaseAnswer, leases: [(LeaseRange, [Int64])]) {
        let campaign = try campaign(charges.campaign)
        var chosen: [LeasedRecipient] = []
        var leases: [(LeaseRange, [Int64])] = []
        guard campaign.state == .sending, count > 0 else {
            return (LeaseAnswer(recipients: [], nextDue: nil, state: campaign.state, tallies: campaign.tallies), [])
        }
        let share = count > 1 ? max(1, count / 4) : 0
        let taken = try singleLeases(charges.campaign)
        let retries = try due(count, charges.campaign, except: taken)
        chosen += retries.prefix(share)
        let fresh = try freshRuns(count - chosen.count, charges.campaign, except: taken)
        let room = count - chosen.count - fresh.reduce(0) { $0 + $1.count }
        if room > 0 { chosen += retries.dropFirst(share).prefix(room) }
        for recipient in chosen {
            leases.append(
                (try insertLease(charges, fresh: false, first: recipient.id, last: recipient.id), [recipient.id]))
        }
        for run in fresh {
            guard let first = run.first, let last = run.last else { continue }
            leases.append((try insertLease(charges, fresh: true, first: first.id, last: last.id), run.map(\.id)))
        }
        // Fresh ones first: what a retry waits for is not urgent to the second.
        let recipients = fresh.flatMap { $0 } + chosen
        let next = recipients.isEmpty ? try nextDue(charges.campaign) : nil
        return (
            LeaseAnswer(
                recipients: recipients, nextDue: next.map(now.wall), state: campaign.state, tallies: campaign.tallies),
            leases
        )
    }

    private func singleLeases(_ campaign: Int64) throws -> Set<Int64> {
        let query = try prepare("SELECT first FROM lease WHERE campaign = ? AND fresh = 0")
        query.bind(1, campaign)
        var ids: Set<Int64> = []
        while try query.step() { ids.insert(query.integer(0)) }
        return ids
    }

    /// Retries due by now, oldest first; steps over leased ones, of which there are a few batches at most.
    private func due(_ count: Int, _ campaign: Int64, except taken: Set<Int64>) throws -> [LeasedRecipient] {
        let query = try prepare(
            """
            SELECT id, ifnull(email, key), fields, attempts, line, domain, last_attempt
            FROM recipient INDEXED BY recipient_due
            WHERE campaign = ? AND state < 2 AND due > 0 AND due <= ? ORDER BY due, id
            """)
        query.bind(1, campaign)
        query.bind(2, now.queue)
        var found: [LeasedRecipient] = []
        while found.count < count, try query.step() {
            guard !taken.contains(query.integer(0)) else { continue }
            found.append(try recipient(query))
        }
        query.reset()
        return found
    }

    /// Fresh recipients in runs without a leased one between; each run holds all there are between its ends.
    ///
    /// One that is leased by itself can be fresh again: it was deferred, and somebody put it back.
    private func freshRuns(
        _ count: Int, _ campaign: Int64, except taken: Set<Int64>
    ) throws -> [[LeasedRecipient]] {
        let leased = try prepare("SELECT first, last FROM lease WHERE campaign = ? AND fresh = 1 ORDER BY first")
        leased.bind(1, campaign)
        var gaps: [(after: Int64, before: Int64)] = []
        var end: Int64 = 0
        while try leased.step() {
            if leased.integer(0) > end + 1 { gaps.append((end, leased.integer(0))) }
            end = max(end, leased.integer(1))
        }
        gaps.append((end, Int64.max))
        let query = try prepare(
            """
            SELECT id, ifnull(email, key), fields, attempts, line, domain, last_attempt
            FROM recipient INDEXED BY recipient_due
            WHERE campaign = ? AND state < 2 AND due = 0 AND id > ? AND id < ? ORDER BY id
            """)
        var runs: [[LeasedRecipient]] = []
        var left = count
        for gap in gaps where left > 0 {
            query.bind(1, campaign)
            query.bind(2, gap.after)
            query.bind(3, gap.before)
            var run: [LeasedRecipient] = []
            while run.count < left, try query.step() {
                guard taken.contains(query.integer(0)) else {
                    run.append(try recipient(query))
                    continue
                }
                left -= run.count
                if !run.isEmpty { runs.append(run) }
                run = []
            }
            query.reset()
            left -= run.count
            if !run.isEmpty { runs.append(run) }
        }
        return runs
    }

    private func recipient(_ row: Prepared) throws -> LeasedRecipient {
        let email = row.text(1)
        return LeasedRecipient(
            id: row.integer(0), email: email, fields: row.text(2), attempts: Int(row.integer(3)),
            line: Int(row.integer(4)), domain: row.optionalText(5) ?? Commit.domain(of: email),
            inDoubtBefore: try row.optional(6).map(wasInDoubt) ?? false)
    }

    /// What follows the last `@`: the domain of a key for which none is stored.
    static func domain(of key: String) -> String {
        guard let at = key.utf8.lastIndex(of: UInt8(ascii: "@")) else { return "" }
        return String(key[key.utf8.index(after: at)...]).lowercased()
    }

    /// Follows one recipient's own attempts back; as many as it has.
    private func wasInDoubt(_ last: Int64) throws -> Bool {
        let query = try prepare("SELECT previous, outcome FROM attempt WHERE id = ?")
        var next: Int64? = last
        while let attempt = next {
            query.bind(1, attempt)
            guard try query.step() else { return false }
            let outcome = query.integer(1)
            next = query.optional(0)
            query.reset()
            if outcome == AttemptOutcome.inDoubt.code { return true }
        }
        return false
    }

    /// Queue time at which the next retry is due.
    private func nextDue(_ campaign: Int64) throws -> Int64? {
        let query = try prepare(
            """
            SELECT due FROM recipient INDEXED BY recipient_due
            WHERE campaign = ? AND state < 2 AND due > ? ORDER BY due LIMIT 1
            """)
        query.bind(1, campaign)
        query.bind(2, now.queue)
        guard try query.step() else { return nil }
        defer { query.reset() }
        return query.integer(0)
    }

    func insertLease(_ charges: Charges, fresh: Bool, first: Int64, last: Int64) throws -> LeaseRange {
        let insert = try prepare("INSERT INTO lease (runner, campaign, fresh, first, last) VALUES (?, ?, ?, ?, ?)")
        insert.bind(1, charges.runner)
        insert.bind(2, charges.campaign)
        insert.bind(3, fresh ? 1 : 0 as Int64)
        insert.bind(4, first)
        insert.bind(5, last)
        try insert.run()
        return LeaseRange(id: db.lastInsertedRowID, fresh: fresh, first: first, last: last)
    }

    /// - Parameter runner: whose they are. One that was taken for dead lost its own, and their numbers may be another's.
    func deleteLeases(_ ids: [Int64], of runner: Int64) throws {
        let delete = try prepare("DELETE FROM lease WHERE id = ? AND runner = ?")
        for id in ids {
            delete.bind(1, id)
            delete.bind(2, runner)
            try delete.run()
        }
    }

    /// A leased recipient that shall wait; it keeps its state.
    func postpone(_ recipient: Int64, until: Timestamp, _ charges: Charges) throws {
        let update = try prepare("UPDATE recipient SET due = ?2 WHERE id = ?1 AND campaign = ?3 AND state < 2")
        update.bind(1, recipient)
        update.bind(2, now.queue(until))
        update.bind(3, charges.campaign)
        try update.run()
    }
}
