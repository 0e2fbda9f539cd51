import Clock
import Queue
import Synchronization

/// Recipients leased ahead of their turn and shared by all workers of one run. Taking from it costs a lock; the queue
/// is asked once for many.
final class Feed: Sendable {
    /// What a worker gets.
    enum Supply {
        case recipients([LeasedRecipient])
        /// Nobody is due; the next one is at this time. `unsettled` are left in all, those in flight included.
        case none(nextDue: Timestamp?, unsettled: Int)
    }

    private struct State {
        var stock: [LeasedRecipient] = []
        var head = 0
        var batch: Int
        /// When it was filled last, in microseconds since boot.
        var filled: Int64 = 0
        var refilling = false
        /// How often it was asked for more.
        var refills = 0
        /// The last time it did not get as many as it asked for: there is no use in asking again before all are taken.
        var wasShort = false
        /// The last answer, if there was nobody, and the number of the question.
        var none: (refill: Int, supply: Supply)?
        /// Leased, and waiting until their domain is looked up; by domain.
        var aside: [String: [LeasedRecipient]] = [:]
        var asideCount = 0
        /// Nobody was left to lease while some were aside.
        var isDry = false
        var waiters: [UnsafeContinuation<Void, Never>] = []
        /// Taken, and not begun.
        var returned: [Int64] = []

        mutating func beginRefill() {
            refilling = true
            refills += 1
        }

        /// How many to lease when the stock is low and nobody does so yet.
        mutating func refillIfLow() -> Int? {
            guard stock.count - head < batch / 4, !refilling, !wasShort else { return nil }
            beginRefill()
            return batch
        }
    }

    private static let largestBatch = 1000
    /// Who leases so much that it lasts longer, in microseconds, has leased too much.
    private static let tooLong: Int64 = 2_000_000
    private let state: Mutex<State>
    private let runner: Runner
    private let clock: any WallClock
    private let firstBatch: Int
    private let looking = Mutex<Destinations?>(nil)

    /// What says whose domain is ready; nil for all.
    var destinations: Destinations? {
        get { looking.withLock { $0 } }
        set { looking.withLock { $0 = newValue } }
    }

    /// - Parameter batch: how many to lease at first; it doubles while they are used up within half a second, and shrinks
    ///   when they last for more than two: a slow runner is not to sit on what a fast one would have sent.
    init(_ runner: Runner, batch: Int, clock: any WallClock) {
        self.runner = runner
        self.clock = clock
        firstBatch = min(batch, Self.largestBatch)
        state = Mutex(State(batch: min(batch, Self.largestBatch)))
    }

    private enum Turn {
        case taken([LeasedRecipient], refill: Int?)
        case none(Supply)
        case refill(Int)
        case wait
    }

