import Clock
import Dispatch
import GRDB
import Synchronization

/// Group commit: all writing goes through one serial queue, and what comes in while the disk syncs shares the next
/// transaction. Nobody hears of a result before it is on the disk.
final class Journal: Sendable {
    /// One piece of work. It answers what to do once its transaction has ended: with nil after COMMIT, with the error
    /// after ROLLBACK.
    struct Operation: Sendable {
        /// Nothing else may have written in between, and what it writes can be taken back by itself: for orders that
        /// may find themselves impossible half-way. Others throw a `QueueError` before they write, or not at all.
        var isolated: Bool
        var run: @Sendable (Commit) throws -> @Sendable ((any Error)?) -> Void
        var fail: @Sendable (any Error) -> Void
    }

    private struct Waiting: Sendable {
        var operations: [Operation] = []
        var scheduled = false
        var commits = 0
        var finished = 0
    }

    let path: String
    /// The one that is open.
    private let file: FileNumber?
    private let pool: DatabasePool
    private let clock: any WallClock
    private let patience: Patience
    private let queue = DispatchQueue(label: "outpost.journal", qos: .userInitiated)
    private let waiting = Mutex(Waiting())
    /// This and the next one are touched on `queue` alone.
    private nonisolated(unsafe) var statements = StatementCache()
    /// BEGIN and COMMIT, prepared once: GRDB's own parse their text each time, 20 µs a commit.
    private nonisolated(unsafe) var transaction: (begin: Prepared, commit: Prepared)?

    init(pool: DatabasePool, path: String, file: FileNumber?, clock: any WallClock, patience: Patience) {
        self.pool = pool
        self.path = path
        self.file = file
        self.clock = clock
        self.patience = patience
    }

    /// Commits and operations so far.
    var counters: (commits: Int, operations: Int) { waiting.withLock { ($0.commits, $0.finished) } }

