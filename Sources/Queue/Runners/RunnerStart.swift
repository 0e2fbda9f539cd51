import Clock
import GRDB

#if canImport(Glibc)
    import Glibc
#endif

extension Queue {
    /// Registers this process as one that sends a campaign, after putting in order what dead ones left.
    ///
    /// A draft begins to send; a finished campaign stays finished until it gets new recipients.
    /// The campaign's own schedule holds as it is stored: nothing is begun before its hour or outside its window.
    /// - Parameters:
    ///   - limits: all that hold, those of the campaign included.
    ///   - doubt: what is made of all that is in doubt in the campaign.
    ///   - tries: who has had more of them is not sent again by the policy `resend`.
    ///   - arising: what is made of doubts that arise while it runs; nil for the same.
    ///   - refusals: the share (0…1) of final refusals among the campaign's last answers, of all processes, from which on it
    ///     is paused (`RefusalWatch`); nil never pauses it.
    ///   - window: the account's; it holds beside the campaign's.
    ///   - isEven: messages are spread over the window of the limit that allows least, with ±20 % of jitter, over all
    ///     processes. Limits by domain are not spread.
    ///   - sharesMX: domains are looked up before they are sent to (`Runner.learn`), where a limit by domain holds.
    ///   - goesOn: asked while what was sent earlier is taken in (`Runner.recall`).
    /// - Throws: `QueueError.halted` when the campaign is paused or cancelled, `.unclaimed` for a copied or restored
    ///   queue, `.networkFileSystem`, `.noSuchCampaign`.
    public func startRunner(
        _ campaign: Int64, account: String, source: String, limits: [Limit], doubt: DoubtPolicy,
        tries: Int = .max, arising: DoubtPolicy? = nil, refusals: Double? = nil, window: SendingWindow? = nil,
        isEven: Bool = false, sharesMX: Bool = false,
        goesOn: @Sendable () -> Bool = { true }
    ) async throws -> Runner {
        let path = path
        if let kind = FileSystem.networkKind(path) { throw QueueError.networkFileSystem(path: path, kind: kind) }
        let journal = try journal()
        let side = IdentityFile(queue: path)
        let goes = goesOn()
        let started = try await journal.write(isolated: true) { commit -> (Started, Identity) in
            let identity = try commit.checkedIdentity(side)
            let recovery = try commit.recoverDead(doubt, own: campaign, queue: path)
            let state = try commit.campaign(campaign).state
            guard state != .paused, state != .cancelled else { throw QueueError.halted(state) }
            try commit.start(campaign, state.after(.start))
            try commit.decideByPolicy(campaign, doubt, tries: tries)
            try commit.count(limits, campaign: campaign)
            var (charges, lock) = try commit.insertRunner(campaign, account, source, limits, queue: path)
            charges.openings = try commit.openings(campaign, window)
            charges.isEven = isEven
            charges.refusals = refusals
            charges.doubt = arising ?? doubt
            charges.sharesMX = sharesMX
            let standing = try commit.standing(limits, charges)
            // A little is recalled at once, so that it begins as a whole or not at all.
            let isKnown = try goes && commit.recallSome(RecallNeed(limits, campaign: campaign), campaign: campaign)
            return (
                Started(charges: charges, recovery: recovery, lock: lock, limits: standing, isKnown: isKnown), identity
            )
        }
        try side.write(started.1)
        let start = started.0
        let runner = Runner(
            queue: self, journal: journal, charges: start.charges, doubt: arising ?? doubt, recovered: start.recovery,
            lock: start.lock, limits: start.limits)
        guard !start.isKnown else { return runner }
        do {
            try await runner.recall(goesOn: goesOn)
        } catch {
            try? await runner.stop()
            throw error
        }
        return runner
    }
}

private struct Started: Sendable {
    var charges: Charges
    var recovery: Recovery
    var lock: RunnerLock
    var limits: [Limit]
    var isKnown: Bool
}

extension Commit {
    fileprivate func openings(_ campaign: Int64, _ window: SendingWindow?) throws -> Openings {
        let query = try prepare("SELECT schedule FROM content WHERE campaign = ?")
        query.bind(1, campaign)
        let schedule = try query.step() ? Queue.schedule(query.text(0)) : Schedule()
        query.reset()
        return Openings([window, schedule.window].compactMap { $0 }, start: schedule.at)
    }

    /// Limits as they hold now: a warm-up as the cap of its day.
    fileprivate func standing(_ limits: [Limit], _ charges: Charges) throws -> [Limit] {
        try limits.compactMap { limit in
            guard limit.warmup != nil else { return limit }
            guard let key = charges.keys.first(where: { $0.limits.contains(limit) }),
                let today = limit.allowance(first: try cap(key.id).firstAt, at: now.queue)
            else { return nil }
            return Limit(
                scope: limit.scope, key: limit.key, count: today.count, perMicroseconds: limit.perMicroseconds)
        }
    }

    private static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, 255) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    fileprivate func start(_ campaign: Int64, _ state: CampaignState) throws {
        let update = try prepare("UPDATE campaign SET started = ifnull(started, ?2) WHERE id = ?1")
        update.bind(1, campaign)
        update.bind(2, now.wall.microseconds)
        try update.run()
        try setState(campaign, state)
        try anchorClock()
    }

    fileprivate func insertRunner(
        _ campaign: Int64, _ account: String, _ source: String, _ limits: [Limit], queue path: String
    ) throws -> (Charges, RunnerLock) {
        var keys: [(id: Int64, name: String, limits: [Limit])] = []
        for (scope, name) in [
            (LimitScope.source, source), (.account, account), (.campaign, String(campaign)),
        ] {
            let holding = limits.filter { $0.scope == scope && $0.applies(to: name) }
            // Source and account are always counted, so that a limit set tomorrow knows of today.
            guard try scope != .campaign || isCounted(campaign: name) else { continue }
            keys.append((try capKey(scope, name), name, holding))
        }
        let insert = try prepare(
            """
            INSERT INTO runner (campaign, pid, host, boot, account, source, keys, started, heartbeat, status, seen)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, '', ?9)
            """)
        insert.bind(1, campaign)
        insert.bind(2, Int64(getpid()))
        insert.bind(3, Self.hostName())
        insert.bind(4, boot.boot)
        insert.bind(5, account)
        insert.bind(6, source)
        insert.bind(7, Self.keyText(keys.map(\.id)))
        insert.bind(8, now.wall.microseconds)
        insert.bind(9, now.queue)
        try insert.run()
        let id = db.lastInsertedRowID
        try beginSpell(campaign, runner: id, .sending, at: now.queue)
        // Locked before anybody can see the row, or it would be taken for dead.
        let lock = try RunnerLock(id, queue: path)
        var charges = Charges(
            campaign: campaign, runner: id, account: account, source: source, keys: keys,
            domainLimits: limits.filter { $0.scope == .domain })
        charges.campaignLimits = limits.filter { $0.scope == .campaign && $0.applies(to: String(campaign)) }
        charges.countsDomains = try recall(of: .domains) != nil
        charges.counting = counting
        return (charges, lock)
    }
}
