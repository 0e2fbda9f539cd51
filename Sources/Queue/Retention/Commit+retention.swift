import GRDB

/// One kind of work of a sweep, for one cap key.
struct RetentionTask: Sendable {
    enum Kind: Sendable { case sentTexts, bounceTexts, grants }

    var kind: Kind
    var key: Int64
    /// Grants behind this one are not looked at: other work has to come there first.
    var last: Int64
    /// What was settled by then (queue time) is old enough.
    var cutoff: Int64
}

struct RetentionStep: Sendable {
    var changed = 0
    var isOver = true
}

/// The ledger of a source holds all its attempts in the order of settling, and its times never fall, whatever was done
/// to the wall clock. So what is old enough is what the next numbers lead to: no index beyond the primary key is read,
/// and begin and settle pay nothing for retention.
extension Commit {
    func retire(_ task: RetentionTask, rows: Int) throws -> RetentionStep {
        switch task.kind {
        case .sentTexts: try dropTexts(task, rows, sent: true)
        case .bounceTexts: try dropTexts(task, rows, sent: false)
        case .grants: try pruneGrants(task, rows)
        }
    }

    private func old(_ task: RetentionTask, after: Int64, limit: Int) throws -> [(seq: Int64, attempt: Int64)] {
        let query = try prepare(
            "SELECT seq, at, attempt FROM \"grant\" WHERE key = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?")
        query.bind(1, task.key)
        query.bind(2, after)
        query.bind(3, task.last)
        query.bind(4, Int64(limit))
        var found: [(Int64, Int64)] = []
        while try query.step() {
            guard query.integer(1) <= task.cutoff else { break }
            found.append((query.integer(0), query.integer(2)))
        }
        query.reset()
        return found
    }

    /// Whoever is not settled keeps all that is known of it, and so does a doubt.
    private func dropTexts(_ task: RetentionTask, _ rows: Int, sent: Bool) throws -> RetentionStep {
        let place = try prepare("SELECT pruned, sent, bounces FROM retention WHERE key = ?")
        place.bind(1, task.key)
        var after: Int64 = 0
        if try place.step() { after = max(place.integer(0), place.integer(sent ? 1 : 2)) }
        place.reset()
        let found = try old(task, after: after, limit: rows)
        guard let last = found.last else { return RetentionStep() }
        let update = try prepare(
            """
            UPDATE attempt SET server = '', message_id = '', reply = NULL, tls = NULL, retired = retired | 1
            WHERE id = ?1 AND outcome IN (?2, ?3) AND retired & 1 = 0
                AND (SELECT state FROM recipient WHERE id = attempt.recipient) IN (3, 4, 5, 7)
            """)
        var step = RetentionStep()
        for (_, attempt) in found {
            update.bind(1, attempt)
            update.bind(2, sent ? AttemptOutcome.sent.code : AttemptOutcome.deferred.code)
            update.bind(3, sent ? AttemptOutcome.aborted.code : AttemptOutcome.failed.code)
            try update.run()
            step.changed += db.changesCount
        }
        let mark = try prepare(
            """
            INSERT INTO retention (key, sent, bounces) VALUES (?1, iif(?3, ?2, 0), iif(?3, 0, ?2))
            ON CONFLICT DO UPDATE SET sent = max(sent, excluded.sent), bounces = max(bounces, excluded.bounces)
            """)
        mark.bind(1, task.key)
        mark.bind(2, last.seq)
        mark.bind(3, sent ? 1 : 0 as Int64)
        try mark.run()
        step.isOver = found.count < rows
        return step
    }

    /// The last one that is old enough stays: asked for one that is gone, the limiter answers with the oldest there is.
    private func pruneGrants(_ task: RetentionTask, _ rows: Int) throws -> RetentionStep {
        let place = try prepare(
            "SELECT ifnull(p.pruned, k.base) FROM cap_key k LEFT JOIN retention p ON p.key = k.id WHERE k.id = ?")
        place.bind(1, task.key)
        let after = try place.step() ? place.integer(0) : 0
        place.reset()
        let found = try old(task, after: after, limit: rows + 1).dropLast()
        guard let last = found.last else { return RetentionStep() }
        let attempt = try prepare("UPDATE attempt SET retired = retired | 2 WHERE id = ? AND retired & 2 = 0")
        for (_, id) in found {
            attempt.bind(1, id)
            try attempt.run()
        }
        let delete = try prepare("DELETE FROM \"grant\" WHERE key = ? AND seq > ? AND seq <= ?")
        delete.bind(1, task.key)
        delete.bind(2, after)
        delete.bind(3, last.seq)
        try delete.run()
        let mark = try prepare(
            "INSERT INTO retention (key, pruned) VALUES (?, ?) ON CONFLICT DO UPDATE SET pruned = excluded.pruned")
        mark.bind(1, task.key)
        mark.bind(2, last.seq)
        try mark.run()
        return RetentionStep(changed: found.count, isOver: found.count < rows)
    }
}
