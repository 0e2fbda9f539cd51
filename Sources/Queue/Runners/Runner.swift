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
    /// Touched on the Journal's queue alone.
    private nonisolated(unsafe) var leases = LeaseBook()

    private struct State {
        /// nil once stopped.
        var lock: RunnerLock?
        /// What is asked from here on could come behind its own end.
        var isStopping = false
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
        return try await write { commit, leases in
            let (answer, made) = try commit.lease(count, book.charges)
            for (range, recipients) in made { leases.hold(range, recipients) }
            return answer
        }
    }

    /// Gives back leased recipients that were not begun.
    public func release(_ recipients: [Int64]) async throws {
        let charges = book.charges
        try await write { commit, leases in
            let torn = leases.leases(of: recipients)
            for recipient in recipients { leases.letGo(recipient) }
            // A fresh range with a hole in it would hide the hole from others: what is left of it is leased one by one.
            for lease in torn {
                for id in lease.recipients.sorted() {
                    leases.hold(try commit.insertLease(charges, fresh: lease.fresh, first: id, last: id), [id])
                }
            }
        }
    }

    /// Settles what is over and begins what is next in one group commit; the answers stand in the order of `begin`.
    ///
    /// The limits see what this call settles. Nothing is on the wire before this has returned `begun` for it, and
    /// nothing is shown as settled before it has returned.
    /// - Throws: `QueueError.notOpen` when an attempt cannot be settled: nothing was settled or begun then.
    public func exchange(settle: [Settlement], begin: [BeginRequest]) async throws -> [BeginAnswer] {
        let book = book
        return try await write { commit, leases in
            let charges = try commit.current(book)
            try commit.settle(settle, charges)
            if let share = charges.refusals, settle.contains(where: { $0.outcome == .failed }) {
                try commit.watchRefusals(charges.campaign, share: share)
            }
            let answers = try commit.begin(begin, charges)
            for (request, answer) in zip(begin, answers) {
                switch answer {
                case .begun, .gone, .suppressed: leases.letGo(request.recipient)
                case .capped, .claimed, .closed, .paced, .unready, .halted: break
                }
            }
            return answers
        }
    }

    /// When something may be begun by the windows and the campaign's hour; nil for now. It asks no disk, so that nobody
    /// need connect for nothing; `exchange` holds to it in any case.
    public func nextOpening() -> Timestamp? { openings.obstacle(at: queue.clock.now()) }

    /// Leaves a leased recipient for later, without an attempt.
    public func postpone(_ recipient: Int64, until: Timestamp) async throws {
        let charges = book.charges
        try await write { commit, leases in
            try commit.postpone(recipient, until: until, charges)
            leases.letGo(recipient)
        }
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
            _ = try commit.recoverDead(doubt, own: campaign, queue: path)
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

    /// One piece of work of this runner.
    func write<T: Sendable>(_ body: @escaping @Sendable (Commit) throws -> T) async throws -> T {
        try mayWrite()
        return try await journal.write(body)
    }

    /// One that changes who is leased. The rows of leases that nobody is in any more go with it.
    private func write<T: Sendable>(
        _ body: @escaping @Sendable (Commit, inout LeaseBook) throws -> T
    ) async throws -> T {
        try mayWrite()
        return try await journal.write { [self] commit in
            let mark = leases.mark
            do {
                let value = try body(commit, &leases)
                try commit.deleteLeases(leases.emptied(since: mark), of: id)
                return value
            } catch {
                leases.takeBack(to: mark)
                throw error
            }
        } ended: { [self] isKept in
            if isKept { leases.keep() } else { leases.takeBack() }
        }
    }

    private func mayWrite() throws(QueueError) {
        let mayWrite = state.withLock { $0.lock != nil && !$0.isStopping }
        guard mayWrite else { throw .stopped }
    }
}
