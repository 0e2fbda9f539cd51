import Clock
import GRDB

/// One transaction of the Journal: its instant, and what its operations share so that a row touched by many of them
/// is read once and written once.
///
/// Lives and dies on the Journal's queue.
final class Commit {
    let db: Database
    let now: Instant
    let boot: BootTime
    private let isSure: Bool
    private let statements: StatementCache
    private var anchor: QueueClock
    /// One or two a commit, so they are found by looking.
    private var campaigns: [CampaignWork] = []
    private var caps: [Int64: CapWork] = [:]
    private var domains: [String: Int64] = [:]
    private var pulses: [Pulse] = []
    private var anySuppression: Bool?
    private var recalls: [Int64: Int64] = [:]
    /// Made when it is asked for; see `sites()`.
    var siteTable: SiteTable?
    /// See `Commit+counting.swift`.
    var counting: Int64
    var countingGrew = false
    /// Queue time at which every cap counts as used up, because what was sent before then is unknown; 0: never.
    var claimed: Int64

    /// Classes, these two: a value changed in place in a dictionary costs an allocation each time, 25 a message in all.
    final class CampaignWork {
        let id: Int64
        var state: CampaignState
        var tallies: Tallies
        var dirty = false

        init(_ id: Int64, state: CampaignState, tallies: Tallies) {
            self.id = id
            self.state = state
            self.tallies = tallies
        }
    }

    final class CapWork {
        var open: Int64
        var seq: Int64
        var lastAt: Int64
        var firstAt: Int64
        var nextAt: Int64
        /// The number before its first grant's.
        var base: Int64
        /// What fills its ledger; nil for one that needs none, and for one that is not counted.
        let recall: Int64?
        /// Set by whoever changes it.
        var dirty = false

        /// - Parameter row: on `open, seq, last_at, first_at, next_at, base, recall`.
        init(_ row: Prepared) {
            open = row.integer(0)
            seq = row.integer(1)
            lastAt = row.integer(2)
            firstAt = row.integer(3)
            nextAt = row.integer(4)
            base = row.integer(5)
            recall = row.optional(6)
        }
    }

    private struct Pulse {
        var campaign: Int64
        var number: Int64
        var minute: PulseMinute
    }

    init(_ db: Database, _ statements: StatementCache, _ clock: any WallClock) throws {
        self.db = db
        self.statements = statements
        let query = try statements.statement(db, QueueClock.columns)
        // Read inside the transaction: so no other process's commit lies between this instant and this commit.
        boot = clock.sinceBoot()
        let wall = clock.now()
        isSure = clock.isSynchronised()
        guard try query.step() else {
            throw QueueError.invalid("The queue has no clock row. `outpost verify` says more.")
        }
        anchor = QueueClock(query)
        counting = query.integer(7)
        claimed = query.integer(8)
        query.reset()
        now = Instant(queue: anchor.time(boot: boot, wall: wall, isSure: isSure), wall: wall)
        if anchor.isOutdated(boot: boot, wall: wall, isSure: isSure) { try anchorClock() }
    }

    /// Writes down where queue time stands, so that a reboot goes on from here.
    func anchorClock() throws {
        anchor = anchor.anchored(boot: boot, wall: now.wall, isSure: isSure)
        let update = try prepare(
            """
            UPDATE clock SET boot = ?, boot_us = ?, queue_us = ?, wall_us = ?, sure_boot = ?, sure_queue_us = ?,
                sure_wall_us = ? WHERE id = 1
            """)
        update.bind(1, anchor.boot)
        update.bind(2, anchor.bootMicroseconds)
        update.bind(3, anchor.queueMicroseconds)
        update.bind(4, anchor.wallMicroseconds)
        if let sure = anchor.sure { update.bind(5, sure.boot) } else { update.bind(5, Int64?.none) }
        update.bind(6, anchor.sure?.queueMicroseconds)
        update.bind(7, anchor.sure?.wallMicroseconds)
        try update.run()
    }

    func prepare(_ sql: StaticString) throws -> Prepared { try statements.statement(db, sql) }

    // MARK: Campaigns

