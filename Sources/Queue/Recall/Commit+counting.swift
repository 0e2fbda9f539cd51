import GRDB
import Synchronization

/// What a runner charges its messages to, as it saw it last. Seen and changed within commits alone.
final class ChargeBook: Sendable {
    private let known: Mutex<Charges>

    init(_ charges: Charges) { known = Mutex(charges) }

    var charges: Charges {
        get { known.withLock { $0 } }
        set { known.withLock { $0 = newValue } }
    }
}

/// What is counted is counted by all runners, whether they have a limit by it or not: only so a ledger has no holes.
/// Sources and accounts are counted from the beginning; domains and a campaign from the first limit by them on. What
/// was sent before that is recalled (`Commit+recall.swift`).
extension Commit {
    /// Sees to it that what `limits` count by is counted from this commit on.
    func count(_ limits: [Limit], campaign: Int64) throws {
        let need = RecallNeed(limits, campaign: campaign)
        var grew = false
        if need.domains != nil, try recall(of: .domains) == nil {
            try archive("scope = 2 AND recall IS NULL")
            _ = try insertRecall(.domains)
            grew = true
        }
        if need.campaign != nil, try countCampaign(campaign) { grew = true }
        guard grew else { return }
        try recharge()
        try grewCounting()
    }

    /// Tells every runner to look again at what its messages are charged to.
    func grewCounting() throws {
        try prepare("UPDATE clock SET counting = counting + 1 WHERE id = 1").run()
        counting += 1
        countingGrew = true
    }

    /// A ledger that begins anew leaves the old one behind, under a name that nobody asks for: it ages and is pruned.
    func archive(_ condition: String) throws {
        try db.execute(
            sql: "UPDATE cap_key SET key = key || '#' || id, recall = NULL WHERE \(condition) AND instr(key, '#') = 0")
        forgetKeys()
    }

    func insertRecall(_ kind: RecallKind) throws -> Int64 {
        let insert = try prepare(
            """
            INSERT INTO recall (kind, known, cursor, uncounted) VALUES (?, ?, ?, (SELECT ifnull(max(id), 0) FROM attempt))
            """)
        insert.bind(1, kind.rawValue)
        // Nothing yet: an instant that no window ends before.
        insert.bind(2, Int64.max)
        insert.bind(3, LedgerWalk.text(try ledgerEnds()))
        try insert.run()
        return db.lastInsertedRowID
    }

    /// What was gathered in this commit counts too.
    private func ledgerEnds() throws -> LedgerWalk.Cursor {
        var ends = try LedgerWalk.ends(db)
        for key in ends.keys { ends[key] = try cap(key).seq }
        return ends
    }

    func insertKey(_ scope: LimitScope, _ key: String, recall: Int64?) throws -> Int64 {
        let insert = try prepare(
            """
            INSERT INTO cap_key (scope, key, recall, uncounted)
            VALUES (?1, ?2, ?3, ifnull((SELECT uncounted FROM recall WHERE id = ?3), 0))
            """)
        insert.bind(1, scope.code)
        insert.bind(2, key)
        insert.bind(3, recall)
        try insert.run()
        return db.lastInsertedRowID
    }

    /// - Returns: false when it is counted already.
    private func countCampaign(_ campaign: Int64) throws -> Bool {
        let query = try prepare("SELECT id, recall FROM cap_key WHERE scope = 3 AND key = ?")
        query.bind(1, String(campaign))
        var old: Int64?
        if try query.step() {
            guard query.isNull(1) else {
                query.reset()
                return false
            }
            old = query.integer(0)
        }
        query.reset()
        if let old { try archive("id = \(old)") }
        let key = try insertKey(.campaign, String(campaign), recall: try insertRecall(.campaign))
        let runners = try prepare("SELECT id, keys FROM runner WHERE campaign = ?")
        runners.bind(1, campaign)
        var found: [(id: Int64, keys: [Int64])] = []
        while try runners.step() { found.append((runners.integer(0), Self.keys(runners.text(1)))) }
        for runner in found {
            let open = Int64(try openAttempts(runner.id).count)
            if let old, runner.keys.contains(old) { try shift(old, by: -open) }
            try shift(key, by: open)
            let update = try prepare("UPDATE runner SET keys = ?2 WHERE id = ?1")
            update.bind(1, runner.id)
            update.bind(2, Self.keyText(runner.keys.filter { $0 != old } + [key]))
            try update.run()
        }
        return true
    }

