import Dispatch
import Synchronization

/// Between the thread that reads a list and the Journal that stores it: while one batch is stored, in a commit of its own, the
/// next is read.
final class ImportPipe: Sendable {
    private struct State {
        var next: (batch: ImportBatch, order: [Int32])?
        var counts = ImportCounts()
        var failure: (any Error)?
    }

    private let campaign: Int64
    private let lastBefore: Int64
    private let journal: Journal
    private let state = Mutex(State())
    /// Whoever has it is storing.
    private let turn = DispatchSemaphore(value: 1)

    init(campaign: Int64, journal: Journal, lastBefore: Int64) {
        self.campaign = campaign
        self.journal = journal
        self.lastBefore = lastBefore
    }

    /// Returns as soon as the batch before this one is on the disk.
    func put(_ batch: ImportBatch) throws {
        let order = batch.order()
        turn.wait()
        try state.withLock { state in
            if let failure = state.failure {
                turn.signal()
                throw failure
            }
            state.next = (batch, order)
        }
        // Not isolated: a savepoint would copy every page aside. What can be refused is before the first row.
        journal.enqueue(
            Journal.Operation(isolated: false) { commit in
                let counts = try self.store(commit)
                return { error in self.ended(error.map { .failure($0) } ?? .success(counts)) }
            } fail: {
                self.ended(.failure($0))
            })
    }

    /// The rows are let go of before the next ones come: the operation itself lives a little longer.
    private func store(_ commit: Commit) throws -> ImportCounts {
        let next = state.withLock { state in
            defer { state.next = nil }
            return state.next
        }
        guard let next else { return ImportCounts() }
        return try commit.store(next.batch, next.order, campaign, lastBefore)
    }

    func finish() throws -> ImportCounts {
        turn.wait()
        turn.signal()
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.counts
        }
    }

    private func ended(_ result: Result<ImportCounts, any Error>) {
        state.withLock { state in
            switch result {
            case .success(let counts): state.counts.add(counts)
            case .failure(let error): state.failure = error
            }
        }
        turn.signal()
    }
}
