import Clock
import GRDB

/// What a runner's attempts are charged to, and which limits hold; found once, when it starts.
struct Charges: Sendable {
    var campaign: Int64
    var runner: Int64
    var account: String
    var source: String
    /// Cap keys of source and account, and of the campaign where a limit counts by it.
    var keys: [(id: Int64, name: String, limits: [Limit])]
    var domainLimits: [Limit]
    /// Those by campaign, counted from the moment that one of them was known.
    var campaignLimits: [Limit] = []
    /// When messages may be begun: the account's window and the campaign's.
    var openings = Openings([], start: nil)
    /// Spread over the window that allows least.
    var isEven = false
    /// Domains that share MX hosts are one destination: who is not looked up is not begun.
    var sharesMX = false
    /// Each message has a grant of its domain, be there a limit or not.
    var countsDomains = false
    /// What is done about doubts that arise.
    var doubt = DoubtPolicy.hold
    /// The share of final refusals at which the campaign is paused; nil for none.
    var refusals: Double?
    /// What it was found at; see `Commit+counting.swift`.
    var counting: Int64 = -1
}

/// Settles and begins: the two writes around every message.
///
/// A grant is *open* from `begin` on, and gets its number and time when the attempt is settled, for the server may
/// count the message at any moment between the two. So at time `t` a limit of `count` in a window has room exactly if
/// `open < count`, and the grant `count − open` back from the last one has left the window: one look-up.
extension Commit {
    struct OpenAttempt {
        var recipient: Int64
        var campaign: Int64
        var cap: Int64?
    }

    /// - Throws: `QueueError.notOpen`, before anything is written.
    func settle(_ settlements: [Settlement], _ charges: Charges) throws {
        guard !settlements.isEmpty else { return }
        var opened: [OpenAttempt] = []
        opened.reserveCapacity(settlements.count)
        let query = try prepare(
            "SELECT recipient, campaign, cap FROM attempt WHERE id = ? AND runner = ? AND outcome IS NULL")
        for settlement in settlements {
            query.bind(1, settlement.attempt)
            query.bind(2, charges.runner)
            guard try query.step() else { throw QueueError.notOpen(attempt: settlement.attempt) }
            opened.append(
                OpenAttempt(recipient: query.integer(0), campaign: query.integer(1), cap: query.optional(2)))
            query.reset()
        }
        if settlements.count > 1, Set(settlements.map(\.attempt)).count != settlements.count {
            throw QueueError.notOpen(attempt: settlements[0].attempt)
        }
        let keys = charges.keys.map(\.id)
        for (settlement, open) in zip(settlements, opened) {
            try settle(settlement, open, keys, by: charges.doubt.decision(on: settlement))
        }
    }

    /// - Parameter decision: what the policy makes of a doubt.
    func settle(_ settlement: Settlement, _ open: OpenAttempt, _ keys: [Int64], by decision: DoubtDecision?) throws {
        let update = try prepare(
            """
            UPDATE attempt SET finished = ?2, outcome = ?3, code = ?4, enhanced = ?5, reply = ?6, tls = ?7, bytes = ?8
            WHERE id = ?1
            """)
        update.bind(1, settlement.attempt)
        update.bind(2, now.wall.microseconds)
        update.bind(3, settlement.outcome.code)
        update.bind(4, settlement.code.map(Int64.init))
        update.bind(5, settlement.enhanced)
        update.bind(6, settlement.reply)
        update.bind(7, settlement.tls)
        update.bind(8, Int64(settlement.bytes))
        try update.run()
        try settleRecipient(settlement, open, decision?.state)
        if let decision { try keep(decision, on: settlement.attempt, evidence: DoubtVerdict.policyMark) }
        for key in keys { try grant(key, settlement.attempt) }
        if let cap = open.cap { try grant(cap, settlement.attempt) }
        beat(open.campaign, settlement.outcome)
    }

