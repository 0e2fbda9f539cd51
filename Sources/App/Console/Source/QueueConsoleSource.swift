import Clock
import Mail
import Queue
import Sender
import Synchronization

/// The console's figures and orders over the queue of this user.
final class QueueConsoleSource: ConsoleSource {
    private struct State {
        var reading: Queue?
        var writing: Queue?
        /// For people: a search may hold its connection for a while.
        var searching: Queue?
        /// Which file is open.
        var file: FilePath.Identity?
        /// How many files there were before it: each counts its commits from the beginning.
        var replaced = 0
        var setup: Setup?
        /// When it was read, in microseconds since boot.
        var setupRead: Int64 = 0
        var forecasts: [Int64: Forecasted] = [:]
    }

    private struct Setup {
        let config: Config
        /// `Config.retryClassifier()`
        let classifier: ReplyClassifier?
    }

    private struct Forecasted {
        var finish: Timestamp?
        /// In microseconds since boot: not to be reckoned anew before.
        var until: Int64
        var left: Int
    }

    private let places: Places
    private let clock: any WallClock
    private let processes: RunnerProcesses
    private let state = Mutex(State())

    /// - Parameters:
    ///   - places: where the queue, the configuration and the log are; the queue need not exist yet.
    ///   - runners: whether the processes it starts go on when this one has ended.
    init(places: Places, clock: any WallClock = SystemClock(), runners: ChildProcess.Bond = .none) throws {
        self.places = places
        self.clock = clock
        processes = RunnerProcesses(home: nil, log: places.log, bond: runners)
    }

    // MARK: Reading

    func changeCounter() throws -> Int {
        try follow()
        let commits = try reading()?.changeCounter() ?? 0
        return commits &+ state.withLock { $0.replaced } << 40
    }

    /// Lets go of a queue that is no longer where it was: what is read from it or written to it is lost.
    private func follow() throws {
        let file = FilePath.identity(places.queue)
        try state.withLock { state in
            guard let open = state.file, open != file else { return }
            (state.reading, state.writing, state.searching) = (nil, nil, nil)
            state.forecasts = [:]
            state.replaced += 1
            guard file != nil else {
                throw Failure(.notFound, tr("The queue {0} is gone; it is read again when it is back.", places.queue))
            }
            state.file = file
        }
    }

    func snapshot(selected: String?) throws -> Snapshot {
        guard let queue = try reading() else { return Snapshot() }
        var snapshot = Snapshot()
        let setup: Setup
        do {
            setup = try self.setup()
        } catch {
            snapshot.warnings.append(told("\(error)".firstLine))
            let empty = try Config(TOMLFile(text: "", path: places.config), presets: PresetCatalogue(folder: ""))
            setup = Setup(config: empty, classifier: nil)
        }
        if let objection = try? queue.claimObjection() {
            snapshot.warnings.append(tr("this queue does not send until it is claimed: {0}", told(objection)))
        }
        for campaign in try queue.campaigns() {
            let isSelected = campaign.name == selected
            // Only what may move is looked at in full; the rest is in its row.
            if isSelected || campaign.state == .sending {
                let view = try CampaignView(
                    campaign, queue, setup.config, setup.classifier, clock, endings: processes.endings)
                var row = try view.row()
                row.finish = try finish(campaign, view)
                snapshot.campaigns.append(row)
                if isSelected { snapshot.open = try view.detail() }
            } else {
                snapshot.campaigns.append(try CampaignView.restingRow(campaign, queue))
            }
        }
        return snapshot
    }

    /// The forecast runs the limiter forward, which costs with the size of the campaign: it is kept for a hundred times as
    /// long as it took, and five seconds at least.
    private func finish(_ campaign: Campaign, _ view: CampaignView) throws -> Timestamp? {
        let left = campaign.tallies.pending + campaign.tallies.deferred + campaign.tallies.sending
        guard left > 0, campaign.state == .sending || campaign.state == .draft || campaign.state == .paused else {
            return nil
        }
        let start = clock.sinceBoot().microseconds
        if let known = state.withLock({ $0.forecasts[campaign.id] }), start < known.until, known.left >= left {
            // What was foretold a moment ago may have passed.
            return known.finish.map { max($0, clock.now()) }
        }
        let found = try view.forecast()
        let end = clock.sinceBoot().microseconds
        let entry = Forecasted(finish: found, until: end + max(5_000_000, (end - start) * 100), left: left)
        state.withLock { $0.forecasts[campaign.id] = entry }
        return found
    }