    /// - Parameter ended: told, before there is another commit, whether what `body` has done is on the disk; not asked
    ///   where it threw.
    func write<T: Sendable>(
        isolated: Bool = false, _ body: @escaping @Sendable (Commit) throws -> T,
        ended: @escaping @Sendable (_ isKept: Bool) -> Void = { _ in }
    ) async throws -> T {
        try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<T, any Error>) in
            enqueue(
                Operation(isolated: isolated) { commit in
                    let value = try body(commit)
                    return { error in
                        ended(error == nil)
                        if let error {
                            continuation.resume(throwing: error)
                        } else {
                            continuation.resume(returning: value)
                        }
                    }
                } fail: {
                    continuation.resume(throwing: $0)
                })
        }
    }

    /// Blocks the calling thread: for commands, never for a lane or the cooperative pool.
    func writeNow<T: Sendable>(_ body: @escaping @Sendable (Commit) throws -> T) throws -> T {
        let result = Mutex<Result<T, any Error>?>(nil)
        queue.sync {
            perform([
                Operation(isolated: true) { commit in
                    let value = try body(commit)
                    return { error in result.withLock { $0 = error.map { .failure($0) } ?? .success(value) } }
                } fail: { error in
                    result.withLock { $0 = .failure(error) }
                }
            ])
        }
        guard let result = result.withLock({ $0 }) else { throw QueueError.io(path: path, detail: "no answer") }
        return try result.get()
    }

    /// Waits for nothing; `done` is called on the Journal's queue.
    func enqueue(_ operation: Operation) {
        let first = waiting.withLock { waiting in
            waiting.operations.append(operation)
            defer { waiting.scheduled = true }
            return !waiting.scheduled
        }
        if first { queue.async { self.drain() } }
    }

    /// Runs work between two transactions, such as a backup.
    func betweenCommits<T>(_ body: (DatabasePool) throws -> T) rethrows -> T {
        try queue.sync { try body(pool) }
    }

    /// How many operations wait for the next commit, so that a test can have them share one.
    var waitingCount: Int { waiting.withLock { $0.operations.count } }

    /// The SQL prepared so far, so that a test can ask for its plans.
    var preparedTexts: [String] { queue.sync { statements.texts } }

    private func drain() {
        let batch = waiting.withLock { waiting in
            defer { waiting.operations = [] }
            return waiting.operations
        }
        if !batch.isEmpty { perform(batch) }
        let more = waiting.withLock { waiting in
            waiting.scheduled = !waiting.operations.isEmpty
            return waiting.scheduled
        }
        if more { queue.async { self.drain() } }
    }

    private func perform(_ batch: [Operation]) {
        var endings: [@Sendable ((any Error)?) -> Void] = []
        var refused: [(Int, any Error)] = []
        endings.reserveCapacity(batch.count)
        var next = 0
        do {
            try pool.writeWithoutTransaction { db in
                let transaction = try transaction(db)
                try transaction.begin.run()
                patience.restore()
                do {
                    // What is written to a file that is no longer there is lost, and nobody else sees it. 1 µs a commit.
                    guard file == nil || FileSystem.file(path) == file else { throw QueueError.replaced(path: path) }
                    let commit = try Commit(db, statements, clock)
                    while next < batch.count {
                        let operation = batch[next]
                        do {
                            endings.append(try operation.isolated ? isolated(operation, commit) : operation.run(commit))
                        } catch let error as QueueError {
                            refused.append((next, error))
                        }
                        next += 1
                    }
                    try commit.flush()
                    try transaction.commit.run()
                } catch {
                    if db.isInsideTransaction { try? db.rollback() }
                    throw error
                }
            }
            waiting.withLock {
                $0.commits += 1
                $0.finished += batch.count
            }
            for ending in endings { ending(nil) }
        } catch {
            let error = QueueError(error, path: path)
            for ending in endings { ending(error) }
            let answered = endings.count + refused.count
            for operation in batch[min(answered, batch.count)...] { operation.fail(error) }
        }
        for (index, error) in refused { batch[index].fail(error) }
    }

    private func transaction(_ db: Database) throws -> (begin: Prepared, commit: Prepared) {
        if let transaction { return transaction }
        let made = (begin: try Prepared(db, "BEGIN IMMEDIATE"), commit: try Prepared(db, "COMMIT"))
        transaction = made
        return made
    }

    private func isolated(
        _ operation: Operation, _ commit: Commit
    ) throws -> @Sendable ((any Error)?) -> Void {
        try commit.flush()
        let counting = commit.counting
        try commit.db.execute(sql: "SAVEPOINT operation")
        do {
            let ending = try operation.run(commit)
            try commit.flush()
            try commit.db.execute(sql: "RELEASE operation")
            return ending
        } catch {
            commit.forget()
            commit.counting = counting
            // A full disk may have ended the transaction already; then there is nothing to go back to.
            if commit.db.isInsideTransaction { try commit.db.execute(sql: "ROLLBACK TO operation; RELEASE operation") }
            throw error
        }
    }
}

/// Prepared statements of the writing connection, found by the address of their text.
final class StatementCache {
    private var known: [UnsafePointer<UInt8>: Prepared] = [:]
    /// In front of it, by a few bits of the address: no hashing for those in use, which is ten times a message.
    private var near = [(start: UnsafePointer<UInt8>, statement: Prepared)?](repeating: nil, count: 64)

    var texts: [String] { known.values.map(\.sql) }

    func statement(_ db: Database, _ sql: StaticString) throws -> Prepared {
        let start = sql.utf8Start
        let place = Int(truncatingIfNeeded: (UInt(bitPattern: start) &* 0x9E37_79B9_7F4A_7C15) >> 58)
        if let found = near[place], found.start == start { return found.statement }
        let statement = try known[start] ?? Prepared(db, sql.description)
        known[start] = statement
        near[place] = (start, statement)
        return statement
    }
}
