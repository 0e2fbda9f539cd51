import Clock
import Queue
import Sender

/// By which waits a recipient is tried again.
struct StoryRetry {
    let waits: String
    /// The `[[retry]]` they are of; nil when they are the account's own.
    let special: RetrySettings?

    /// Tries in all.
    var tries: Int { (DurationText.waits(waits)?.count ?? 0) + 1 }
}

extension Config {
    /// - Parameter verdict: on the last answer; nil when there was none.
    func retry(_ account: AccountSettings, campaign: String, domain: String, _ verdict: Verdict?) -> StoryRetry {
        let special = retry(
            account.name, campaign: campaign, domain: domain, kind: verdict?.kind ?? .network,
            rule: verdict?.rule ?? "default.lost")
        return StoryRetry(waits: special?.waits ?? account.retry, special: special)
    }
}

/// What one campaign did about one recipient, in sentences.
struct StoryChapter {
    let story: Story
    /// The account's server; nil when the account is gone from config.toml.
    private let host: String?
    /// The waits between its tries, after its last answer; nil when the account is gone from config.toml.
    private let retry: StoryRetry?
    private let isListed: Bool
    /// Caps that have no room now.
    private let full: [LimitUse]
    private let classifier: ReplyClassifier
    private let now: Timestamp

    init(
        _ story: Story, host: String?, retry: ((Verdict?) -> StoryRetry)?, isListed: Bool, full: [LimitUse],
        _ classifier: ReplyClassifier, now: Timestamp
    ) {
        self.story = story
        self.host = host
        self.isListed = isListed
        self.full = full
        self.classifier = classifier
        self.now = now
        let last = story.attempts.last.flatMap { classifier.verdict(on: $0, host: host) }
        self.retry = retry.map { $0(last) }
    }

    private func moment(_ time: Timestamp) -> String { TimeText.moment(time, now: now) }

    /// Nil for an answer that is none (a lost connection), and for consent.
    private func verdict(_ attempt: AttemptRecord) -> Verdict? { classifier.verdict(on: attempt, host: host) }

    var sentences: [String] { [imported] + story.attempts.enumerated().map(sentence) + decisions + next }

    private var file: String {
        (try? CampaignFile(folder: story.campaign.folder))?.recipients ?? story.campaign.folder
    }

    private var imported: String {
        tr(
            "Imported from line {0} of {1}; the campaign is from {2}.", "\(story.recipient.line)", file,
            moment(story.campaign.createdAt))
    }

    private func words(_ attempt: AttemptRecord) -> String {
        [attempt.code.map { String($0) }, attempt.enhanced, attempt.reply].compactMap(\.self).filter { !$0.isEmpty }
            .joined(separator: " ")
    }

    /// Of an attempt whose texts retention has taken out: the outcome alone.
    private func retired(_ number: Int, _ attempt: AttemptRecord) -> String {
        let head = tr(
            "Try {0}, {1}: over account {2} and source {3}.", "\(number + 1)", moment(attempt.started), attempt.account,
            attempt.source)
        let code = [attempt.code.map { String($0) }, attempt.enhanced].compactMap(\.self).joined(separator: " ")
        let result =
            switch attempt.outcome {
            case .sent: tr("The server took it ({0}).", code)
            case .failed, .deferred: tr("It came to nothing ({0}).", code)
            case .aborted: tr("Nothing was handed over, so no harm is done.")
            case .inDoubt, nil: tr("Nobody knows whether it arrived.")
            }
        let verdict = story.verdicts[attempt.id].map { " " + decided($0) } ?? ""
        return head + " " + result + verdict + " " + tr("Server and answer are no longer kept ([retention]).")
    }

    private func sentence(_ number: Int, _ attempt: AttemptRecord) -> String {
        if attempt.isRetired { return retired(number, attempt) }
        let head = tr(
            "Try {0}, {1}: over account {2} and source {3} to {4}.", "\(number + 1)", moment(attempt.started),
            attempt.account, attempt.source, attempt.server)
        let words = words(attempt)
        switch attempt.outcome {
        case nil: return head + " " + tr("It is on its way now; the answer is not there yet.")
        case .sent: return head + " " + tr("The server took it: {0}", words)
        case .aborted: return head + " " + tr("Nothing was handed over, so no harm is done: {0}", words)
        case .inDoubt:
            let verdict = story.verdicts[attempt.id].map { " " + decided($0) } ?? ""
            return head + " " + tr("Nobody knows whether it arrived: {0}", words) + verdict
        case .deferred, .failed:
            guard let verdict = verdict(attempt) else { return head + " " + tr("It came to nothing: {0}", words) }
            return head + " "
                + tr("The server said: {0}. {1} {2}", words, StoryReply.consequence(verdict), StoryReply.rule(verdict))
        }
    }

    /// What was decided about an attempt in doubt, and what said so.
    private func decided(_ verdict: DoubtVerdict) -> String {
        let when = moment(verdict.at)
        let words =
            switch verdict.decision {
            case .sent: tr("It was decided ({0}) that this counts as sent", when)
            case .failed: tr("It was decided ({0}) that this counts as failed", when)
            case .resend: tr("It was decided ({0}) to send it again", when)
            }
        if let policy = verdict.policy { return words + tr(", by the policy {0}.", policy.rawValue) }
        return words + (verdict.evidence.isEmpty ? "." : tr(", by evidence: {0}.", verdict.evidence))
    }

