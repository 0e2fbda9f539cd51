import Clock
import FoundationEssentials
import GRDB

/// Joins column names and values; it cannot be in a CSV field the caller accepts (ASCII "unit separator").
let unitSeparator = "\u{1F}"

extension Queue {
    /// Stores a new campaign, a draft.
    /// - Throws: `QueueError.campaignExists`.
    public func create(_ draft: CampaignDraft) throws -> Campaign {
        let limits = try encode(draft.limits)
        let schedule = try encode(draft.schedule)
        let id = try writeNow { commit in
            let db = commit.db
            guard try Int64.fetchOne(db, sql: "SELECT id FROM campaign WHERE name = ?", arguments: [draft.name]) == nil
            else { throw QueueError.campaignExists(draft.name) }
            try db.execute(
                sql: "INSERT INTO campaign (name, account, created) VALUES (?, ?, ?)",
                arguments: [draft.name, draft.account, commit.now.wall.microseconds])
            let id = db.lastInsertedRowID
            try db.execute(
                sql: """
                    INSERT INTO content (campaign, folder, columns, limits, schedule, hash, bytes)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    id, draft.folder, draft.columns.joined(separator: unitSeparator), limits, schedule,
                    draft.contentHash,
                    Data(draft.content),
                ])
            try commit.store(draft.attachments)
            try commit.record(id, kind: "created", "The campaign was created.")
            return id
        }
        guard let campaign = try campaign(id: id) else { throw QueueError.noSuchCampaign(draft.name) }
        return campaign
    }

    /// Replaces what a campaign sends by what its folder says now, after somebody has accepted the change.
    /// - Throws: `QueueError.columnsChanged` when recipients are stored and the columns are not the same ones.
    public func freeze(_ draft: CampaignDraft, for campaign: Int64) throws {
        let limits = try encode(draft.limits)
        let schedule = try encode(draft.schedule)
        try writeNow { commit in
            let db = commit.db
            let work = try commit.campaign(campaign)
            guard work.state != .cancelled else {
                throw QueueError.illegalTransition(from: .cancelled, order: .refill)
            }
            let row = try Row.fetchOne(
                db, sql: "SELECT columns, hash FROM content WHERE campaign = ?", arguments: [campaign])
            let columns = draft.columns.joined(separator: unitSeparator)
            if let was: String = row?[0], was != columns, work.tallies.total > 0 {
                throw QueueError.columnsChanged(was: Self.split(was), now: draft.columns)
            }
            try db.execute(
                sql: """
                    UPDATE content SET folder = ?, columns = ?, limits = ?, schedule = ?, hash = ?, bytes = ?
                    WHERE campaign = ?
                    """,
                arguments: [draft.folder, columns, limits, schedule, draft.contentHash, Data(draft.content), campaign])
            try db.execute(
                sql: "UPDATE campaign SET account = ? WHERE id = ?", arguments: [draft.account, campaign])
            try commit.store(draft.attachments)
            if let hash: String = row?[1], hash != draft.contentHash {
                try commit.record(campaign, kind: "changed", "A changed message was accepted (\(draft.contentHash)).")
            }
        }
    }

    /// Stores bytes under names of the caller's; what is there already under one is replaced.
    public func keep(_ attachments: [StoredAttachment]) throws {
        try writeNow { commit in
            for attachment in attachments {
                try commit.db.execute(
                    sql: """
                        INSERT INTO attachment (hash, bytes) VALUES (?, ?)
                        ON CONFLICT DO UPDATE SET bytes = excluded.bytes
                        """, arguments: [attachment.hash, Data(attachment.bytes)])
            }
        }
    }

    /// The bytes of a stored attachment.
    public func attachment(hash: String) throws -> [UInt8]? {
        try read { db, _ in
            try Data.fetchOne(db, sql: "SELECT bytes FROM attachment WHERE hash = ?", arguments: [hash]).map {
                [UInt8]($0)
            }
        }
    }

    public func campaign(named name: String) throws -> Campaign? {
        try read { db, _ in
            try Row.fetchOne(db, sql: Self.selectCampaign + " WHERE name = ?", arguments: [name]).map(Self.campaign)
        }
    }

    public func campaign(id: Int64) throws -> Campaign? {
        try read { db, _ in
            try Row.fetchOne(db, sql: Self.selectCampaign + " WHERE id = ?", arguments: [id]).map(Self.campaign)
        }
    }

    /// All campaigns, newest first.
    public func campaigns() throws -> [Campaign] {
        try read { db, _ in
            try Row.fetchAll(db, sql: Self.selectCampaign + " ORDER BY id DESC").map(Self.campaign)
        }
    }

    /// Nothing new is begun from this commit on, by any process; what is in flight is settled.
    /// - Parameter by: who orders it, `ann@host`; kept with the order.
    public func pause(_ campaign: Int64, reason: String, by: String = "") throws {
        try order(.pause, campaign, reason, by)
    }

    /// It may send again; a runner does it.
    public func resume(_ campaign: Int64, by: String = "") throws { try order(.resume, campaign, "", by) }

    /// Ends it for good: who was not sent to will not be.
    public func cancel(_ campaign: Int64, reason: String = "", by: String = "") throws {
        try order(.cancel, campaign, reason, by)
    }

    private func order(_ order: CampaignOrder, _ campaign: Int64, _ reason: String, _ by: String) throws {
        try writeNow { try $0.order(order, campaign, reason, by: by) }
    }

    /// `lunch (ann@host)`, for where one text is told.
    public static func words(_ reason: String, by: String) -> String {
        by.isEmpty ? reason : reason.isEmpty ? by : "\(reason) (\(by))"
    }

    // MARK: Rows

    private static let selectCampaign = """
        SELECT id, name, state, reason, account, folder, columns, bytes, hash, limits, total, created, started, finished,
            pending, deferred, sending, sent, failed, suppressed, in_doubt, cancelled, schedule
        FROM campaign JOIN content ON content.campaign = campaign.id
        """

    private static func campaign(_ row: Row) -> Campaign {
        var tallies = Tallies()
        for code in 0..<8 { tallies[RecipientState(code: Int64(code))] = row[14 + code] }
        let limits: String = row[9]
        let bytes: Data = row[7]
        return Campaign(
            id: row[0], name: row[1], state: CampaignState(code: row[2]), reason: row[3], account: row[4],
            folder: row[5], columns: split(row[6]), content: [UInt8](bytes), contentHash: row[8],
            limits: (try? JSONDecoder().decode([Limit].self, from: Data(limits.utf8))) ?? [],
            schedule: schedule(row[22]), tallies: tallies,
            total: row[10], createdAt: Timestamp(microseconds: row[11]),
            startedAt: (row[12] as Int64?).map { Timestamp(microseconds: $0) },
            finishedAt: (row[13] as Int64?).map { Timestamp(microseconds: $0) })
    }

    private static func split(_ columns: String) -> [String] {
        columns.isEmpty ? [] : columns.split(separator: "\u{1F}", omittingEmptySubsequences: false).map(String.init)
    }

    static func schedule(_ text: String) -> Schedule {
        (try? JSONDecoder().decode(Schedule.self, from: Data(text.utf8))) ?? Schedule()
    }

    private func encode(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }
}

extension Commit {
    /// - Parameter by: who gives it; empty for the program itself.
    func order(_ order: CampaignOrder, _ campaign: Int64, _ reason: String, by: String = "") throws {
        let before = try self.campaign(campaign).state
        let after = try before.after(order)
        guard after != before else { return }
        try setState(campaign, after, why: Queue.words(reason, by: by))
        try db.execute(sql: "UPDATE campaign SET reason = ? WHERE id = ?", arguments: [reason, campaign])
        if after == .cancelled { try cancelRecipients(campaign) }
        try record(campaign, kind: order.rawValue, reason.isEmpty ? "By order." : reason, by: by)
    }

    fileprivate func store(_ attachments: [StoredAttachment]) throws {
        for attachment in attachments {
            try db.execute(
                sql: "INSERT INTO attachment (hash, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING",
                arguments: [attachment.hash, Data(attachment.bytes)])
        }
    }

    /// All that wait, in one statement over `recipient_due`: its cost grows with the campaign, once in its life.
    fileprivate func cancelRecipients(_ campaign: Int64) throws {
        for state in [RecipientState.pending, .deferred] {
            try db.execute(
                sql: """
                    UPDATE recipient INDEXED BY recipient_due SET state = 7, due = 0
                    WHERE campaign = ? AND state < 2 AND state = ?
                    """, arguments: [campaign, state.code])
            try move(campaign, count: db.changesCount, from: state, to: .cancelled)
        }
    }
}
