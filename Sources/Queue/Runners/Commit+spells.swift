import GRDB

/// Writing spells: one row when a cause changes, never one a message.
extension Commit {
    /// A campaign keeps so many, and the rest as one.
    private static let kept: Int64 = 4_000
    private static let trimmedEvery: Int64 = 512

    /// Ends the runner's spell, and begins the next one at the same moment.
    func turnSpell(_ campaign: Int64, runner: Int64, to cause: WaitCause, at time: Int64) throws {
        try endSpells(campaign, runner: runner, at: time)
        try beginSpell(campaign, runner: runner, cause, at: time)
    }

    func beginSpell(_ campaign: Int64, runner: Int64, _ cause: WaitCause, at time: Int64) throws {
        let insert = try prepare("INSERT INTO spell (campaign, runner, kind, what, since) VALUES (?, ?, ?, ?, ?)")
        insert.bind(1, campaign)
        insert.bind(2, runner)
        insert.bind(3, cause.kind.rawValue)
        insert.bind(4, String(cause.what.prefix(200)))
        insert.bind(5, time)
        try insert.run()
        if db.lastInsertedRowID % Self.trimmedEvery == 0 { try trimSpells(campaign) }
    }

    func endSpells(_ campaign: Int64, runner: Int64, at time: Int64) throws {
        let update = try prepare(
            """
            UPDATE spell INDEXED BY spell_open SET until = max(since, ?3)
            WHERE runner = ?1 AND campaign = ?2 AND until IS NULL
            """)
        update.bind(1, runner)
        update.bind(2, campaign)
        update.bind(3, time)
        try update.run()
    }

    /// The campaign's own spell: a state in which nobody sends it has one.
    func markState(_ campaign: Int64, _ state: CampaignState, why: String = "") throws {
        try endSpells(campaign, runner: 0, at: now.queue)
        let kind: SpellKind? =
            switch state {
            case .paused: .paused
            case .finished: .finished
            case .cancelled: .cancelled
            case .draft, .sending: nil
            }
        if let kind { try beginSpell(campaign, runner: 0, WaitCause(kind, why), at: now.queue) }
    }

    /// The oldest ones become one whose cause is not known any more.
    private func trimSpells(_ campaign: Int64) throws {
        let query = try prepare(
            "SELECT id FROM spell INDEXED BY spell_campaign WHERE campaign = ? ORDER BY id DESC LIMIT 1 OFFSET ?")
        query.bind(1, campaign)
        query.bind(2, Self.kept)
        guard try query.step() else { return }
        let last = query.integer(0)
        query.reset()
        let update = try prepare(
            """
            UPDATE spell SET runner = 0, kind = 'unrecorded', what = '',
                until = (SELECT max(until) FROM spell WHERE campaign = ?1 AND id <= ?2)
            WHERE id = (SELECT id FROM spell WHERE campaign = ?1 AND until IS NOT NULL ORDER BY id LIMIT 1)
            """)
        update.bind(1, campaign)
        update.bind(2, last)
        try update.run()
        let delete = try prepare(
            """
            DELETE FROM spell WHERE campaign = ?1 AND id <= ?2 AND until IS NOT NULL
                AND id > (SELECT id FROM spell WHERE campaign = ?1 AND until IS NOT NULL ORDER BY id LIMIT 1)
            """)
        delete.bind(1, campaign)
        delete.bind(2, last)
        try delete.run()
    }
}
