import Clock
import FoundationEssentials
import Synchronization

/// One process sending one campaign. It lives until `stop`, or until the process ends; then another one finds it dead.
///
/// Everything it does is done on the Journal's queue; callers only await. All functions throw `QueueError`.
public final class Runner: Sendable {
    public let id: Int64
    public let campaign: Int64
    /// What dead runners left.
    public let recovered: Recovery
    /// The limits that held when it started: a warm-up as the cap of that day, and not at all once it is over.
    public let limits: [Limit]
    private let queue: Queue
    private let journal: Journal
    private let book: ChargeBook
    let recallNeed: RecallNeed
    let domainLimitNames: [String]
    private let openings: Openings
    private let doubt: DoubtPolicy
    private let state: Mutex<State>

    private struct State {
        /// nil once stopped.
        var lock: RunnerLock?
        /// What is asked from here on could come behind its own end.
        var isStopping = false
        var leases = LeaseBook()
        var spells = SpellWatch()
    }

    init(
        queue: Queue, journal: Journal, charges: Charges, doubt: DoubtPolicy, recovered: Recovery, lock: RunnerLock,
        limits: [Limit]
    ) {
        id = charges.runner
        campaign = charges.campaign
        self.queue = queue
        self.journal = journal
        book = ChargeBook(charges)
        recallNeed = RecallNeed(charges.domainLimits + charges.campaignLimits, campaign: charges.campaign)
        domainLimitNames = charges.domainLimits.compactMap(\.key)
        openings = charges.openings
        self.doubt = doubt
        self.recovered = recovered
        self.limits = limits
        state = Mutex(State(lock: lock))
    }

    /// Takes up to `count` due recipients, 20 to 200 being a good number. Fresh ones first; retries get a quarter.
    public func lease(_ count: Int) async throws -> LeaseAnswer {
        let book = book
        let (answer, leases) = try await write { try $0.lease(count, book.charges) }
        state.withLock { $0.leases.hold(leases) }
        return answer
    }

    /// Gives back leased recipients that were not begun.
    public func release(_ recipients: [Int64]) async throws {
        let charges = book.charges
        let torn = Mutex<[LeaseBook.Torn]>([])
        do {
            // Within the commit, so that of several at once each finds what the one before it left.
            try await write { [self] commit in
                // A fresh range with a hole in it would hide the hole from others: what is left of it is leased one by
                // one.
                var leases = state.withLock { $0.leases.tear(recipients) }
                defer { torn.withLock { $0 = leases } }
                try commit.deleteLeases(leases.map(\.lease), of: charges.runner)
                for index in leases.indices {
                    let fresh = leases[index].fresh
                    for id in leases[index].left.sorted() {
                        let piece = try commit.insertLease(charges, fresh: fresh, first: id, last: id)
                        state.withLock { $0.leases.hold(piece: piece, of: &leases[index]) }
                    }
                }
            }
        } catch {
            state.withLock { state in torn.withLock { state.leases.mend($0) } }
            throw error
        }
    }

    /// Settles what is over and begins what is next in one group commit; the answers stand in the order of `begin`.
    ///
    /// The limits see what this call settles. Nothing is on the wire before this has returned `begun` for it, and
    /// nothing is shown as settled before it has returned.
    /// - Throws: `QueueError.notOpen` when an attempt cannot be settled: nothing was settled or begun then.
    public func exchange(settle: [Settlement], begin: [BeginRequest]) async throws -> [BeginAnswer] {
        let book = book
        let (answers, leases) = try await write { [self] commit in
            let charges = try commit.current(book)
            try commit.settle(settle, charges)
            let answers = try commit.begin(begin, charges)
            return (answers, state.withLock { state in begin.map { state.leases.leaseOf[$0.recipient] } })
        }
        if !begin.isEmpty { consume(begin, answers, leases) }
        return answers
    }

    /// When something may be begun by the windows and the campaign's hour; nil for now. It asks no disk, so that nobody
    /// need connect for nothing; `exchange` holds to it in any case.
    public func nextOpening() -> Timestamp? { openings.obstacle(at: queue.clock.now()) }