    func campaign(_ id: Int64) throws -> CampaignWork {
        if let known = campaigns.first(where: { $0.id == id }) { return known }
        let query = try prepare(
            """
            SELECT state, pending, deferred, sending, sent, failed, suppressed, in_doubt, cancelled
            FROM campaign WHERE id = ?
            """)
        query.bind(1, id)
        guard try query.step() else { throw QueueError.noSuchCampaign("number \(id)") }
        var tallies = Tallies()
        for code in 0..<8 { tallies[RecipientState(code: Int64(code))] = Int(query.integer(Int32(code) + 1)) }
        let work = CampaignWork(id, state: CampaignState(code: query.integer(0)), tallies: tallies)
        query.reset()
        campaigns.append(work)
        return work
    }

    func move(_ campaign: Int64, count: Int = 1, from: RecipientState, to: RecipientState) throws {
        let work = try self.campaign(campaign)
        work.tallies.move(count, from: from, to: to)
        work.dirty = true
    }

    func add(_ campaign: Int64, count: Int, to state: RecipientState) throws {
        let work = try self.campaign(campaign)
        work.tallies[state] += count
        work.dirty = true
    }

    /// - Parameter why: an order's reason.
    func setState(_ campaign: Int64, _ state: CampaignState, why: String = "") throws {
        let work = try self.campaign(campaign)
        if work.state != state { try markState(campaign, state, why: why) }
        work.state = state
        work.dirty = true
    }

    // MARK: Caps

    func cap(_ id: Int64) throws -> CapWork {
        if let known = caps[id] { return known }
        let query = try prepare(
            "SELECT open, seq, last_at, first_at, next_at, base, recall FROM cap_key WHERE id = ?")
        query.bind(1, id)
        guard try query.step() else {
            throw QueueError.invalid("Cap key \(id) is missing. `outpost verify` says more.")
        }
        let work = CapWork(query)
        query.reset()
        caps[id] = work
        return work
    }

    /// The id of a cap key, made where it is missing.
    func capKey(_ scope: LimitScope, _ key: String) throws -> Int64 {
        if scope == .domain, let known = domains[key] { return known }
        let query = try prepare("SELECT id FROM cap_key WHERE scope = ? AND key = ?")
        query.bind(1, scope.code)
        query.bind(2, key)
        let id: Int64
        if try query.step() {
            id = query.integer(0)
            query.reset()
        } else {
            let filled = scope == .domain ? try recall(of: .domains)?.id : nil
            id = try insertKey(scope, key, recall: filled)
        }
        if scope == .domain { domains[key] = id }
        return id
    }

    /// A key's name may lead to another one from now on.
    func forgetKeys() { domains = [:] }

    /// Queue time from which on the ledgers that a recall fills are complete.
    func recallKnown(_ id: Int64) throws -> Int64 {
        if let known = recalls[id] { return known }
        let known = try recall(id: id)?.known ?? Int64.max
        recalls[id] = known
        return known
    }

    func forgetRecalls() { recalls = [:] }

    // MARK: Suppression

    /// Whether the list has any entry; one probe a commit.
    func suppressionInUse() throws -> Bool {
        if let anySuppression { return anySuppression }
        let query = try prepare("SELECT EXISTS (SELECT 1 FROM suppression)")
        let any = try query.step() && query.integer(0) != 0
        query.reset()
        anySuppression = any
        return any
    }

    func isSuppressed(key: String, domain: String) throws -> Bool {
        guard try suppressionInUse() else { return false }
        let query = try prepare("SELECT 1 FROM suppression WHERE key = ?")
        query.bind(1, key)
        if try query.step() {
            query.reset()
            return true
        }
        query.bind(1, "*@" + domain)
        guard try query.step() else { return false }
        query.reset()
        return true
    }