    /// What somebody decided: a state that the last attempt alone does not explain.
    private var decisions: [String] {
        let state = story.recipient.state
        guard let last = story.attempts.last, story.verdicts[last.id] == nil else { return [] }
        switch (state, last.outcome) {
        case (.sent, .inDoubt): return [tr("It was decided that this counts as sent.")]
        case (.failed, .inDoubt): return [tr("It was decided that this counts as failed.")]
        case (.pending, .inDoubt): return [tr("It was decided to send it again.")]
        case (.pending, .failed), (.pending, .deferred):
            return [tr("Somebody put it back into the queue (outpost retry).")]
        default: return []
        }
    }

    private var doubtSince: Timestamp? {
        story.recipient.state == .inDoubt ? story.attempts.last?.finished : nil
    }

    private var next: [String] {
        let (name, recipient) = (story.campaign.name, story.recipient)
        switch recipient.state {
        case .sent: return [tr("It is done: a recipient is sent a campaign once.")]
        case .sending: return [tr("A process is handing it over at this moment.")]
        case .failed:
            return [tr("It is not tried again by itself. To try all failed ones again: outpost retry {0}", name)]
        case .cancelled: return [tr("The campaign was cancelled: it is not sent any more.")]
        case .suppressed:
            return [
                isListed
                    ? tr("It was left out, being on the suppression list.")
                    : tr(
                        "It was left out, being on the suppression list then; it is not any more, but stays left out here."
                    )
            ]
        case .inDoubt:
            let since = doubtSince.map { tr("It is in doubt since {0} ({1}).", moment($0), TimeText.span(now - $0)) }
            return [
                since,
                tr(
                    "To ask the account's mailbox: outpost settle {0} --email {1} --evidence mailbox", name,
                    recipient.email),
                tr(
                    "Look into the account's Sent folder, then decide: outpost settle {0} --email {1} --in-doubt resend|sent|failed",
                    name, recipient.email),
            ].compactMap(\.self)
        case .pending, .deferred: return waiting
        }
    }

    /// Why it waits, and until when.
    private var waiting: [String] {
        let (campaign, recipient) = (story.campaign, story.recipient)
        var lines: [String] = []
        if isListed { return [tr("It will be left out when its turn comes: it is on the suppression list.")] }
        if let due = recipient.nextAttempt, due > now {
            let number = recipient.attempts + 1
            let which =
                retry.map { tr("try {0} of {1}", "\(number)", "\($0.tries)") } ?? tr("try {0}", "\(number)")
            if let last = story.attempts.last, last.outcome == .deferred, last.code != nil {
                lines.append(
                    tr("It waits until {0} for {1}, because the server said: {2}", moment(due), which, words(last)))
            } else {
                lines.append(tr("It waits until {0} for {1}.", moment(due), which))
            }
            if let special = retry?.special {
                lines.append(tr("Its waits are those of [[retry]] for {0}: {1}.", special.about, special.waits))
            }
        } else {
            lines.append(
                recipient.state == .deferred ? tr("It may be tried again now.") : tr("It waits for its turn."))
        }
        switch campaign.state {
        case .paused:
            let words = [Standstill.reason(campaign.reason), story.campaignOrder?.by ?? ""].filter { !$0.isEmpty }
            let why = words.isEmpty ? "" : " (\(OutsideText.plain(words.joined(separator: ", "))))"
            lines.append(tr("The campaign is paused{0}: outpost resume {1}", why, campaign.name))
        case .draft: lines.append(tr("The campaign is not begun: outpost send {0}", campaign.name))
        default:
            if let waits = story.runners.compactMap({ $0.status.waitingFor }).first {
                let until =
                    story.runners.compactMap { $0.status.until }.min().map { " " + tr("(until {0})", moment($0)) } ?? ""
                lines.append(tr("The process that sends it waits: {0}{1}.", waits, until))
            } else if story.runners.isEmpty {
                lines += full.prefix(1).map { use in
                    if let until = use.unknownUntil {
                        return tr(
                            "After a claim, what was sent from elsewhere is unknown: the cap of the {0} {1} counts as used up until {2}.",
                            LimitReport.word(use.scope), use.key, moment(until))
                    }
                    return tr(
                        "The cap of the {0} {1} is used up ({2}){3}.", LimitReport.word(use.scope), use.key,
                        LimitReport.short(use), use.nextFree.map { " " + tr("(until {0})", moment($0)) } ?? "")
                }
                lines.append(tr("No process is sending the campaign: outpost send {0} --wait", campaign.name))
            }
        }
        return lines
    }

    var json: JSONText {
        let recipient = story.recipient
        var object = JSONText()
        object.add("campaign", story.campaign.name)
        object.add("campaign_state", story.campaign.state.rawValue)
        object.add("state", recipient.state.rawValue)
        object.add("file", file)
        object.add("line", recipient.line)
        object.add("created", story.campaign.createdAt)
        object.add("tries", recipient.attempts)
        object.add("tries_at_most", retry?.tries)
        object.add("retry", retry?.waits)
        object.add("retry_of", retry?.special?.about)
        object.add("next_attempt", recipient.nextAttempt)
        object.add("in_doubt_since", doubtSince)
        object.add(
            "attempts",
            story.attempts.map { attempt in
                var object = LogCommand.json(attempt)
                let verdict = verdict(attempt)
                object.add("rule", verdict?.rule)
                object.add("level", verdict?.level.rawValue)
                object.add("action", verdict?.action.rawValue)
                if let decided = story.verdicts[attempt.id] {
                    object.add("decided", decided.at)
                    object.add("decision", decided.decision.rawValue)
                    object.add("evidence", decided.evidence.isEmpty ? nil : decided.evidence)
                    object.add("policy", decided.policy?.rawValue)
                }
                return object
            })
        object.add("story", sentences)
        return object
    }
}
