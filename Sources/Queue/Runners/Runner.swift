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

    private final class Held {
        let fresh: Bool
        var recipients: Set<Int64>

        init(fresh: Bool, recipients: [Int64]) {
            self.fresh = fresh
            self.recipients = Set(recipients)
        }
    }

    private struct State {
        /// nil once stopped.
        var lock: RunnerLock?
        /// Leases with the recipients not begun yet, and which lease a recipient is in.
        var leases: [Int64: Held] = [:]
        var leaseOf: [Int64: Int64] = [:]
        /// Used-up leases, deleted by the next commit of this runner.
        var spent: [Int64] = []

        mutating func hold(_ made: [(LeaseRange, [Int64])]) {
            for (range, recipients) in made {
                leases[range.id] = Held(fresh: range.fresh, recipients: recipients)
                for recipient in recipients { leaseOf[recipient] = range.id }
            }
        }

        mutating func consume(_ recipient: Int64) {
            guard let lease = leaseOf.removeValue(forKey: recipient), let held = leases[lease] else { return }
            held.recipients.remove(recipient)
            if held.recipients.isEmpty {
                leases[lease] = nil
                spent.append(lease)
            }
        }
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
        state.withLock { $0.hold(leases) }
        return answer
    }

    /// Gives back leased recipients that were not begun.
    public func release(_ recipients: [Int64]) async throws {
        // A fresh range with a hole in it would hide the hole from others: what is left of it is leased one by one.
        let torn = state.withLock { state in
            var torn: Set<Int64> = []
            for recipient in recipients {
                guard let lease = state.leaseOf.removeValue(forKey: recipient), let held = state.leases[lease] else {
                    continue
                }
                held.recipients.remove(recipient)
                torn.insert(lease)
            }
            return torn.compactMap { id in
                state.leases[id].map { (id: id, fresh: $0.fresh, recipients: $0.recipients.sorted()) }
            }
        }
        let charges = book.charges
        let made = try await write { commit in
            try commit.deleteLeases(torn.map(\.id))
            return try torn.flatMap { held in
                try held.recipients.map { id in
                    (try commit.insertLease(charges, fresh: held.fresh, first: id, last: id), [id])
                }
            }
        }
        state.withLock { state in
            for held in torn { state.leases[held.id] = nil }
            state.hold(made)
        }
    }

    /// Settles what is over and begins what is next in one group commit; the answers stand in the order of `begin`.
    ///
    /// The limits see what this call settles. Nothing is on the wire before this has returned `begun` for it, and
    /// nothing is shown as settled before it has returned.
    /// - Throws: `QueueError.notOpen` when an attempt cannot be settled: nothing was settled or begun then.
    public func exchange(settle: [Settlement], begin: [BeginRequest]) async throws -> [BeginAnswer] {
        let book = book
        let answers = try await write { commit in
            let charges = try commit.current(book)
            try commit.settle(settle, charges)
            return try commit.begin(begin, charges)
        }
        if !begin.isEmpty { consume(begin, answers) }
        return answers
    }

    /// When something may be begun by the windows and the campaign's hour; nil for now. It asks no disk, so that nobody
    /// need connect for nothing; `exchange` holds to it in any case.
    public func nextOpening() -> Timestamp? { openings.obstacle(at: queue.clock.now()) }

    /// Leaves a leased recipient for later, without an attempt.
    public func postpone(_ recipient: Int64, until: Timestamp) async throws {
        let charges = book.charges
        try await write { try $0.postpone(recipient, until: until, charges) }
        state.withLock { $0.consume(recipient) }
    }

    /// The heartbeat: says what this runner waits for, puts in order what other runners left that died meanwhile,
    /// and answers the order in force. Once a second is enough.
    public func status(_ status: RunnerStatus) async throws -> CampaignState {
        let text = String(decoding: try JSONEncoder().encode(status), as: UTF8.self)
        let (id, campaign, path, doubt) = (id, campaign, journal.path, doubt)
        return try await write { commit in
            let update = try commit.prepare("UPDATE runner SET heartbeat = ?2, status = ?3 WHERE id = ?1")
            update.bind(1, id)
            update.bind(2, commit.now.wall.microseconds)
            update.bind(3, text)
            try update.run()
            try commit.anchorClock()
            _ = try commit.recoverDead(doubt, queue: path)
            return try commit.campaign(campaign).state
        }
    }

    /// Remembers that a route is left alone for a while; a later rest of the same route replaces it.
    public func rest(_ rest: Rest) async throws {
        try await journal.write { commit in
            let upsert = try commit.prepare(
                """
                INSERT OR REPLACE INTO rest (account, source, server, until, since, rule, reply)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """)
            upsert.bind(1, rest.account)
            upsert.bind(2, rest.source)
            upsert.bind(3, rest.server)
            upsert.bind(4, commit.now.queue(rest.until))
            upsert.bind(5, commit.now.queue(rest.since))
            upsert.bind(6, rest.rule)
            upsert.bind(7, rest.reply)
            try upsert.run()
        }
    }

    /// Puts a line into the campaign's events.
    public func record(_ event: String, kind: String) async throws {
        let campaign = campaign
        try await journal.write { try $0.record(campaign, kind: kind, event) }
    }

    /// Ends it. Attempts that are still open end in doubt, as if the process had died.
    public func stop() async throws {
        let (id, book, doubt) = (id, book, doubt)
        guard state.withLock({ $0.lock != nil }) else { return }
        try await journal.write { commit in
            _ = try commit.endRunner(id, commit.current(book).keys.map(\.id), doubt)
            try commit.anchorClock()
        }
        // After the row is gone: nobody may find it without its lock.
        state.withLock { $0.lock = nil }
    }

    /// One piece of work of this runner; used-up leases go with it.
    func write<T: Sendable>(_ body: @escaping @Sendable (Commit) throws -> T) async throws -> T {
        let spent = try state.withLock { state in
            guard state.lock != nil else { throw QueueError.stopped }
            defer { state.spent = [] }
            return state.spent
        }
        guard !spent.isEmpty else { return try await journal.write(body) }
        do {
            return try await journal.write { commit in
                // After the body, which may refuse: then nothing has been written.
                let value = try body(commit)
                try commit.deleteLeases(spent)
                return value
            }
        } catch {
            state.withLock { $0.spent += spent }
            throw error
        }
    }

    private func consume(_ requests: [BeginRequest], _ answers: [BeginAnswer]) {
        state.withLock { state in
            for (request, answer) in zip(requests, answers) {
                switch answer {
                case .begun, .gone, .suppressed: state.consume(request.recipient)
                case .capped, .closed, .paced, .unready, .halted: break
                }
            }
        }
    }
}
