import Clock
import Mail
import Queue
import Sender

/// One campaign as the console shows it, from what the queue says.
struct CampaignView {
    let campaign: Campaign
    let limits: [LimitUse]
    private let queue: Queue
    private let config: Config
    private let classifier: ReplyClassifier?
    private let now: Timestamp
    private let runners: [RunnerRecord]
    private let rate: Double
    /// How processes of this console ended that are no more, by campaign.
    private let endings: [String: Int32]

    init(
        _ campaign: Campaign, _ queue: Queue, _ config: Config, _ classifier: ReplyClassifier?, _ clock: any WallClock,
        endings: [String: Int32]
    ) throws {
        self.campaign = campaign
        self.queue = queue
        self.config = config
        self.classifier = classifier
        self.endings = endings
        now = clock.now()
        limits = try queue.limitUse(
            config.limits(for: campaign), account: campaign.account, source: config.source(for: campaign),
            domains: nil, campaign: campaign.id)
        runners = try queue.runners(campaign.id)
        rate = try CampaignStatus.rate(campaign, in: queue, now: now)
    }

    /// When everybody will have been tried, by the limiter run forward.
    func forecast() throws -> Timestamp? {
        try queue.forecast(
            campaign.id, limits: config.limits(for: campaign), account: campaign.account,
            source: config.source(for: campaign), pace: rate > 0 ? rate : nil,
            pacing: config.pacing(for: campaign, in: queue, by: classifier))
    }

    /// A campaign of which nothing moves and nothing is asked.
    static func restingRow(_ campaign: Campaign, _ queue: Queue) throws -> CampaignRow {
        var row = CampaignRow(
            id: campaign.id, name: campaign.name, account: campaign.account, activity: .draft,
            tallies: campaign.tallies, started: campaign.startedAt, finished: campaign.finishedAt)
        switch campaign.state {
        case .draft: row.standstill = .notStarted
        case .sending: row.activity = .idle
        case .paused:
            row.activity = .paused
            let order = try queue.lastOrder(campaign.id)
            row.standstill = .paused(
                why: Queue.words(Standstill.reason(campaign.reason), by: order?.by ?? ""), at: order?.at)
        case .finished:
            row.activity = .finished
            row.standstill = .finished(at: campaign.finishedAt)
        case .cancelled:
            row.activity = .cancelled
            row.standstill = .cancelled
        }
        return row
    }

    func row() throws -> CampaignRow {
        var row = try Self.restingRow(campaign, queue)
        if campaign.state == .draft, campaign.schedule.isMissed(startedAt: campaign.startedAt, now: now) {
            row.standstill = .said(
                tr(
                    "its scheduled start was missed; to begin now: outpost send {0} --late",
                    ShellWords.quoted(campaign.name)), until: nil)
        }
        // A process that was started and could not even begin.
        if campaign.state == .draft, runners.isEmpty, let code = endings[campaign.name],
            ![0, 75, 130, 143].contains(code)
        {
            row.standstill = stopped
        }
        guard campaign.state == .sending else { return row }
        row.perMinute = Int((rate * 60).rounded())
        if runners.isEmpty {
            row.standstill = stopped
            // Who waits for a decision is not forgotten by anybody.
            if case .inDoubt = row.standstill { row.activity = .waiting } else { row.activity = .idle }
        } else if let waiting {
            row.activity = .waiting
            row.standstill = waiting
        } else {
            row.activity = .running
            // A rate of nothing is never without a reason.
            if rate == 0 {
                let step = runners.flatMap(\.status.sessions).first?.state
                row.standstill = .said(step.map { tr("beginning: {0}", $0) } ?? tr("beginning"), until: nil)
            }
        }
        return row
    }

    /// Why nobody sends it.
    private var stopped: Standstill {
        let left = campaign.tallies.pending + campaign.tallies.deferred + campaign.tallies.sending
        if left == 0, campaign.tallies.inDoubt > 0 { return .inDoubt(campaign.tallies.inDoubt) }
        switch endings[campaign.name] {
        case nil, 0, 75, 130, 143: return .noRunner
        case 77:
            return .said(tr("the server refused the login: mend it (outpost accounts), then s goes on"), until: nil)
        case 78: return .said(tr("config.toml is at fault, the log says where; s tries again"), until: nil)
        case 74:
            return .said(
                tr("the queue could not be written (is the disk full?), the log says more; s tries again"), until: nil)
        case 69: return .said(tr("the server cannot be reached; s tries again"), until: nil)
        case let code?:
            return .said(
                tr("the process that sent it ended with code {0}, see the log; s tries again", code), until: nil)
        }
    }

