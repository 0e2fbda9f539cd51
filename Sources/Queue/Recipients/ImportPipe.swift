import Dispatch
import GRDB
import Synchronization

/// Between the thread that reads a list and the Journal that stores it.
///
/// The rows' keys come in no order, so each row dirties another page of the index, and a commit costs a page a row
/// unless it is so large that rows share pages. So one transaction takes what comes for up to a second, while the list
/// is still being read.
final class ImportPipe: Sendable {
    private static let rowsPerCommit = 250_000
    private static let secondsPerCommit = 1.0
    /// A reader that is slower than this does not keep others from writing.
    private static let patience = DispatchTimeInterval.milliseconds(50)

    private struct State {
        var batches: [[ImportRow]] = []
        /// A piece of work is on the Journal, and will look at `batches` before it ends.
        var active = false
        var finished = false
        var counts = ImportCounts()
        var failure: (any Error)?
    }

    private let campaign: Int64
    private let lastBefore: Int64
    private let journal: Journal
    private let state = Mutex(State())
    private let space = DispatchSemaphore(value: 4)
    private let items = DispatchSemaphore(value: 0)
    private let over = DispatchSemaphore(value: 0)

    init(campaign: Int64, journal: Journal, lastBefore: Int64) {
        self.campaign = campaign
        self.journal = journal
        self.lastBefore = lastBefore
    }

    func put(_ rows: [ImportRow]) throws {
        space.wait()
        let start = try state.withLock { state in
            if let failure = state.failure {
                space.signal()
                throw failure
            }
            state.batches.append(rows)
            defer { state.active = true }
            return !state.active
        }
        items.signal()
        if start { enqueue() }
    }

    func finish() throws -> ImportCounts {
        let active = state.withLock { state in
            state.finished = true
            return state.active
        }
        if active {
            items.signal()
            over.wait()
        }
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.counts
        }
    }

    private func enqueue() {
        // Not isolated: a savepoint would copy every page aside. What can be refused is before the first row.
        journal.enqueue(
            Journal.Operation(isolated: false) { commit in
                let counts = try self.store(commit)
                return { error in self.ended(counts, error) }
            } fail: {
                self.ended(ImportCounts(), $0)
            })
    }

    private func store(_ commit: Commit) throws -> ImportCounts {
        let deadline = DispatchTime.now() + Self.secondsPerCommit
        var counts = ImportCounts()
        while counts.in < Self.rowsPerCommit, DispatchTime.now() < deadline, let batch = take() {
            let stored = try commit.store(batch, campaign, lastBefore)
            counts.in += stored.in
            counts.new += stored.new
            counts.known += stored.known
            counts.duplicate += stored.duplicate
            counts.suppressed += stored.suppressed
        }
        return counts
    }

    private func take() -> [ImportRow]? {
        guard items.wait(timeout: .now() + Self.patience) == .success else { return nil }
        let batch = state.withLock { $0.batches.isEmpty ? nil : $0.batches.removeFirst() }
        if batch != nil { space.signal() }
        return batch
    }

    private func ended(_ counts: ImportCounts, _ error: (any Error)?) {
        enum Next { case again, over, wait }
        let (next, dropped) = state.withLock { state -> (Next, Int) in
            var dropped = 0
            if let error {
                state.failure = error
                dropped = state.batches.count
                state.batches = []
            } else {
                state.counts.in += counts.in
                state.counts.new += counts.new
                state.counts.known += counts.known
                state.counts.duplicate += counts.duplicate
                state.counts.suppressed += counts.suppressed
            }
            if !state.batches.isEmpty { return (.again, 0) }
            state.active = false
            return (state.finished ? .over : .wait, dropped)
        }
        for _ in 0..<dropped { space.signal() }
        switch next {
        case .again: enqueue()
        case .over: over.signal()
        case .wait: break
        }
    }
}
