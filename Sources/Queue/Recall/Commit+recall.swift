import GRDB

/// Fills the ledgers of domains and campaigns behind their own grants, newest first: each grant gets the number before
/// the first one there is, hence 0, −1, …; nothing that is there is moved. It ends where the longest window ends, is
/// done in small steps, and says in the commit of each how far it has come, so that it can be broken off anywhere.
///
/// What it fills in was settled before the key was counted, so nothing that is sent meanwhile changes it.
extension Commit {
    /// Rows a step: a few milliseconds.
    static let recallRows = 1_000

    /// - Returns: whether all is known that `need` asks for.
    func recallSome(_ need: RecallNeed, campaign: Int64, rows: Int = recallRows) throws -> Bool {
        if let window = need.domains, let all = try recall(of: .domains) {
            guard try walk(all, back: window, rows) else { return false }
            while let some = try recall(of: .someDomains) {
                guard let floor = try recall(of: .domains)?.cursor, try walk(some, downTo: floor, rows) else {
                    return false
                }
                try merge(some.id, into: all.id)
            }
        }
        if let window = need.campaign {
            let query = try prepare("SELECT recall FROM cap_key WHERE scope = 3 AND key = ?")
            query.bind(1, String(campaign))
            let id = try query.step() ? query.optional(0) : nil
            query.reset()
            if let id, let own = try recall(id: id) { return try walk(own, back: window, rows) }
        }
        return true
    }

    private func walk(_ recall: Recall, back window: Int64, _ rows: Int) throws -> Bool {
        let edge = now.queue - window
        if recall.known <= edge + 1 { return true }
        var walk = try LedgerWalk(db, from: recall.cursor)
        return try fill(recall, &walk, edge, rows)
    }

    private func walk(_ recall: Recall, downTo floor: LedgerWalk.Cursor, _ rows: Int) throws -> Bool {
        var walk = try LedgerWalk(db, from: recall.cursor, downTo: floor)
        return try fill(recall, &walk, Int64.min, rows)
    }

    /// - Parameter edge: what was settled by then is not wanted.
    private func fill(_ recall: Recall, _ walk: inout LedgerWalk, _ edge: Int64, _ rows: Int) throws -> Bool {
        var ledgers = try RecallLedgers(recall, self)
        var count = 0
        while count < rows, let next = try walk.peek(), next.at > edge {
            _ = try walk.next()
            try ledgers.take(next)
            count += 1
        }
        let next = try walk.peek()
        let update = try prepare("UPDATE recall SET known = ?2, cursor = ?3 WHERE id = ?1")
        update.bind(1, recall.id)
        // All that was settled later than the next one is in. When nothing is left, all is.
        update.bind(2, next.map { $0.at + 1 } ?? 0)
        update.bind(3, LedgerWalk.text(walk.cursor))
        try update.run()
        forgetRecalls()
        return next.map { $0.at <= edge } ?? true
    }

    /// Both have come to the same place.
    private func merge(_ recall: Int64, into all: Int64) throws {
        let update = try prepare("UPDATE cap_key SET recall = ?2 WHERE recall = ?1")
        update.bind(1, recall)
        update.bind(2, all)
        // What was gathered of these keys is written first, and read anew.
        try flush()
        try update.run()
        let delete = try prepare("DELETE FROM recall WHERE id = ?")
        delete.bind(1, recall)
        try delete.run()
    }
}

/// The ledgers that one step fills.
private struct RecallLedgers {
    private let recall: Recall
    private let commit: Commit
    /// Keys by name; nil for those that are filled by others.
    private var keys: [String: Int64?] = [:]
    private var fronts: [Int64: Front] = [:]
    private let attempt: Prepared
    private let recipient: Prepared

    private struct Front {
        /// Time of the first grant; nil without one.
        var at: Int64?
        /// Retention has been at it: what is older was too old for any window.
        var isCut: Bool
    }

    init(_ recall: Recall, _ commit: Commit) throws {
        self.recall = recall
        self.commit = commit
        attempt = try commit.prepare("SELECT campaign, recipient FROM attempt WHERE id = ?")
        recipient = try commit.prepare("SELECT iif(domain IS NULL, key, '@' || domain) FROM recipient WHERE id = ?")
        guard recall.kind != .domains else { return }
        let query = try commit.prepare("SELECT key, id FROM cap_key WHERE recall = ?")
        query.bind(1, recall.id)
        while try query.step() { keys[query.text(0)] = .some(query.integer(1)) }
    }

    mutating func take(_ step: LedgerWalk.Step) throws {
        attempt.bind(1, step.attempt)
        guard try attempt.step() else { return }
        let (campaign, person) = (attempt.integer(0), attempt.integer(1))
        attempt.reset()
        if recall.kind == .campaign {
            if let key = keys[String(campaign)] ?? nil { try prepend(step, to: key) }
            return
        }
        recipient.bind(1, person)
        guard try recipient.step() else { return }
        let domain = Commit.domain(of: recipient.text(0))
        recipient.reset()
        guard !domain.isEmpty else { return }
        if let key = try key(try commit.sites().group(domain)) { try prepend(step, to: key) }
    }

    private mutating func key(_ group: String) throws -> Int64? {
        if let known = keys[group] { return known }
        guard recall.kind == .domains else { return nil }
        let id = try commit.capKey(.domain, group)
        let own = try commit.cap(id).recall == recall.id ? id : nil
        keys[group] = .some(own)
        return own
    }

    private mutating func prepend(_ step: LedgerWalk.Step, to key: Int64) throws {
        let work = try commit.cap(key)
        let front = try fronts[key] ?? self.front(key, work)
        guard !front.isCut else { return }
        // Never later than the one behind it, also where queue time had run ahead of the clock over a reboot.
        let at = min(step.at, front.at ?? step.at)
        let insert = try commit.prepare("INSERT INTO \"grant\" (key, seq, at, attempt) VALUES (?, ?, ?, ?)")
        insert.bind(1, key)
        insert.bind(2, work.base)
        insert.bind(3, at)
        insert.bind(4, step.attempt)
        try insert.run()
        if front.at == nil { work.lastAt = at }
        work.base -= 1
        work.firstAt = work.firstAt == 0 ? at : min(work.firstAt, at)
        work.dirty = true
        fronts[key] = Front(at: at, isCut: false)
    }

    private func front(_ key: Int64, _ work: Commit.CapWork) throws -> Front {
        let query = try commit.prepare("SELECT seq, at FROM \"grant\" WHERE key = ? ORDER BY seq LIMIT 1")
        query.bind(1, key)
        defer { query.reset() }
        guard try query.step() else { return Front(at: nil, isCut: work.seq > work.base) }
        return Front(at: query.integer(1), isCut: query.integer(0) > work.base + 1)
    }
}