    /// What all of the runners wait for; nil while one of them moves.
    private var waiting: Standstill? {
        guard runners.allSatisfy({ $0.status.waitingFor != nil }), let first = runners.first,
            let text = first.status.waitingFor
        else { return nil }
        let until = runners.compactMap(\.status.until).min()
        // The words are the runner's own (`Monitor.words`); those known here are said in the user's language.
        if text.hasPrefix("the cap of ") {
            let words = text.split(separator: " ")
            if let full = limits.first(where: {
                $0.used >= $0.count && words.contains(Substring(String($0.count))) && text.contains(" \($0.key) ")
            }) {
                return .capped(
                    scope: full.scope.rawValue, key: full.key, count: full.count, perSeconds: Int(full.perSeconds),
                    until: until ?? full.nextFree)
            }
        }
        if text.hasPrefix("what was sent from elsewhere before the queue was claimed") {
            return .said(tr("caps count as used up: what was sent before the claim is unknown"), until: until)
        }
        if text.hasPrefix("outside the sending window") {
            return .said(tr("outside the sending window"), until: until)
        }
        if text.hasPrefix("everybody left waits") { return .retry(until: until) }
        if let why = text.after("the server asked for less: ") { return .rest(until: until, why: why) }
        if let why = text.after("no connection: ") { return .said(tr("no connection: {0}", told(why)), until: until) }
        switch text {
        case "spreading over the window": return .said(tr("spread evenly over the window"), until: until)
        case "another process has whoever is left":
            return .said(tr("another process has whoever is left"), until: until)
        case "nobody is left to take":
            if campaign.tallies.inDoubt > 0, campaign.tallies.pending + campaign.tallies.deferred == 0 {
                return .inDoubt(campaign.tallies.inDoubt)
            }
            return .said(tr("nobody is left to take"), until: until)
        default: return .said(text, until: until)
        }
    }

    func detail() throws -> CampaignDetail {
        var detail = CampaignDetail(name: campaign.name)
        detail.from = (try? CampaignContent(decoding: campaign.content).from) ?? ""
        detail.runners = runners.count
        detail.limits = limits.map {
            LimitRow(
                scope: $0.scope.rawValue, key: $0.key, perSeconds: Int($0.perSeconds.rounded()), count: $0.count,
                used: $0.used, nextFree: $0.nextFree, knownSince: $0.knownSince)
        }
        detail.pulse = try pulse(minutes: 120)
        detail.sessions = runners.flatMap(\.status.sessions).enumerated().map {
            SessionRow(number: $0 + 1, step: EventWords.step($1.state), server: $1.server, since: $1.since)
        }
        let attempts = try queue.latestAttempts(campaign.id, limit: 200)
        detail.attempts = attempts.map {
            AttemptRow(
                id: $0.id, at: $0.finished ?? $0.started, mark: AttemptMark($0.outcome), email: $0.email, code: $0.code,
                enhanced: $0.enhanced, reply: $0.words ?? "", retryAt: nil)
        }
        detail.destinations = Self.destinations(attempts)
        detail.rests = try queue.rests().map(\.rest).filter { $0.account == campaign.account }.map {
            RestRow(server: $0.server, until: $0.until, reply: $0.reply)
        }
        detail.events = try queue.events(campaign.id, limit: 30).map {
            EventRow(at: $0.at, text: EventWords.of($0.kind, $0.text, by: $0.by))
        }
        return detail
    }

    /// One value a minute up to now, with the minutes in which nothing happened.
    private func pulse(minutes: Int) throws -> [Int] {
        let last = now.microseconds / 60_000_000
        var values = Array(repeating: 0, count: minutes)
        for minute in try queue.pulse(campaign.id, minutes: minutes) {
            let index = minutes - 1 - Int(last - minute.minute.microseconds / 60_000_000)
            if values.indices.contains(index) { values[index] = minute.sent }
        }
        return values
    }

    /// The domains of the last attempts, those most written to first.
    private static func destinations(_ attempts: [AttemptRecord]) -> [DestinationRow] {
        var rows: [String: DestinationRow] = [:]
        for attempt in attempts {
            guard let at = attempt.email.lastIndex(of: "@") else { continue }
            let domain = String(attempt.email[attempt.email.index(after: at)...])
            var row = rows[domain] ?? DestinationRow(domain: domain, sent: 0, deferred: 0, last: "")
            if attempt.outcome == .sent { row.sent += 1 }
            if attempt.outcome == .deferred { row.deferred += 1 }
            if row.last.isEmpty, attempt.outcome != nil {
                row.last = [attempt.code.map(String.init), attempt.enhanced, attempt.words].compactMap(\.self)
                    .joined(separator: " ")
            }
            rows[domain] = row
        }
        return rows.values.sorted { ($0.sent + $0.deferred, $1.domain) > ($1.sent + $1.deferred, $0.domain) }
    }
}

extension AttemptMark {
    init(_ outcome: AttemptOutcome?) {
        switch outcome {
        case nil: self = .open
        case .sent: self = .sent
        case .deferred: self = .deferred
        case .failed: self = .failed
        case .inDoubt: self = .inDoubt
        case .aborted: self = .aborted
        }
    }
}

extension String {
    /// What follows `prefix`; nil when it does not begin with it.
    fileprivate func after(_ prefix: String) -> String? { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil }
}
