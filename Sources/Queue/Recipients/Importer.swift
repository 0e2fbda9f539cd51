import Clock
import GRDB

extension Queue {
    /// Brings rows of a list into a campaign. Running it again, also after a crash half-way, adds only what is missing.
    /// - Throws: `QueueError.noSuchCampaign`, or `.illegalTransition` when it was cancelled.
    public func importer(for campaign: Int64) throws -> Importer {
        let journal = try journal()
        let last = try writeNow { commit in
            _ = try commit.campaign(campaign).state.after(.refill)
            return try commit.lastRecipient()
        }
        return Importer(campaign: campaign, journal: journal, lastBefore: last)
    }
}

/// Stores recipients while the caller goes on reading; only two batches are in memory.
///
/// One thread uses it; all functions throw `QueueError`.
public final class Importer {
    private let pipe: ImportPipe
    private var batch = ImportBatch()

    init(campaign: Int64, journal: Journal, lastBefore: Int64) {
        pipe = ImportPipe(campaign: campaign, journal: journal, lastBefore: lastBefore)
    }

    /// Takes a row; it is durable at the latest when `finish` has returned.
    public func add(_ row: ImportRow) throws {
        batch.append(row)
        if batch.isFull { try flush() }
    }

    /// Stores what is left, and says what became of all rows. `rejected` is 0: those never came here.
    public func finish() throws -> ImportCounts {
        try flush()
        return try pipe.finish()
    }

    private func flush() throws {
        guard !batch.rows.isEmpty else { return }
        let taken = batch
        batch = ImportBatch()
        try pipe.put(taken)
    }
}

extension Commit {
    func lastRecipient() throws -> Int64 {
        let query = try prepare("SELECT ifnull(max(id), 0) FROM recipient")
        defer { query.reset() }
        return try query.step() ? query.integer(0) : 0
    }

    /// Stores the rows of a batch that are new, numbered by their places in it.
    /// - Parameter order: the batch's rows by key.
    func store(_ batch: ImportBatch, _ order: [Int32], _ campaign: Int64, _ lastBefore: Int64) throws -> ImportCounts {
        let state = try self.campaign(campaign).state.after(.refill)
        let last = try lastRecipient()
        return try batch.withTexts { texts in
            var counts = ImportCounts()
            counts.in = batch.rows.count
            var states = [RecipientState?](repeating: nil, count: batch.rows.count)
            for place in order.lazy.map(Int.init) {
                let row = texts(batch.rows[place])
                if try enter(row.key, campaign, last + Int64(place) + 1) {
                    states[place] = try isSuppressed(row) ? .suppressed : .pending
                } else if try isKnown(row.key, campaign, lastBefore) {
                    counts.known += 1
                } else {
                    counts.duplicate += 1
                }
            }
            guard let first = states.firstIndex(where: { $0 != nil }), let end = states.lastIndex(where: { $0 != nil })
            else { return counts }
            let insert = try prepare(
                """
                INSERT INTO recipient (id, campaign, key, email, domain, fields, line, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """)
            for place in first...end {
                guard let state = states[place] else { continue }
                let row = texts(batch.rows[place])
                insert.bind(1, last + Int64(place) + 1)
                insert.bind(2, campaign)
                insert.bind(3, kept: row.key)
                insert.bind(4, kept: row.email)
                insert.bind(5, kept: row.domain)
                insert.bind(6, kept: row.fields)
                insert.bind(7, Int64(batch.rows[place].line))
                insert.bind(8, state.code)
                try insert.run()
                if state == .suppressed { counts.suppressed += 1 } else { counts.new += 1 }
            }
            try enlarge(campaign, counts, first: last + Int64(first) + 1, last: last + Int64(end) + 1)
            if counts.new > 0 { try setState(campaign, state) }
            return counts
        }
    }

    /// False when the campaign has the address.
    private func enter(_ key: UnsafeRawBufferPointer, _ campaign: Int64, _ id: Int64) throws -> Bool {
        let insert = try prepare(
            "INSERT INTO recipient_key (campaign, key, id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        insert.bind(1, campaign)
        insert.bind(2, kept: key)
        insert.bind(3, id)
        try insert.run()
        return db.changesCount > 0
    }

    private func isKnown(_ key: UnsafeRawBufferPointer, _ campaign: Int64, _ lastBefore: Int64) throws -> Bool {
        let query = try prepare("SELECT id FROM recipient_key WHERE campaign = ? AND key = ?")
        query.bind(1, campaign)
        query.bind(2, kept: key)
        guard try query.step() else { return false }
        defer { query.reset() }
        return query.integer(0) <= lastBefore
    }

    private func isSuppressed(_ row: ImportBatch.Texts) throws -> Bool {
        guard try suppressionInUse() else { return false }
        let key = String(decoding: row.key, as: UTF8.self)
        return try isSuppressed(
            key: key, domain: row.domain.map { String(decoding: $0, as: UTF8.self) } ?? Commit.domain(of: key))
    }

    private func enlarge(_ campaign: Int64, _ counts: ImportCounts, first: Int64, last: Int64) throws {
        try add(campaign, count: counts.new, to: .pending)
        try add(campaign, count: counts.suppressed, to: .suppressed)
        let update = try prepare(
            """
            UPDATE campaign SET total = total + ?2, first = iif(first = 0, ?3, first), last = max(last, ?4) WHERE id = ?1
            """)
        update.bind(1, campaign)
        update.bind(2, Int64(counts.new + counts.suppressed))
        update.bind(3, first)
        update.bind(4, last)
        try update.run()
    }
}
