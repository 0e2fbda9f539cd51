import Clock
import Glibc
import Mail
import Queue
import Sender
import Synchronization

/// One `outpost send`: from what was typed to how it ended.
struct Delivery {
    /// What was named on the command line.
    enum Target {
        case folder(CampaignFile)
        case name(String)
    }

    let installation: Installation
    let config: Config
    let target: Target
    var acceptsChanges = false
    var limit: Int?
    var sessions: Int?
    var wait = false
    var doubt: DoubtPolicy?
    var progress = ProgressReporter.Style.auto
    /// A person is asked before the first send.
    var asks = false
    /// A start missed by more than half an hour is made up for without a question.
    var acceptsLateness = false

    /// Open files of a run beside its sessions: the queue's, the lanes', name servers', certificates, log, retention.
    private static let otherFiles = 24

    /// - Throws: `Failure` (66, 78).
    init(installation: Installation, target text: String) throws {
        self.installation = installation
        config = try installation.config()
        if CampaignFile.isCampaign(text) || text.contains("/") || text == "." || text == ".." {
            target = .folder(try CampaignFile(folder: text))
        } else {
            target = .name(text)
        }
    }

    // MARK: Dry run

    /// Renders everything and says so; nothing is stored, nothing sent.
    /// - Throws: `Failure` (65) when a message cannot be made.
    func rehearse() throws {
        switch target {
        case .folder(let file):
            let intake = try Intake(file, config: config)
            let review = try Review(file, account: intake.account)
            for error in review.errors { Notice.line(tr("error: {0}", error)) }
            for warning in review.warnings { Notice.line(tr("warning: {0}", warning)) }
            try sayRehearsed(file.name, people: review.people, bytes: review.bytes)
            guard review.errors.isEmpty else {
                throw Failure(.badData, tr("Not every message can be made; nothing was sent."))
            }
        case .name(let name):
            let (queue, campaign) = try installation.reading(campaign: name)
            let plan = try FrozenMessage.plan(campaign, in: queue)
            let rehearsal = try Rehearsal(campaign, plan, in: queue)
            for error in rehearsal.errors { Notice.line(tr("error: {0}", error)) }
            try sayRehearsed(name, people: rehearsal.people, bytes: rehearsal.bytes)
            guard rehearsal.errors.isEmpty else {
                throw Failure(.badData, tr("Not every message can be made; nothing was sent."))
            }
        }
    }

    private func sayRehearsed(_ name: String, people: Int, bytes: Int) throws {
        try StandardOutput.print(
            tr(
                "{0}: {1} messages rendered, {2} altogether; nothing was sent.", name, NumberText.count(people),
                NumberText.bytes(bytes)) + "\n")
    }

    // MARK: Sending

    /// Imports, asks, sends, and says how it ended.
    /// - Throws: `Failure`, `QueueError` and what else keeps it from beginning.
    func run() async throws -> EndingReport {
        let queue: Queue
        let campaign: Campaign
        switch target {
        case .folder(let file):
            let intake = try Intake(file, config: config)
            queue = try installation.queue(creating: true)
            let outcome = try intake.store(in: queue) { ChangedMessage.accept(file.name, flag: acceptsChanges) }
            Notice.line("\(file.name): \(ImportReport.line(outcome.counts))")
            ImportReport.notice(outcome)
            campaign = outcome.campaign
        case .name(let name):
            _ = try installation.reading(campaign: name)
            queue = try installation.queue()
            campaign = try Installation.campaign(name, in: queue)
        }
        return try await send(campaign, in: queue)
    }

