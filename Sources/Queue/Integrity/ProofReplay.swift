import Clock
import GRDB

/// Goes through ledger and log once each. It knows the tables and nothing of how the limiter decides.
struct ProofReplay {
    private let db: Database
    var keys: [Key] = []
    private var places: [Int64: Int] = [:]
    private var sources: [String: Int64] = [:]
    private var accounts: [String: Int64] = [:]
    private(set) var clock = ProofClock()
    /// Keys of which retention took out grants, and the queue time of the first that is left.
    private var cut: [(key: Key, first: Int64?)] = []
    private let claims: [Claimed]
    private var grants = 0
    private var attempts = 0
    private var open = 0
    private var firstWall: Int64?
    private var lastWall: Int64?
    private let lookUp: Prepared

    init(_ db: Database, _ limits: [HeldLimit]) throws {
        self.db = db
        // As many rows as somebody gave the order.
        claims = try Row.fetchAll(db, sql: "SELECT at, wall, known, attempt, fills FROM claim ORDER BY id").map {
            Claimed(at: $0[0], wall: $0[1], known: $0[2], attempt: $0[3], fills: $0[4])
        }
        lookUp = try Prepared(db, "SELECT at FROM \"grant\" WHERE key = ? AND seq = ?")
        let query = try Prepared(
            db,
            """
            SELECT k.id, k.scope, k.key, k.open, k.seq, k.last_at, ifnull(p.pruned, k.base), k.base, k.uncounted
            FROM cap_key k LEFT JOIN retention p ON p.key = k.id ORDER BY k.id
            """)
        let sites = SiteTable(try Prepared(db, SiteTable.select.description))
        while try query.step() {
            let scope = LimitScope(code: query.integer(1))
            // One that began anew left its former self behind as `name#id`.
            let name = String(query.text(2).prefix { $0 != "#" })
            let holding = try limits.filter { held in
                guard held.limit.scope == scope else { return false }
                guard try scope == .domain ? sites.holds(held.limit, for: name) : held.limit.applies(to: name) else {
                    return false
                }
                guard let campaign = held.campaign, scope == .campaign else { return true }
                return name == String(campaign)
            }
            let id = query.integer(0)
            places[id] = keys.count
            let (pruned, base) = (query.integer(6), query.integer(7))
            if scope == .source { sources[name] = id }
            if scope == .account { accounts[name] = id }
            keys.append(
                Key(
                    id: id, scope: scope, name: name, open: query.integer(3), seq: query.integer(4),
                    lastAt: query.integer(5), pruned: pruned, base: base, uncounted: query.integer(8),
                    // Which attempts those of a campaign's key and the recalled ones were for, only the grants knew.
                    begun: (scope == .campaign ? pruned : min(pruned, 0)) - base,
                    watches: holding.map { Watch(held: $0) }))
        }
    }

    // MARK: The ledger, in the order of settling

    /// Each key's grants: numbered without a gap, never older than the one before, and as many as the key says.
    mutating func readLedger(_ findings: inout ProofFindings) throws {
        let dated = try Prepared(
            db,
            """
            SELECT g.seq, g.at, a.finished FROM "grant" g LEFT JOIN attempt a ON a.id = g.attempt
            WHERE g.key = ? ORDER BY g.seq
            """)
        let plain = try Prepared(db, "SELECT seq, at, NULL FROM \"grant\" WHERE key = ? ORDER BY seq")
        for key in keys {
            // Every attempt has a source: its grants show each settle's two times once.
            let query = key.scope == .source ? dated : plain
            var seen = ProofClock()
            var seq = key.pruned
            var at = Int64.min
            var first: Int64?
            query.bind(1, key.id)
            while try query.step() {
                let (number, time) = (query.integer(0), query.integer(1))
                if number != seq + 1 {
                    let missing = number == seq + 2 ? "\(seq + 1) is" : "\(seq + 1) to \(number - 1) are"
                    findings.add("ledger", "Grant \(missing) missing from \(key.title).")
                }
                if time < at {
                    findings.add("ledger", "Grant \(number) of \(key.title) is older than the one before it.")
                } else if time > at, let finished = query.optional(2) {
                    // The first of each commit: a later one of the same moment says nothing more.
                    seen.see(time, wall: finished)
                }
                seq = number
                at = max(at, time)
                first = first ?? time
                grants += 1
            }
            if seq != key.seq {
                findings.add("ledger", "\(key.title) says it gave \(key.seq) grants; the last one there is \(seq).")
            } else if seq > 0, at != key.lastAt {
                findings.add("ledger", "\(key.title) says its last grant was at \(key.lastAt); it is at \(at).")
            }
            clock.merge(seen)
            if key.pruned > 0 { cut.append((key, first)) }
        }
    }