    func isCounted(campaign: String) throws -> Bool {
        let query = try prepare("SELECT 1 FROM cap_key WHERE scope = 3 AND key = ? AND recall IS NOT NULL")
        query.bind(1, campaign)
        defer { query.reset() }
        return try query.step()
    }

    /// What a runner's messages are charged to now, where that has changed since it looked last.
    func current(_ book: ChargeBook) throws -> Charges {
        let charges = book.charges
        guard charges.counting != counting else { return charges }
        var fresh = charges
        let row = try prepare("SELECT keys FROM runner WHERE id = ?")
        row.bind(1, charges.runner)
        guard try row.step() else { throw QueueError.stopped }
        let ids = Self.keys(row.text(0))
        row.reset()
        let query = try prepare("SELECT key FROM cap_key WHERE id = ?")
        fresh.keys = try ids.map { id in
            if let known = charges.keys.first(where: { $0.id == id }) { return known }
            query.bind(1, id)
            guard try query.step() else {
                throw QueueError.invalid("Cap key \(id) is missing. `outpost verify` says more.")
            }
            let name = query.text(0)
            query.reset()
            // Only a campaign's ledger ever begins anew while somebody runs.
            return (id, name, charges.campaignLimits)
        }
        fresh.countsDomains = try recall(of: .domains) != nil
        fresh.counting = counting
        // What grew in this very commit may still be undone with it.
        if !countingGrew { book.charges = fresh }
        return fresh
    }

    static func keyText(_ keys: [Int64]) -> String { keys.map { String($0) }.joined(separator: ",") }

    /// Those in flight count for the domain key that counts them now.
    func recharge() throws {
        guard try recall(of: .domains) != nil else { return }
        // As many rows as there are messages in flight.
        let query = try prepare(
            """
            SELECT a.id, a.cap, iif(r.domain IS NULL, r.key, '@' || r.domain)
            FROM attempt a INDEXED BY attempt_open JOIN recipient r ON r.id = a.recipient WHERE a.outcome IS NULL
            """)
        var open: [(id: Int64, cap: Int64?, domain: String)] = []
        while try query.step() {
            open.append((query.integer(0), query.optional(1), Self.domain(of: query.text(2))))
        }
        let update = try prepare("UPDATE attempt SET cap = ?2 WHERE id = ?1")
        for attempt in open {
            let key = try capKey(.domain, try sites().group(attempt.domain))
            guard key != attempt.cap else { continue }
            if let old = attempt.cap { try shift(old, by: -1) }
            try shift(key, by: 1)
            update.bind(1, attempt.id)
            update.bind(2, key)
            try update.run()
        }
    }

    private func shift(_ key: Int64, by count: Int64) throws {
        guard count != 0 else { return }
        let work = try cap(key)
        work.open += count
        if work.firstAt == 0, count > 0 { work.firstAt = now.queue }
        work.dirty = true
    }

    // MARK: How far a recall is

    func recall(of kind: RecallKind) throws -> Recall? {
        // One of all domains; of the others as many as are unfinished.
        let query = try prepare(
            "SELECT id, kind, known, cursor, uncounted FROM recall WHERE kind = ? ORDER BY id LIMIT 1")
        query.bind(1, kind.rawValue)
        defer { query.reset() }
        return try query.step() ? Recall(query) : nil
    }

    func recall(id: Int64) throws -> Recall? {
        let query = try prepare("SELECT id, kind, known, cursor, uncounted FROM recall WHERE id = ?")
        query.bind(1, id)
        defer { query.reset() }
        return try query.step() ? Recall(query) : nil
    }

    /// Whether a key's ledger is complete for the windows of these limits.
    func isKnown(_ key: CapWork, for limits: [Limit]) throws -> Bool {
        guard let recall = key.recall, let longest = limits.map(\.perMicroseconds).max() else { return true }
        return try recallKnown(recall) <= now.queue - longest + 1
    }
}
