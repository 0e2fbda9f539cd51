import Clock
import FoundationEssentials
import GRDB
import Synchronization

/// Drops old texts and grants, a few rows a commit, so that nobody waits for it longer than for one message.
///
/// It can be ended and begun anew at any moment; the next one goes on where the last one stopped.
public final class RetentionSweep: Sendable {
    /// Takes two milliseconds or so.
    static let rowsPerStep = 200

    private struct State {
        var tasks: [RetentionTask] = []
        var counts = RetentionCounts()
    }

    private let queue: Queue
    private let retention: Retention
    private let limits: [Limit]
    private let state = Mutex(State())

    init(_ queue: Queue, _ retention: Retention, _ limits: [Limit]) {
        self.queue = queue
        self.retention = retention
        self.limits = limits
    }

    public var counts: RetentionCounts { state.withLock { $0.counts } }

    /// Does one piece of work, together with whatever others write at that moment.
    /// - Returns: false when nothing is old enough any more.
    public func step() async throws -> Bool {
        guard let task = try next() else { return false }
        take(task, try await queue.journal().write { try $0.retire(task, rows: Self.rowsPerStep) })
        return true
    }

    /// All there is to do now. Blocks the thread; others go on writing in between.
    public func finish() throws {
        while let task = try next() { take(task, try queue.writeNow { try $0.retire(task, rows: Self.rowsPerStep) }) }
    }

    private func take(_ task: RetentionTask, _ step: RetentionStep) {
        state.withLock { state in
            if task.kind == .grants {
                state.counts.grants += step.changed
            } else {
                state.counts.texts += step.changed
            }
            if step.isOver { state.tasks.removeFirst() }
        }
    }

    private func next() throws -> RetentionTask? {
        if let task = state.withLock({ $0.tasks.first }) { return task }
        let found = try queue.read { db, instant in try tasks(db, instant) }
        return state.withLock { state in
            state.tasks = found
            return found.first
        }
    }

    /// What has something to do. Reads a row a cap key: sources, accounts, capped domains and campaigns.
    private func tasks(_ db: Database, _ instant: Instant) throws -> [RetentionTask] {
        let ledger = instant.queue - (try longestWindow(db))
        let sent = retention.sentMicroseconds.map { instant.queue - $0 }
        let bounces = retention.bounceMicroseconds.map { instant.queue - $0 }
        let at = try Prepared(db, "SELECT at FROM \"grant\" WHERE key = ? AND seq > ? ORDER BY seq LIMIT 1")
        func hasOld(_ key: Int64, after: Int64, _ cutoff: Int64) throws -> Bool {
            at.bind(1, key)
            at.bind(2, after)
            defer { at.reset() }
            return try at.step() && at.integer(0) <= cutoff
        }
        var found: [RetentionTask] = []
        for row in try Row.fetchAll(
            db,
            sql: """
                SELECT k.id, k.scope, k.seq, ifnull(p.pruned, k.base), ifnull(p.sent, 0), ifnull(p.bounces, 0)
                FROM cap_key k LEFT JOIN retention p ON p.key = k.id ORDER BY k.id
                """)
        {
            let (key, seq, pruned): (Int64, Int64, Int64) = (row[0], row[2], row[3])
            var last = seq
            if LimitScope(code: row[1]) == .source {
                let doneSent = max(row[4], pruned)
                let doneBounces = max(row[5], pruned)
                if let sent {
                    if try hasOld(key, after: doneSent, sent) {
                        found.append(RetentionTask(kind: .sentTexts, key: key, last: seq, cutoff: sent))
                    }
                    last = min(last, doneSent)
                }
                if let bounces {
                    if try hasOld(key, after: doneBounces, bounces) {
                        found.append(RetentionTask(kind: .bounceTexts, key: key, last: seq, cutoff: bounces))
                    }
                    last = min(last, doneBounces)
                }
            }
            // Of two that are old enough the later one stays.
            if last > pruned + 1, try hasOld(key, after: pruned + 1, ledger) {
                found.append(RetentionTask(kind: .grants, key: key, last: last, cutoff: ledger))
            }
        }
        return found
    }

    /// Of all windows that hold anywhere: those given, and those of the campaigns.
    private func longestWindow(_ db: Database) throws -> Int64 {
        let stored = try String.fetchAll(db, sql: "SELECT DISTINCT limits FROM content")
        let own = stored.flatMap { (try? JSONDecoder().decode([Limit].self, from: Data($0.utf8))) ?? [] }
        return (limits + own).reduce(Retention.shortestLedgerMicroseconds) { max($0, $1.perMicroseconds) }
    }
}

extension Queue {
    /// A sweep that keeps what `retention` says, and of the ledger what any window can feel.
    /// - Parameter limits: all that are configured; the campaigns' own are known.
    public func sweep(_ retention: Retention, limits: [Limit]) -> RetentionSweep {
        RetentionSweep(self, retention, limits)
    }
}