    private func settleRecipient(_ settlement: Settlement, _ open: OpenAttempt, _ decided: RecipientState?) throws {
        var state = decided ?? settlement.outcome.recipientState
        if state == .pending || state == .deferred, try campaign(open.campaign).state == .cancelled {
            state = .cancelled
        }
        // One that goes back counts as tried: it is due now, behind the fresh ones, so that a message nobody can
        // send does not stand in front of all others for ever.
        let due: Int64 =
            switch state {
            case .deferred, .pending: settlement.retryAt.map(now.queue) ?? now.queue
            default: 0
            }
        let counts = settlement.countsAsAttempt && settlement.outcome != .aborted
        let update = try prepare("UPDATE recipient SET state = ?2, due = ?3, attempts = attempts + ?4 WHERE id = ?1")
        update.bind(1, open.recipient)
        update.bind(2, state.code)
        update.bind(3, due)
        update.bind(4, counts ? 1 : 0 as Int64)
        try update.run()
        try move(open.campaign, from: .sending, to: state)
        if let reason = settlement.suppress {
            let query = try prepare("SELECT key FROM recipient WHERE id = ?")
            query.bind(1, open.recipient)
            guard try query.step() else { return }
            let key = query.text(0)
            query.reset()
            _ = try suppress(Suppression(key: key, reason: reason, since: now.wall, by: "reply"))
        }
    }

    /// An open grant gets its number. Never refunded, whatever the outcome.
    private func grant(_ key: Int64, _ attempt: Int64) throws {
        let work = try cap(key)
        work.open -= 1
        work.seq += 1
        work.lastAt = max(now.queue, work.lastAt)
        work.dirty = true
        let insert = try prepare("INSERT INTO \"grant\" (key, seq, at, attempt) VALUES (?, ?, ?, ?)")
        insert.bind(1, key)
        insert.bind(2, work.seq)
        insert.bind(3, work.lastAt)
        insert.bind(4, attempt)
        try insert.run()
    }

    /// Answers each request; what it answers `begun` is durable once this commit is.
    func begin(_ requests: [BeginRequest], _ charges: Charges) throws -> [BeginAnswer] {
        guard !requests.isEmpty else { return [] }
        let state = try campaign(charges.campaign).state
        guard state == .sending else { return requests.map { _ in .halted(state) } }
        if let opening = charges.openings.obstacle(at: now.wall) {
            return requests.map { _ in .closed(until: opening) }
        }
        var answers: [BeginAnswer] = []
        answers.reserveCapacity(requests.count)
        for request in requests { answers.append(try begin(request, charges)) }
        return answers
    }

    private func begin(_ request: BeginRequest, _ charges: Charges) throws -> BeginAnswer {
        let query = try prepare("SELECT state, last_attempt, key FROM recipient WHERE id = ? AND campaign = ?")
        query.bind(1, request.recipient)
        query.bind(2, charges.campaign)
        guard try query.step() else { return .gone }
        let state = RecipientState(code: query.integer(0))
        let previous = query.optional(1)
        let key = try suppressionInUse() ? query.text(2) : ""
        query.reset()
        guard state == .pending || state == .deferred else { return .gone }
        if try isSuppressed(key: key, domain: request.domain) {
            let update = try prepare("UPDATE recipient SET state = 5, due = 0 WHERE id = ?")
            update.bind(1, request.recipient)
            try update.run()
            try move(charges.campaign, from: state, to: .suppressed)
            return .suppressed
        }
        var domainKey: Int64?
        var isFree = false
        if charges.countsDomains {
            if charges.sharesMX, !charges.domainLimits.isEmpty, try !isLocated(request.domain) { return .unready }
            let group = try sites().group(request.domain)
            let id = try capKey(.domain, group)
            let limits = try charges.domainLimits.filter { try sites().holds($0, for: group) }
            if let full = try fullLimit(limits, id, group) { return full }
            domainKey = id
            isFree = limits.isEmpty
        }
        for key in charges.keys {
            if let full = try fullLimit(key.limits, key.id, key.name) { return full }
        }
        if charges.isEven, let next = try paceObstacle(charges) { return .paced(until: now.wall(next)) }
        try insertAttempt(request, charges, previous: previous, cap: domainKey, isFree: isFree)
        let attempt = db.lastInsertedRowID
        let update = try prepare("UPDATE recipient SET state = 2, due = 0, last_attempt = ?2 WHERE id = ?1")
        update.bind(1, request.recipient)
        update.bind(2, attempt)
        try update.run()
        try move(charges.campaign, from: state, to: .sending)
        for key in charges.keys { try openGrant(key.id, gap: charges.isEven ? try gap(key) : nil) }
        if let domainKey { try openGrant(domainKey) }
        return .begun(attempt: attempt)
    }

    /// - Parameter gap: the time to the key's next grant under pace `even`.
    private func openGrant(_ key: Int64, gap: Int64? = nil) throws {
        let work = try cap(key)
        work.open += 1
        if work.firstAt == 0 { work.firstAt = now.queue }
        if let gap {
            // A little lateness is made up for, so that it does not add up; an idle hour is not.
            work.nextAt = max(work.nextAt, now.queue - Self.lateness) + Int64(Double(gap) * .random(in: 0.8..<1.2))
        }
        work.dirty = true
    }