    private func send(_ campaign: Campaign, in queue: Queue) async throws -> EndingReport {
        let clock = SystemClock()
        if campaign.state == .paused || campaign.state == .cancelled {
            let ending: Ending = campaign.state == .paused ? .paused : .cancelled
            return say(EndingReport(ending, campaign, signal: nil, now: clock.now()), campaign)
        }
        let settings = try config.account(named: campaign.account)
        var account = try config.sender(settings, campaign: campaign.name)
        if let sessions { account.sessions = sessions }
        let files = ProcessMemory.raiseOpenFiles()
        let most = max(1, files - Self.otherFiles)
        if account.sessions > most {
            Notice.line(
                tr(
                    "{0} sessions need more open files than the {1} allowed here (ulimit -n); {2} are used.",
                    "\(account.sessions)", "\(files)", "\(most)"))
            account.sessions = most
        }
        let plan = try FrozenMessage.plan(campaign, in: queue)
        let classifier = ReplyClassifier(rules: try ReplyRules.load(folder: installation.places.configFolder))
        if !settings.dkim.isEmpty {
            Notice.line(tr("Account \"{0}\": dkim is not signed with by this version yet.", settings.name))
        }
        // A password that cannot be had ends it here, before anybody is tried.
        if account.user != nil { _ = try await account.password() }
        if asks, campaign.startedAt == nil { try confirm(campaign, account, plan, classifier, in: queue) }
        let off = try queue.uncountedTimeOff()
        if off > .seconds(60) {
            Notice.line(
                tr(
                    "This machine's clock is not synchronised since it was started: the {0} it was off by that clock count for the caps only once it is (timedatectl).",
                    TimeText.span(off)))
        }
        let signals = Signals()
        if let ending = try await waitForStart(campaign, signals) {
            return say(EndingReport(ending, campaign, signal: signals.received, now: clock.now()), campaign)
        }
        let doubts = try await doubtPolicies(campaign, in: queue)
        let dispatcher = Dispatcher(
            queue: queue, campaign: campaign, account: account, plan: plan, classifier: classifier,
            options: SendOptions(
                limit: limit, wait: wait, doubt: doubts.now, arising: doubts.later,
                lanes: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), resolver: config.dns.resolver),
            clock: clock)
        signals.drain { dispatcher.drain() }
        let reporter = ProgressReporter(
            progress, campaign: campaign.name, queue: queue, config: config, classifier: classifier, clock: clock)
        installation.log.write(.info, "send \(campaign.name) over \(account.name) (\(account.server))")
        let keeper = RetentionKeeper(queue, config)
        defer { keeper.stop() }
        let ending: Ending
        let last = Mutex(Progress())
        do {
            ending = try await dispatcher.run { picture in
                last.withLock { $0 = picture }
                reporter.take(picture)
            }
        } catch {
            reporter.finish()
            throw error
        }
        reporter.finish()
        let after = try Installation.campaign(campaign.name, in: queue)
        return say(
            EndingReport(
                ending, after, run: last.withLock { $0 }, signal: signals.received, now: clock.now()), after)
    }

    /// What is done about those in doubt, and about doubts that arise: with a mailbox to ask, it is asked first, at the next
    /// start.
    private func doubtPolicies(
        _ campaign: Campaign, in queue: Queue
    ) async throws -> (now: DoubtPolicy, later: DoubtPolicy) {
        let policy = doubt ?? config.doubtPolicy
        let asksMailbox = config.doubtEvidence == .mailbox
        let now =
            asksMailbox
            ? try await DoubtBeforeSending(queue: queue, campaign: campaign, config: config, policy: policy).settle()
            : policy
        let count = try Installation.campaign(campaign.name, in: queue).tallies.inDoubt
        if count > 0 {
            switch now {
            case .hold: break
            case .resend:
                Notice.line(
                    tr(
                        "{0} in doubt: by the policy resend they are sent again, as often as retry allows.",
                        NumberText.count(count)))
            case .assumeSent:
                Notice.line(
                    tr("{0} in doubt: by the policy assume-sent they count as sent.", NumberText.count(count)))
            }
        }
        return (now, asksMailbox ? .hold : policy)
    }

    private func say(_ report: EndingReport, _ campaign: Campaign) -> EndingReport {
        Notice.line(report.what)
        if let next = report.next { Notice.line("  " + next) }
        installation.log.write(.info, "\(campaign.name): \(report.what)")
        return report
    }

    /// How many, from when, until when: the last moment to think again.
    private func confirm(
        _ campaign: Campaign, _ account: Account, _ plan: MessagePlan, _ classifier: ReplyClassifier, in queue: Queue
    ) throws {
        let status = try CampaignStatus(campaign, in: queue, config: config, by: classifier)
        let people = NumberText.count(campaign.tallies.pending)
        let start = campaign.schedule.at.map { TimeText.moment($0, now: status.now) } ?? tr("now")
        let finish = status.forecast.map { "~" + TimeText.moment($0, now: status.now) } ?? tr("a few moments later")
        let question = tr(
            "Send \"{0}\" to {1} people, from {2} over {3}, beginning {4} and finishing {5}?", campaign.name, people,
            plan.envelopeFrom, "\(account.name) (\(account.server))", start, finish)
        guard Notice.confirm(question) else {
            throw Failure(
                .workLeft, tr("Nothing was sent."), next: tr("When you are ready: outpost send {0}", campaign.name))
        }
    }

    // MARK: Schedule

    /// Waits for the campaign's hour, or ends with it; nil when it may begin.
    private func waitForStart(_ campaign: Campaign, _ signals: Signals) async throws -> Ending? {
        let clock = SystemClock()
        guard let start = campaign.schedule.at, campaign.startedAt == nil else { return nil }
        let moment = TimeText.moment(start, now: clock.now())
        if start > clock.now() {
            guard wait else {
                throw Failure(
                    .workLeft, tr("\"{0}\" is not to be sent before {1}.", campaign.name, moment),
                    next: tr("To wait for it: outpost send {0} --wait", campaign.name))
            }
            Notice.line(tr("\"{0}\" begins at {1}.", campaign.name, moment))
            while clock.now() < start {
                if signals.received != nil { return .interrupted }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
        // After the wait too: the machine may have slept over the hour.
        try consentToLateness(campaign, start, now: clock.now())
        return nil
    }

    /// An hour missed by more than half an hour is no longer the hour that was meant: somebody decides.
    private func consentToLateness(_ campaign: Campaign, _ start: Timestamp, now: Timestamp) throws {
        guard campaign.schedule.isMissed(startedAt: campaign.startedAt, now: now), !acceptsLateness else { return }
        let moment = TimeText.moment(start, now: now)
        let late = TimeText.span(now - start)
        if Interaction.isPossible {
            let question = tr(
                "\"{0}\" was to begin at {1}, {2} ago, and nobody was running. Begin now?", campaign.name, moment, late)
            if Notice.confirm(question) { return }
        }
        throw Failure(
            .workLeft,
            tr(
                "\"{0}\" was to begin at {1}, {2} ago, and nobody was running; nothing was sent.", campaign.name,
                moment,
                late),
            next: tr(
                "To begin now all the same: outpost send {0} --late. To choose another time: at in campaign.toml.",
                campaign.name))
    }
}
