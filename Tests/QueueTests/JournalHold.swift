import Dispatch
import Synchronization

@testable import Queue

/// Keeps a Journal from its next commit.
final class JournalHold: Sendable {
    private let gate = DispatchSemaphore(value: 0)
    private let isOver = Flag()

    init(_ journal: Journal) {
        let (entered, gate) = (DispatchSemaphore(value: 0), gate)
        DispatchQueue.global().async {
            journal.betweenCommits { _ in
                entered.signal()
                gate.wait()
            }
        }
        entered.wait()
    }

    func end() { if isOver.set() { gate.signal() } }
}

final class Flag: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }

    /// Whether it was not set before.
    @discardableResult
    func set() -> Bool {
        state.withLock { state in
            defer { state = true }
            return !state
        }
    }
}