    private static let lateness: Int64 = 100_000

    /// When (queue time) the next message may be begun under pace `even`; nil for now.
    private func paceObstacle(_ charges: Charges) throws -> Int64? {
        var next = now.queue
        for key in charges.keys where !key.limits.isEmpty { next = max(next, try cap(key.id).nextAt) }
        return next > now.queue ? next : nil
    }

    /// Between two grants of a key spread evenly, by the limit of it that allows least.
    private func gap(_ key: (id: Int64, name: String, limits: [Limit])) throws -> Int64? {
        let first = try cap(key.id).firstAt
        return key.limits.compactMap { limit in
            limit.allowance(first: first, at: now.queue).map { limit.perMicroseconds / Int64(max(1, $0.count)) }
        }.max()
    }

    /// - Parameter isFree: counted for its domain, and held to no limit by it.
    private func insertAttempt(
        _ request: BeginRequest, _ charges: Charges, previous: Int64?, cap: Int64?, isFree: Bool
    ) throws {
        let insert = try prepare(
            """
            INSERT INTO attempt (campaign, recipient, previous, runner, cap, account, source, server, message_id, started,
                retired)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        insert.bind(1, charges.campaign)
        insert.bind(2, request.recipient)
        insert.bind(3, previous)
        insert.bind(4, charges.runner)
        insert.bind(5, cap)
        insert.bind(6, charges.account)
        insert.bind(7, charges.source)
        insert.bind(8, request.server)
        insert.bind(9, request.messageID)
        insert.bind(10, now.wall.microseconds)
        insert.bind(11, isFree ? 4 : 0 as Int64)
        try insert.run()
    }

    /// `.capped` or `.claimed` with the limit that frees last, `.unready` where the ledger is not complete, or nil when each has room.
    private func fullLimit(_ limits: [Limit], _ key: Int64, _ name: String) throws -> BeginAnswer? {
        guard !limits.isEmpty else { return nil }
        let work = try cap(key)
        guard try isKnown(work, for: limits) else { return .unready }
        var worst: (limit: Limit, until: Int64)?
        var isUnknown = false
        for limit in limits {
            let held = claimHold(limit, first: work.firstAt)
            guard let until = try [held, nextRoom(limit, key, work)].compactMap(\.self).max(),
                until > worst?.until ?? Int64.min
            else { continue }
            worst = (limit, until)
            isUnknown = held == until
        }
        guard let worst else { return nil }
        if isUnknown { return .claimed(worst.limit, key: name, until: now.wall(worst.until)) }
        // Of a warm-up, today's cap is what is full.
        var limit = worst.limit
        limit.count = limit.allowance(first: work.firstAt, at: now.queue)?.count ?? limit.count
        return .capped(limit, key: name, until: now.wall(worst.until))
    }

    /// Until when (queue time) what was sent from elsewhere before this queue was claimed may count; nil for no more.
    private func claimHold(_ limit: Limit, first: Int64) -> Int64? {
        let until = claimed + limit.perMicroseconds
        guard claimed > 0, until > now.queue, limit.allowance(first: first, at: now.queue) != nil else { return nil }
        return until
    }

    /// When (queue time) a limit can have room at the earliest; nil when it has.
    private func nextRoom(_ limit: Limit, _ key: Int64, _ work: CapWork) throws -> Int64? {
        // Those in flight have not even begun to age.
        guard let allowance = limit.allowance(first: work.firstAt, at: now.queue) else { return nil }
        // A warm-up's next day may have room.
        let otherwise = allowance.until ?? Int64.max
        let room = Int64(allowance.count) - work.open
        guard room > 0 else { return min(now.queue + limit.perMicroseconds, otherwise) }
        let seq = work.seq - room + 1
        guard seq > work.base else { return nil }
        // One that retention has taken out was no younger than the oldest there is.
        let query = try prepare("SELECT at FROM \"grant\" WHERE key = ? AND seq >= ? ORDER BY seq LIMIT 1")
        query.bind(1, key)
        query.bind(2, seq)
        guard try query.step() else {
            throw QueueError.invalid("Grant \(seq) of cap key \(key) is missing. `outpost verify` says more.")
        }
        let free = query.integer(0) + limit.perMicroseconds
        query.reset()
        return free <= now.queue ? nil : min(free, otherwise)
    }
}