    /// Takes up to `count`, leasing more when the stock is low.
    func take(_ count: Int) async throws -> Supply {
        let before = state.withLock { $0.refills }
        while true {
            let turn: Turn = state.withLock { state in
                if state.stock.count > state.head {
                    let end = min(state.head + count, state.stock.count)
                    let taken = Array(state.stock[state.head..<end])
                    state.head = end
                    return .taken(taken, refill: state.refillIfLow())
                }
                // Asked after this call began, so it knows all that the caller knows: one question for all who wait.
                if let none = state.none, none.refill > before, !state.refilling { return .none(none.supply) }
                // Others go meanwhile, up to a bound.
                if state.refilling || state.isDry || state.asideCount >= 4 * Self.largestBatch { return .wait }
                state.beginRefill()
                return .refill(state.batch)
            }
            switch turn {
            case .taken(let recipients, let refill):
                if let refill { refillAside(refill) }
                return .recipients(recipients)
            case .none(let supply): return supply
            case .refill(let size):
                if let none = try await refill(size) { return none }
            case .wait:
                await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                    let late = state.withLock { state in
                        let waits =
                            state.stock.count == state.head
                            && (state.refilling || state.isDry || state.asideCount >= 4 * Self.largestBatch)
                        if waits { state.waiters.append(continuation) }
                        return !waits
                    }
                    if late { continuation.resume() }
                }
            }
        }
    }

    /// One recipient, if one is at hand.
    func takeNow() -> LeasedRecipient? {
        let (taken, refill): (LeasedRecipient?, Int?) = state.withLock { state in
            guard state.head < state.stock.count else { return (nil, nil) }
            state.head += 1
            return (state.stock[state.head - 1], state.refillIfLow())
        }
        if let refill { refillAside(refill) }
        return taken
    }

    private func refillAside(_ size: Int) { Task.detached { [self] in _ = try? await refill(size) } }

    /// - Returns: what to say when there was nobody.
    private func refill(_ size: Int) async throws -> Supply? {
        let answer: LeaseAnswer
        var ready: Set<String>?
        do {
            answer = try await runner.lease(size)
            if let destinations, !answer.recipients.isEmpty {
                let domains = Set(answer.recipients.map(\.domain))
                setAside(answer.recipients)
                ready = try await destinations.sort(domains)
            }
        } catch {
            finish([], leased: 0)
            throw error
        }
        let left = answer.tallies
        let none =
            answer.recipients.isEmpty
            ? Supply.none(nextDue: answer.nextDue, unsettled: left.pending + left.sending + left.deferred) : nil
        finish(ready == nil ? answer.recipients : [], leased: answer.recipients.count, none)
        if let ready { release(ready) }
        return none != nil && !hasMore() ? none : nil
    }

    /// All first, and out again whose domain is known: it may become so at any moment.
    private func setAside(_ recipients: [LeasedRecipient]) {
        state.withLock { state in
            for recipient in recipients { state.aside[recipient.domain, default: []].append(recipient) }
            state.asideCount += recipients.count
        }
    }

    /// Whether some are still to come though nobody is left to lease.
    private func hasMore() -> Bool {
        state.withLock { state in
            state.isDry = state.asideCount > 0
            return state.isDry || state.stock.count > state.head
        }
    }

    /// The recipients of these domains may be taken.
    func release(_ domains: Set<String>) {
        let woken = state.withLock { state in
            for domain in domains {
                guard let recipients = state.aside.removeValue(forKey: domain) else { continue }
                state.asideCount -= recipients.count
                state.stock += recipients
            }
            state.isDry = false
            defer { state.waiters.removeAll() }
            return state.waiters
        }
        woken.forEach { $0.resume() }
    }

    private func finish(_ recipients: [LeasedRecipient], leased: Int, _ none: Supply? = nil) {
        let now = clock.sinceBoot().microseconds
        let woken = state.withLock { state in
            state.stock.removeFirst(state.head)
            state.head = 0
            state.stock += recipients
            state.wasShort = leased < state.batch
            if !state.wasShort {
                let lasted = now - state.filled
                if lasted < 500_000 {
                    state.batch = min(state.batch * 2, Self.largestBatch)
                } else if lasted > Self.tooLong {
                    state.batch = max(state.batch / 2, firstBatch)
                }
            }
            state.filled = now
            state.refilling = false
            state.none = state.asideCount == 0 ? none.map { (state.refills, $0) } : nil
            defer { state.waiters.removeAll() }
            return state.waiters
        }
        woken.forEach { $0.resume() }
    }

    /// What has been lying here for two seconds goes back, but for the least: another process may send it meanwhile. Asked
    /// for at each heartbeat, so that it holds for who waits for a cap or became slow, too.
    func trim() async {
        let now = clock.sinceBoot().microseconds
        let excess: [Int64] = state.withLock { state in
            let kept = state.head + firstBatch
            guard now - state.filled > Self.tooLong, !state.refilling, state.stock.count > kept else { return [] }
            defer { state.stock.removeSubrange(kept...) }
            state.batch = firstBatch
            return state.stock[kept...].map(\.id)
        }
        guard !excess.isEmpty else { return }
        // A queue that cannot be written ends the run elsewhere, and then they are let go with it.
        do { try await runner.release(excess) } catch { giveBack(excess) }
    }

    /// A worker that ends leaves here whom it took and did not begin. They are released together, with `drain`: each release
    /// by itself tears a lease of up to a thousand into single rows, and 500 sessions would do so 500 times.
    func giveBack(_ recipients: [Int64]) { state.withLock { $0.returned += recipients } }

    /// What was leased and not begun; the feed is empty afterwards.
    func drain() -> [Int64] {
        state.withLock { state in
            defer {
                state.stock.removeAll()
                state.head = 0
                state.aside = [:]
                state.asideCount = 0
                state.returned.removeAll()
            }
            return state.stock[state.head...].map(\.id) + state.aside.values.flatMap { $0.map(\.id) } + state.returned
        }
    }
}