    /// Leaves a leased recipient for later, without an attempt.
    public func postpone(_ recipient: Int64, until: Timestamp) async throws {
        let charges = book.charges
        let lease = try await write { [self] commit in
            try commit.postpone(recipient, until: until, charges)
            return state.withLock { $0.leases.leaseOf[recipient] }
        }
        state.withLock { $0.leases.consume(recipient, in: lease) }
    }

    /// The heartbeat: says what this runner waits for, puts in order what other runners left that died meanwhile,
    /// and answers the orders in force. Twice a second is enough.
    /// - Parameter route: whose rests are asked for; nil for none.
    public func status(_ status: RunnerStatus, route: RouteName? = nil) async throws -> RunnerOrders {
        let text = String(decoding: try JSONEncoder().encode(status), as: UTF8.self)
        let (id, campaign, path, doubt) = (id, campaign, journal.path, doubt)
        let cause = status.cause ?? .sending
        let before = state.withLock { $0.spells }
        let (orders, spells) = try await write { commit in
            let update = try commit.prepare("UPDATE runner SET heartbeat = ?2, seen = ?3, status = ?4 WHERE id = ?1")
            update.bind(1, id)
            update.bind(2, commit.now.wall.microseconds)
            update.bind(3, commit.now.queue)
            update.bind(4, text)
            try update.run()
            var spells = before
            if let since = spells.observe(cause, at: commit.now.queue) {
                try commit.turnSpell(campaign, runner: id, to: spells.current, at: since)
            }
            try commit.anchorClock()
            _ = try commit.recoverDead(doubt, queue: path)
            let rest = try route.flatMap { try commit.routeRest($0) }
            return (RunnerOrders(state: try commit.campaign(campaign).state, rest: rest), spells)
        }
        state.withLock { $0.spells = spells }
        return orders
    }

    /// Remembers that a route is left alone for a while.
    public func rest(_ rest: Rest) async throws {
        let campaign = campaign
        try await journal.write { try $0.rest(rest, campaign: campaign) }
    }

    /// Puts a line into the campaign's events.
    public func record(_ event: String, kind: String) async throws {
        let campaign = campaign
        try await journal.write { try $0.record(campaign, kind: kind, event) }
    }

    /// Ends it. Attempts that are still open end in doubt, as if the process had died.
    public func stop() async throws {
        let (id, campaign, book, doubt) = (id, campaign, book, doubt)
        let isFirst = state.withLock { state in
            defer { state.isStopping = true }
            return state.lock != nil && !state.isStopping
        }
        guard isFirst else {
            // Somebody else ends it: that is done, or has failed, when what is asked for after it is done.
            guard state.withLock({ $0.lock != nil }) else { return }
            try await journal.write { _ in }
            if state.withLock({ $0.lock != nil && !$0.isStopping }) { try await stop() }
            return
        }
        do {
            try await journal.write { commit in
                _ = try commit.endRunner(
                    id, commit.current(book).keys.map(\.id), doubt, campaign: campaign, at: commit.now.queue)
                try commit.anchorClock()
            }
        } catch {
            state.withLock { $0.isStopping = false }
            throw error
        }
        // After the row is gone: nobody may find it without its lock.
        state.withLock { $0.lock = nil }
    }

    /// One piece of work of this runner; used-up leases go with it.
    func write<T: Sendable>(_ body: @escaping @Sendable (Commit) throws -> T) async throws -> T {
        let spent = try state.withLock { state in
            guard state.lock != nil, !state.isStopping else { throw QueueError.stopped }
            return state.leases.takeSpent()
        }
        guard !spent.isEmpty else { return try await journal.write(body) }
        let id = id
        do {
            return try await journal.write { commit in
                // After the body, which may refuse: then nothing has been written.
                let value = try body(commit)
                try commit.deleteLeases(spent, of: id)
                return value
            }
        } catch {
            state.withLock { $0.leases.putBack(spent: spent) }
            throw error
        }
    }

    private func consume(_ requests: [BeginRequest], _ answers: [BeginAnswer], _ leases: [Int64?]) {
        state.withLock { state in
            for ((request, lease), answer) in zip(zip(requests, leases), answers) {
                switch answer {
                case .begun, .gone, .suppressed: state.leases.consume(request.recipient, in: lease)
                case .capped, .closed, .paced, .unready, .halted: break
                }
            }
        }
    }
}
