import Clock
import Mail
import Queue

/// What is to be forecast: how many people, under which caps, from when.
struct ForecastQuestion {
    let campaign: String
    /// People still to be sent to.
    let people: Int
    let basis: CourseBasis
    let start: Timestamp
    /// Over, cancelled or waiting for somebody: then nothing goes by itself.
    let state: CampaignState?
    let inDoubt: Int
    /// What is sent at the same time under the same caps.
    let beside: [CampaignBeside]
    /// Messages to reckon with until the last of these people has theirs.
    var load: Int { people + Queue.shared(people, beside) }

    /// - Parameter target: a folder, or the name of a campaign in the queue.
    /// - Throws: `Failure` (66, 78), `CSVError`, `QueueError`.
    init(_ target: String, _ installation: Installation, clock: any WallClock = SystemClock()) throws {
        let config = try installation.config()
        let queue = try installation.readingQueue()
        if CampaignFile.isCampaign(target) || target.contains("/") || target == "." || target == ".." {
            let file = try CampaignFile(folder: target)
            if let stored = try queue?.campaign(named: file.name), let queue {
                try self.init(stored, startAt: file.schedule.at, in: queue, config, clock)
            } else {
                try self.init(file, in: queue, config, clock)
            }
            return
        }
        let (reading, campaign) = try installation.reading(campaign: target)
        let startAt = campaign.folder.isEmpty ? nil : (try? CampaignFile(folder: campaign.folder))?.schedule.at
        try self.init(campaign, startAt: startAt, in: reading, config, clock)
    }

    /// A campaign in the queue: whoever waits there.
    init(_ campaign: Campaign, startAt: Timestamp?, in queue: Queue, _ config: Config, _ clock: any WallClock) throws {
        let tallies = campaign.tallies
        self.campaign = campaign.name
        state = campaign.state
        inDoubt = tallies.inDoubt
        people = tallies.pending + tallies.deferred
        let account = config.accounts.first { $0.name == campaign.account }
        let source = config.source(for: campaign)
        beside = try queue.others(besides: campaign.id, account: campaign.account, source: source)
        var basis = try queue.courseBasis(
            config.limits(for: campaign), account: campaign.account, source: source, campaign: campaign.id, domains: nil
        )
        let rate = try CampaignStatus.rate(campaign, in: queue, now: clock.now())
        if campaign.state == .sending, rate >= 1 { basis.step = Int64(1_000_000 / rate) }
        basis.isEven = account?.pace == .even
        basis.retries = try config.likelyRetries(campaign, in: queue, by: config.retryClassifier())
        basis.start = campaign.startedAt == nil ? startAt ?? campaign.schedule.at : campaign.schedule.at
        basis.windows = [account?.window, campaign.schedule.window].compactMap(\.self)
        start = max(basis.present, basis.start ?? basis.present)
        self.basis = basis
    }

    /// A folder that is not imported: whoever an import would take is counted.
    /// - Throws: `Failure` (65) for a list of nobody.
    init(_ file: CampaignFile, in queue: Queue?, _ config: Config, _ clock: any WallClock) throws {
        let intake = try Intake(file, config: config)
        campaign = file.name
        state = nil
        inDoubt = 0
        let limits = config.caps(for: intake.account) + file.limits.map(Limit.init)
        var count = 0
        var domains: [String: Int] = [:]
        let countsDomains = limits.contains { $0.scope == .domain }
        var known = try Self.suppressed(in: queue)
        var isEmpty = true
        var rows = try RecipientRows(path: file.recipients)
        while let row = try rows.next() {
            guard case .good(let good) = row else { continue }
            isEmpty = false
            guard !known.contains("*@\(good.domain)".hashValue), known.insert(good.key.hashValue).inserted else {
                continue
            }
            count += 1
            if countsDomains { domains[DomainGroup.key(good.domain), default: 0] += 1 }
        }
        if isEmpty { throw Failure(.badData, tr("{0} holds no recipients.", file.recipients)) }
        people = count
        let source = intake.account.source ?? "default"
        beside = try queue?.others(besides: nil, account: intake.account.name, source: source) ?? []
        var basis =
            try queue?.courseBasis(
                limits, account: intake.account.name, source: source, campaign: nil, domains: domains)
            ?? CourseBasis(limits, account: intake.account.name, source: source, domains: domains, clock: clock)
        basis.isEven = intake.account.pace == .even
        basis.start = file.schedule.at
        basis.windows = [intake.account.window, file.schedule.window].compactMap(\.self)
        start = max(basis.present, basis.start ?? basis.present)
        self.basis = basis
    }
    /// Hashes of what the suppression list holds: addresses, and domains as `*@example.org`. Hashes, not texts: a tenth of the
    /// memory, and enough to count.
    private static func suppressed(in queue: Queue?) throws -> Set<Int> {
        var known: Set<Int> = []
        guard let queue else { return known }
        var last = ""
        while true {
            let page = try queue.suppressions(after: last, limit: 10_000)
            for entry in page { known.insert(entry.key.hashValue) }
            guard let end = page.last, page.count == 10_000 else { return known }
            last = end.key
        }
    }
}