    /// Adds an address; one that is on the list keeps its first reason.
    func suppress(_ entry: Suppression) throws -> Bool {
        let insert = try prepare(
            "INSERT INTO suppression (key, reason, since, \"by\") VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
        insert.bind(1, entry.key)
        insert.bind(2, entry.reason)
        insert.bind(3, entry.since.microseconds)
        insert.bind(4, entry.by)
        try insert.run()
        anySuppression = true
        return db.changesCount > 0
    }

    // MARK: Pulse and events

    func beat(_ campaign: Int64, _ outcome: AttemptOutcome) {
        let minute = now.wall.microseconds / 60_000_000
        if outcome == .aborted { return }
        let index = pulses.firstIndex { $0.campaign == campaign && $0.number == minute } ?? pulses.count
        if index == pulses.count {
            let empty = PulseMinute(minute: Timestamp(microseconds: minute * 60_000_000))
            pulses.append(Pulse(campaign: campaign, number: minute, minute: empty))
        }
        switch outcome {
        case .sent: pulses[index].minute.sent += 1
        case .deferred: pulses[index].minute.deferred += 1
        case .failed: pulses[index].minute.failed += 1
        case .inDoubt: pulses[index].minute.inDoubt += 1
        case .aborted: break
        }
    }

    func record(_ campaign: Int64?, kind: String, _ text: String, by: String = "") throws {
        let insert = try prepare("INSERT INTO event (campaign, at, kind, text) VALUES (?, ?, ?, ?)")
        insert.bind(1, campaign)
        insert.bind(2, now.wall.microseconds)
        insert.bind(3, kind)
        insert.bind(4, EventRecord.stored(text, by: by))
        try insert.run()
    }

    // MARK: The end

    /// What was gathered is thrown away, after a rollback to a savepoint.
    func forget() {
        campaigns = []
        caps = [:]
        domains = [:]
        pulses = []
        anySuppression = nil
        recalls = [:]
        siteTable = nil
    }

    /// Writes what was gathered, and forgets it.
    func flush() throws {
        for work in campaigns where work.dirty { try write(work) }
        if caps.contains(where: { $0.value.dirty }) {
            let update = try prepare(
                "UPDATE cap_key SET open = ?, seq = ?, last_at = ?, first_at = ?, next_at = ?, base = ? WHERE id = ?")
            for (id, work) in caps where work.dirty {
                update.bind(1, work.open)
                update.bind(2, work.seq)
                update.bind(3, work.lastAt)
                update.bind(4, work.firstAt)
                update.bind(5, work.nextAt)
                update.bind(6, work.base)
                update.bind(7, id)
                try update.run()
            }
        }
        for pulse in pulses { try write(pulse) }
        forget()
    }

    private func write(_ work: CampaignWork) throws {
        var state = work.state
        // The campaign ends in the commit that settles its last recipient (promise 6).
        if work.tallies.unsettled == 0, state == .sending || state == .paused { state = try state.after(.exhaust) }
        let update = try prepare(
            """
            UPDATE campaign SET state = ?2, pending = ?3, deferred = ?4, sending = ?5, sent = ?6, failed = ?7,
                suppressed = ?8, in_doubt = ?9, cancelled = ?10,
                reason = iif(?2 = 3, '', reason), finished = iif(?2 = 3, ifnull(finished, ?11), NULL)
            WHERE id = ?1
            """)
        update.bind(1, work.id)
        update.bind(2, state.code)
        for code in 0..<8 { update.bind(Int32(code) + 3, Int64(work.tallies[RecipientState(code: Int64(code))])) }
        update.bind(11, now.wall.microseconds)
        try update.run()
        if state == .finished, work.state != .finished {
            try markState(work.id, state)
            try record(work.id, kind: "finished", "All recipients are settled.")
        }
    }

    private func write(_ pulse: Pulse) throws {
        let upsert = try prepare(
            """
            INSERT INTO pulse (campaign, minute, sent, deferred, failed, in_doubt) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET sent = sent + excluded.sent, deferred = deferred + excluded.deferred,
                failed = failed + excluded.failed, in_doubt = in_doubt + excluded.in_doubt
            """)
        upsert.bind(1, pulse.campaign)
        upsert.bind(2, pulse.number)
        upsert.bind(3, Int64(pulse.minute.sent))
        upsert.bind(4, Int64(pulse.minute.deferred))
        upsert.bind(5, Int64(pulse.minute.failed))
        upsert.bind(6, Int64(pulse.minute.inDoubt))
        try upsert.run()
    }
}