    func terms(_ name: String) throws -> StartTerms {
        guard let queue = try reading(), let campaign = try queue.campaign(named: name) else {
            throw Failure(.notFound, tr("There is no campaign \"{0}\".", name))
        }
        let setup = try setup()
        let view = try CampaignView(campaign, queue, setup.config, setup.classifier, clock, endings: [:])
        let people = campaign.tallies.pending + campaign.tallies.deferred + campaign.tallies.sending
        let source = setup.config.source(for: campaign)
        let limits = setup.config.limits(for: campaign).filter { $0.holds(account: campaign.account, source: source) }
        let account = setup.config.accounts.first { $0.name == campaign.account }
        let first = try queue.nextBegin(
            campaign, from: clock.now(), limits: limits, account: campaign.account, source: source,
            window: account?.window, isEven: account?.pace == .even, domain: nil)
        return StartTerms(
            campaign: name, people: people, leftOut: campaign.total - people, account: campaign.account,
            from: (try? CampaignContent(decoding: campaign.content).from) ?? "", first: first,
            finish: try view.forecast(),
            caps: limits.map { limit in
                [LimitReport.word(limit.scope), limit.key, LimitText.text(limit)].compactMap(\.self).joined(
                    separator: " ")
            }.joined(separator: ", "),
            isResumed: campaign.startedAt != nil)
    }

    // MARK: People

    func people(_ query: PeopleQuery, progress: (Int) throws -> Void) throws -> RecipientReader {
        let (queue, id) = try searching(query.campaign)
        return try RecipientReader(
            queue, RecipientQuery(campaign: id, state: query.state, text: query.text), progress: progress)
    }

    func people(_ campaign: String, ids: [Int64]) throws -> [RecipientRecord] {
        let (queue, id) = try searching(campaign)
        return try queue.recipients(id, ids: ids)
    }

    func story(_ email: String) throws -> [String] {
        let rules = try ReplyRules.load(folder: places.configFolder)
        let report = try StoryReport(
            Mailbox(parsing: email), try searching(), try setup().config, ReplyClassifier(rules: rules),
            now: clock.now())
        // The address is the heading already.
        return Array(report.lines.dropFirst())
    }

    // MARK: Orders

    func settle(_ name: String, email: String?, as decision: DoubtDecision) throws -> Int {
        let (queue, id) = try ordering(name)
        return try queue.settleInDoubt(id, as: decision, emails: try email.map { [try Mailbox.key(of: $0)] })
    }

    func pause(_ name: String) throws {
        let (queue, id) = try ordering(name)
        try queue.pause(id, reason: Standstill.byConsole, by: Author.name)
    }

    func resume(_ name: String) throws {
        let (queue, id) = try ordering(name)
        try queue.resume(id, by: Author.name)
        if try queue.runners(id).isEmpty, !processes.alive().contains(name) { try processes.start(name) }
    }

    func start(_ name: String) throws {
        guard !processes.alive().contains(name) else { return }
        try Places.makeFolder(of: places.log)
        try processes.start(name)
    }

    func ownRunners() -> [String] { processes.alive() }

    func drain() { processes.drain() }

    // MARK: What is open

    func reading() throws -> Queue? { try open(\.reading) }
    private func searching() throws -> Queue? { try open(\.searching) }

    private func open(_ place: WritableKeyPath<State, Queue?> & Sendable) throws -> Queue? {
        try state.withLock { state in
            if let open = state[keyPath: place] { return open }
            guard let file = FilePath.identity(places.queue) else { return nil }
            do {
                state[keyPath: place] = try Queue.open(at: places.queue, access: .readOnly, clock: clock)
            } catch QueueError.missing {
                return nil  // another process is making it at this moment
            }
            state.file = state.file ?? file
            return state[keyPath: place]
        }
    }

    private func searching(_ name: String) throws -> (Queue, Int64) {
        guard let queue = try searching() else { throw Failure(.notFound, tr("There is no campaign \"{0}\".", name)) }
        return (queue, try Installation.campaign(name, in: queue).id)
    }

    /// The queue for an order: opened for writing at the first one.
    func writing() throws -> Queue {
        try follow()
        return try state.withLock { state in
            if let open = state.writing { return open }
            let open = try Queue.open(at: places.queue, access: .readWrite, clock: clock)
            state.writing = open
            return open
        }
    }

    private func ordering(_ name: String) throws -> (Queue, Int64) {
        let queue = try writing()
        return (queue, try Installation.campaign(name, in: queue).id)
    }

    /// The configuration as it was at most ten seconds ago.
    private func setup() throws -> Setup {
        let now = clock.sinceBoot().microseconds
        if let known = state.withLock({ now - $0.setupRead < 10_000_000 ? $0.setup : nil }) { return known }
        let config = try Config.load(places)
        let setup = Setup(config: config, classifier: try config.retryClassifier())
        state.withLock {
            $0.setup = setup
            $0.setupRead = now
        }
        return setup
    }
}

extension String {
    /// Up to the first line break.
    var firstLine: String { String(prefix { !$0.isNewline }) }
}