    // MARK: The log, in the order of beginning

    /// Two cursors side by side: the attempts by number, which is the order of their begins, and all grants by the
    /// attempt they name (SQLite sorts those, on disk when they are many).
    mutating func readLog(_ findings: inout ProofFindings) throws {
        let query = try Prepared(
            db,
            """
            SELECT id, campaign, runner, cap, account, source, started, finished, outcome, retired FROM attempt
            ORDER BY id
            """)
        let charges = try Prepared(db, "SELECT attempt, key, seq, at FROM \"grant\" ORDER BY attempt, key")
        let runnerKeys = try Dictionary(
            Row.fetchAll(db, sql: "SELECT id, keys FROM runner").map { row in
                let text: String = row[1]
                return (row[0] as Int64, Set(text.split(separator: ",").compactMap { Int64($0) }))
            }, uniquingKeysWith: { first, _ in first })
        var more = try charges.step()
        var floor = Int64.min / 2
        var group: [Grant] = []
        while try query.step() {
            let attempt = try self.attempt(query, &findings)
            while more, charges.integer(0) < attempt.id {
                findings.add("ledger", strayText(charges))
                more = try charges.step()
            }
            group.removeAll(keepingCapacity: true)
            while more, charges.integer(0) == attempt.id {
                group.append(Grant(key: charges.integer(1), seq: charges.integer(2), at: charges.integer(3)))
                more = try charges.step()
            }
            var charged = attempt.charged
            let settled: Int64
            if attempt.isOpen {
                if let runner = runnerKeys[attempt.runner] {
                    charged += runner.filter { keys[known: places[$0]]?.scope == .campaign }
                } else {
                    findings.add("attempts", "Attempt \(attempt.id) is open, and its runner \(attempt.runner) is gone.")
                }
                for grant in group {
                    findings.add(
                        "ledger", "Attempt \(attempt.id) is open, but has grant \(grant.seq) of \(title(grant.key)).")
                }
                for id in charged { if let place = places[id] { keys[place].openSeen += 1 } }
                settled = Int64.max / 2
                open += 1
            } else {
                charged += try check(group, of: attempt, &findings)
                settled = group.map(\.at).min() ?? Int64.max / 2
            }
            let begun = clock.begin(wall: attempt.started, floor: floor, settled: settled)
            if case .sure(let time) = begun { floor = max(floor, time) }
            for id in charged { if let place = places[id] { try count(place, attempt, begun) } }
        }
        while more {
            findings.add("ledger", strayText(charges))
            more = try charges.step()
        }
        for key in keys where key.open != key.openSeen {
            findings.add("ledger", "\(key.title) counts \(key.open) in flight; the log has \(key.openSeen).")
        }
        for key in keys { for watch in key.watches { judge(watch, key, &findings) } }
    }

    private func title(_ key: Int64) -> String { keys[known: places[key]]?.title ?? "the unknown cap key \(key)" }

    private func strayText(_ grant: Prepared) -> String {
        "Grant \(grant.integer(2)) of \(title(grant.integer(1))) is for attempt \(grant.integer(0)), which is not in the log."
    }

