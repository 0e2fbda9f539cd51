import Clock
import Queue

extension CampaignStatus {
    /// The state, and for a campaign that nobody sends at the moment, that.
    var stateText: String {
        if campaign.state == .sending, runners.isEmpty { return tr("not running") }
        if campaign.state == .sending, waiting != nil { return tr("waiting") }
        return Self.word(campaign.state)
    }

    var finishText: String {
        if let finished = campaign.finishedAt { return TimeText.moment(finished, now: now) }
        // Of a paused one nobody knows when it will go on.
        guard campaign.state != .paused, let forecast else { return "" }
        return "~" + TimeText.moment(forecast, now: now)
    }

    /// A block of lines about this campaign, ending with what to type next.
    var text: String {
        let tallies = campaign.tallies
        var lines = ["\(OutsideText.plain(campaign.name))  \(stateText)  " + tr("(account {0})", campaign.account)]
        func row(_ label: String, _ value: String) {
            lines.append("  " + CellWidth.fit(label, 11) + OutsideText.plain(value))
        }
        let share = campaign.total > 0 ? "  \(tallies.sent * 100 / campaign.total) %" : ""
        row(
            Self.word(RecipientState.sent),
            tr("{0} of {1}", NumberText.count(tallies.sent), NumberText.count(campaign.total)) + share)
        for state in RecipientState.allCases where state != .sent && tallies[state] > 0 {
            row(Self.word(state), NumberText.count(tallies[state]) + note(state))
        }
        if rate > 0 { row(tr("rate"), NumberText.rate(perSecond: rate)) }
        if !finishText.isEmpty {
            row(campaign.finishedAt == nil ? tr("forecast") : tr("finished"), finishText)
        }
        for use in limits where campaign.finishedAt == nil {
            row(tr("cap"), "\(LimitReport.word(use.scope)) \(use.key): " + LimitReport.short(use) + since(use))
        }
        for runner in lost {
            row(
                tr("process"),
                tr(
                    "{0} on {1} ended without a word, last heard of at {2}", "\(runner.process)", runner.host,
                    TimeText.moment(runner.heartbeat, now: now)))
        }
        if campaign.finishedAt == nil, let note = LimitReport.claimNote(limits, now: now) { row(tr("claim"), note) }
        if let unclaimed, !isOver { row(tr("unclaimed"), tr("this queue does not send: {0}", told(unclaimed))) }
        if let waiting {
            let until = waiting.until.map { " (" + tr("until {0}", TimeText.moment($0, now: now)) + ")" } ?? ""
            row(tr("waits"), waiting.text + until)
        }
        if !campaign.reason.isEmpty { row(tr("reason"), Standstill.reason(campaign.reason)) }
        if let order, !order.by.isEmpty { row(tr("order"), Self.words(order, now)) }
        if let next { lines.append("  " + next) }
        if tallies.inDoubt > 0 { lines += doubtAdvice.map { "  " + $0 } }
        return lines.joined(separator: "\n") + "\n"
    }

    private var isOver: Bool { campaign.state == .finished || campaign.state == .cancelled }

    /// One clear step, when there is one to take.
    var next: String? {
        let name = ShellWords.quoted(campaign.name)
        if unclaimed != nil, !isOver { return tr("If it is the one to go on with: outpost verify --claim") }
        switch campaign.state {
        case .draft: return tr("To send: outpost send {0}", name)
        case .paused: return tr("To go on: outpost resume {0}, then outpost send {0}", name)
        case .sending:
            let open = campaign.tallies.pending + campaign.tallies.deferred + campaign.tallies.sending
            if open == 0, campaign.tallies.inDoubt > 0 { return nil }
            return runners.isEmpty ? tr("To go on: outpost send {0}", name) : nil
        case .finished, .cancelled:
            return campaign.tallies.failed > 0
                ? tr("To see who failed: outpost recipients {0} --state failed", name) : nil
        }
    }

    /// `paused by ann@host, 14:02`
    private static func words(_ order: EventRecord, _ now: Timestamp) -> String {
        let when = TimeText.moment(order.at, now: now)
        return switch order.kind {
        case "pause": tr("paused by {0}, {1}", order.by, when)
        case "cancel": tr("cancelled by {0}, {1}", order.by, when)
        default: tr("resumed by {0}, {1}", order.by, when)
        }
    }

    private func since(_ use: LimitUse) -> String {
        use.knownSince.map { "  " + tr("(known since {0})", TimeText.moment($0, now: now)) } ?? ""
    }

    private func note(_ state: RecipientState) -> String {
        switch state {
        case .inDoubt: doubtAge
        case .sending where runners.isEmpty && !lost.isEmpty:
            "  " + tr("by no process: in doubt as soon as somebody sends, settles or cancels")
        default: ""
        }
    }

    private var doubtAge: String {
        guard let since = inDoubtSince else { return "" }
        return "  " + tr("since {0}, {1} ago", TimeText.moment(since, now: now), TimeText.span(now - since))
    }

    /// What settles those in doubt, the safest way first.
    private var doubtAdvice: [String] {
        let name = ShellWords.quoted(campaign.name)
        return [
            tr("Who is in doubt, and why: outpost recipients {0} --state in_doubt", name),
            tr("To ask the account's mailbox: outpost settle {0} --evidence mailbox", name),
            tr("To decide yourself: outpost settle {0} --in-doubt resend|sent|failed", name),
        ]
    }

    static func table(_ all: [CampaignStatus]) -> String {
        var table = TextTable([
            (tr("NAME"), .left), (tr("STATE"), .left), (tr("SENT"), .right), (tr("TOTAL"), .right),
            (tr("DEFERRED"), .right), (tr("FAILED"), .right), (tr("IN DOUBT"), .right), (tr("RATE"), .right),
            (tr("FINISH"), .left),
        ])
        for status in all {
            let tallies = status.campaign.tallies
            func some(_ count: Int) -> String { count > 0 ? NumberText.count(count) : "" }
            table.add([
                status.campaign.name, status.stateText, NumberText.count(tallies.sent),
                NumberText.count(status.campaign.total), some(tallies.deferred), some(tallies.failed),
                some(tallies.inDoubt), status.rate > 0 ? NumberText.rate(perSecond: status.rate) : "",
                status.finishText,
            ])
        }
        return table.text()
    }

    static let csvHeading = CSVText.row([
        "campaign", "state", "total", "pending", "sending", "sent", "deferred", "failed", "suppressed", "in_doubt",
        "cancelled", "rate_per_second", "started", "finished", "forecast",
    ])

    var csv: String {
        let tallies = campaign.tallies
        return CSVText.row(
            [campaign.name, campaign.state.rawValue]
                + [
                    campaign.total, tallies.pending, tallies.sending, tallies.sent, tallies.deferred, tallies.failed,
                    tallies.suppressed, tallies.inDoubt, tallies.cancelled,
                ].map { String($0) } + [
                    NumberText.decimal(rate, atLeast: 1, atMost: 3), campaign.startedAt?.iso8601,
                    campaign.finishedAt?.iso8601, forecast?.iso8601,
                ])
    }
}
