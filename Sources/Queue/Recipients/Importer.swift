import Clock
import GRDB

extension Queue {
    /// Brings rows of a list into a campaign. Running it again, also after a crash half-way, adds only what is missing.
    /// - Throws: `QueueError.noSuchCampaign`, or `.illegalTransition` when it was cancelled.
    public func importer(for campaign: Int64) throws -> Importer {
        let journal = try journal()
        let last = try writeNow { commit in
            _ = try commit.campaign(campaign).state.after(.refill)
            return try Int64.fetchOne(commit.db, sql: "SELECT max(id) FROM recipient") ?? 0
        }
        return Importer(campaign: campaign, journal: journal, lastBefore: last)
    }
}

/// Stores recipients while the caller goes on reading; only a few small batches are in memory.
///
/// One thread uses it; all functions throw `QueueError`.
public final class Importer {
    private static let batchSize = 1_000
    private let pipe: ImportPipe
    private var rows: [ImportRow] = []

    init(campaign: Int64, journal: Journal, lastBefore: Int64) {
        pipe = ImportPipe(campaign: campaign, journal: journal, lastBefore: lastBefore)
        rows.reserveCapacity(Self.batchSize)
    }

    /// Takes a row; it is durable at the latest when `finish` has returned.
    public func add(_ row: ImportRow) throws {
        rows.append(row)
        if rows.count >= Self.batchSize { try flush() }
    }

    /// Stores what is left, and says what became of all rows. `rejected` is 0: those never came here.
    public func finish() throws -> ImportCounts {
        try flush()
        return try pipe.finish()
    }

    private func flush() throws {
        guard !rows.isEmpty else { return }
        let taken = rows
        rows = []
        rows.reserveCapacity(Self.batchSize)
        try pipe.put(taken)
    }
}

extension Commit {
    func store(_ rows: [ImportRow], _ campaign: Int64, _ lastBefore: Int64) throws -> ImportCounts {
        let state = try self.campaign(campaign).state.after(.refill)
        let anySuppression = try suppressionInUse()
        var counts = ImportCounts()
        counts.in = rows.count
        let insert = try prepare(
            """
            INSERT INTO recipient (campaign, key, email, domain, fields, line, state) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO NOTHING
            """)
        var first: Int64 = 0
        var last: Int64 = 0
        for row in rows {
            let suppressed = try anySuppression && isSuppressed(key: row.key, domain: row.domain)
            insert.bind(1, campaign)
            insert.bind(2, row.key)
            insert.bind(3, row.email == row.key ? nil : row.email)
            insert.bind(4, Commit.domain(of: row.email) == row.domain ? nil : row.domain)
            insert.bind(5, row.fields)
            insert.bind(6, Int64(row.line))
            insert.bind(7, suppressed ? 5 : 0 as Int64)
            try insert.run()
            if db.changesCount == 0 {
                if try isKnown(row.key, campaign, lastBefore) { counts.known += 1 } else { counts.duplicate += 1 }
                continue
            }
            last = db.lastInsertedRowID
            if first == 0 { first = last }
            if suppressed { counts.suppressed += 1 } else { counts.new += 1 }
        }
        guard counts.new + counts.suppressed > 0 else { return counts }
        try add(campaign, count: counts.new, to: .pending)
        try add(campaign, count: counts.suppressed, to: .suppressed)
        if counts.new > 0 { try setState(campaign, state) }
        let update = try prepare(
            """
            UPDATE campaign SET total = total + ?2, first = iif(first = 0, ?3, first), last = max(last, ?4) WHERE id = ?1
            """)
        update.bind(1, campaign)
        update.bind(2, Int64(counts.new + counts.suppressed))
        update.bind(3, first)
        update.bind(4, last)
        try update.run()
        return counts
    }

    private func isKnown(_ key: String, _ campaign: Int64, _ lastBefore: Int64) throws -> Bool {
        let query = try prepare("SELECT id FROM recipient WHERE campaign = ? AND key = ?")
        query.bind(1, campaign)
        query.bind(2, key)
        guard try query.step() else { return false }
        defer { query.reset() }
        return query.integer(0) <= lastBefore
    }
}