    private mutating func attempt(_ row: Prepared, _ findings: inout ProofFindings) throws -> Attempt {
        let (id, source, account) = (row.integer(0), row.text(5), row.text(4))
        var charged: [Int64] = []
        charged.reserveCapacity(4)
        if let key = sources[source] {
            charged.append(key)
        } else {
            findings.add("ledger", "Attempt \(id) is of the source \(source), for which nothing is counted.")
        }
        if let key = accounts[account] {
            charged.append(key)
        } else {
            findings.add("ledger", "Attempt \(id) is of the account \(account), for which nothing is counted.")
        }
        if let cap = row.optional(3) { charged.append(cap) }
        let started = row.integer(6)
        let isOpen = row.isNull(8)
        if isOpen != row.isNull(7) {
            findings.add("attempts", "Attempt \(id) has an outcome without an end, or an end without an outcome.")
        }
        attempts += 1
        firstWall = min(firstWall ?? started, started)
        lastWall = max(lastWall ?? started, row.optional(7) ?? started)
        return Attempt(
            id: id, campaign: row.integer(1), runner: row.integer(2), account: account, charged: charged,
            started: started, isOpen: isOpen, isRetired: row.integer(9) & 2 != 0, isFree: row.integer(9) & 4 != 0)
    }

    /// Exactly one grant of each key it is charged to, of one moment. Answers the keys of campaigns among them, which
    /// the attempt does not name.
    private func check(_ group: [Grant], of attempt: Attempt, _ findings: inout ProofFindings) throws -> [Int64] {
        for key in attempt.charged {
            let count = group.count { $0.key == key }
            if count > 1 || (count == 0 && !attempt.isRetired) {
                let what = count == 0 ? "no grant" : "\(count) grants"
                findings.add("ledger", "Attempt \(attempt.id) is settled with \(what) of \(title(key)).")
            }
        }
        var more: [Int64] = []
        for grant in group where !attempt.charged.contains(grant.key) {
            if let key = keys[known: places[grant.key]], !more.contains(grant.key),
                key.scope == .campaign
                    ? key.name == String(attempt.campaign) : key.scope == .domain && attempt.id <= key.uncounted
            {
                more.append(grant.key)
            } else {
                findings.add(
                    "ledger",
                    "Grant \(grant.seq) of \(title(grant.key)) is for attempt \(attempt.id), which is not charged to it."
                )
            }
        }
        guard let first = group.map(\.at).min() else { return more }
        // One commit wrote them all. Where queue time had run ahead of the clock (over a reboot), the later of two keys
        // keeps the time of its last grant.
        for grant in group where grant.at != first && grant.seq > 0 {
            if let before = try at(grant.key, grant.seq - 1), before != grant.at {
                findings.add(
                    "ledger",
                    "Grant \(grant.seq) of \(title(grant.key)) is not of the moment at which attempt \(attempt.id) was settled."
                )
            }
        }
        return more
    }

    /// When (queue time) every cap counts as used up for an attempt: at the last claim before it, if that says so.
    func unknown(for attempt: Int64) -> Int64? {
        claims.last { $0.attempt < attempt }.flatMap { $0.fills ? $0.at : nil }
    }

    func at(_ key: Int64, _ seq: Int64) throws -> Int64? {
        lookUp.bind(1, key)
        lookUp.bind(2, seq)
        guard try lookUp.step() else { return nil }
        defer { lookUp.reset() }
        return lookUp.integer(0)
    }

    // MARK: The result

    func report(into proof: inout Proof, campaign: ProofScope?) {
        proof.attempts = attempts
        proof.open = open
        proof.grants = grants
        proof.first = firstWall.map { Timestamp(microseconds: $0) }
        proof.last = lastWall.map { Timestamp(microseconds: $0) }
        proof.resolutionMicroseconds = clock.resolution
        proof.claims = claims.map { claim in
            ClaimRecord(
                at: Timestamp(microseconds: claim.wall), known: claim.known.map { Timestamp(microseconds: $0) },
                fillsCaps: claim.fills)
        }
        proof.kept = cut.map { key, first in
            KeptLedger(
                scope: key.scope, key: key.name, removed: Int(key.pruned), from: first.flatMap { clock.wall($0) })
        }
        for key in keys {
            for watch in key.watches where watch.messages > 0 {
                let cap = CapProof(
                    held: watch.held, key: key.name, messages: watch.messages, peak: watch.peak,
                    allowed: watch.allowed, at: clock.wall(watch.peakAt),
                    slackMicroseconds: watch.slack, unclear: watch.unclear)
                if campaign?.holds(cap) ?? true { proof.caps.append(cap) }
            }
        }
    }
}

extension Array {
    fileprivate subscript(known place: Int?) -> Element? { place.map { self[$0] } }
}
