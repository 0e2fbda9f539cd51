import Clock
import Queue
import Sender

/// How a run ended, as one sentence, what to type next, and the exit code.
struct EndingReport: Sendable {
    let status: ExitStatus
    let what: String
    let next: String?

    /// - Parameters:
    ///   - campaign: as it stands after the run.
    ///   - run: what this run came to.
    ///   - signal: the one that asked for the end, if any.
    init(_ ending: Ending, _ campaign: Campaign, run: Progress = Progress(), signal: Int32?, now: Timestamp) {
        let name = campaign.name
        let tallies = campaign.tallies
        let left = tallies.pending + tallies.sending + tallies.deferred
        let people = NumberText.count(left)
        let again = tr("To go on: outpost send {0}; to stay until all is done: outpost send {0} --wait", name)
        func moment(_ time: Timestamp) -> String { TimeText.moment(time, now: now) }
        switch ending {
        case .finished:
            status = .done
            what = Self.finished(campaign)
            next = tallies.failed > 0 ? tr("To see who failed: outpost recipients {0} --state failed", name) : nil
        case .capped(let limit, let key, let until):
            status = .workLeft
            what = tr(
                "{0} {1} is at its cap of {2}; {3} left, the next one may go at {4}.",
                LimitReport.word(limit.scope),
                key, LimitText.text(limit), people, moment(until))
            next = again
        case .claimed(let limit, let key, let until):
            status = .workLeft
            what = tr(
                "What was sent from elsewhere before this queue was claimed is unknown, so {0} {1} counts as at its cap of {2}; {3} left, the next one may go at {4}.",
                LimitReport.word(limit.scope), key, LimitText.text(limit), people, moment(until))
            next = again + "\n  " + tr("If nothing was sent from elsewhere: outpost verify --claim --fresh-caps")
        case .closed(let until):
            status = .workLeft
            what = tr(
                "It is outside the sending window; {0} left, next opening {1}.", people,
                TimeText.opening(until, now: now))
            next = again
        case .waiting(let until):
            status = .workLeft
            what = tr("{0} left to be tried again, the first at {1}.", people, moment(until))
            next = again
        case .resting(let until, let reply):
            status = .workLeft
            what = tr("The server asked for less ({0}); {1} left, waiting until {2}.", reply, people, moment(until))
            next = again
        case .others where left == 0 && tallies.inDoubt == 0:
            // Meanwhile the other process has done it.
            status = .done
            what = Self.finished(campaign)
            next = nil
        case .others:
            status = .workLeft
            what =
                left > 0
                ? trn(
                    "Another process is sending the last one; nobody is left for this one.",
                    "Another process is sending the last {0}; nobody is left for this one.", left)
                : tr(
                    "Another process sent the last ones; {0} in doubt: nobody knows whether they got it.",
                    NumberText.count(tallies.inDoubt))
            next =
                left > 0
                ? tr("To see how far it is: outpost status {0}", name)
                : tr("To decide: outpost settle {0} --in-doubt resend|sent|failed", name)
        case .paused:
            status = .workLeft
            let why = Standstill.reason(campaign.reason)
            what =
                why.isEmpty
                ? tr("{0} is paused; {1} left.", name, people)
                : tr("{0} is paused ({1}); {2} left.", name, why, people)
            next = tr("To go on: outpost resume {0}, then outpost send {0}", name)
        case .cancelled:
            status = .done
            what = tr(
                "{0} was cancelled: {1} sent, {2} will not get it.", name, NumberText.count(tallies.sent),
                NumberText.count(tallies.cancelled))
            next = nil
        case .inDoubt(let count):
            status = .workLeft
            what = tr(
                "{0} sent, {1} in doubt: a lost connection or a crash leaves open whether they got it.",
                NumberText.count(tallies.sent), NumberText.count(count))
            next = tr("To decide: outpost settle {0} --in-doubt resend|sent|failed", name)
        case .loginRefused(let reply):
            status = .loginRefused
            what = tr("The server refused the login: {0}. {1} left, and nobody's tries are used up.", reply, people)
            next = Boundary.loginAdvice
        case .unreachable(let error):
            status = .unreachable
            what = tr("No connection to the server: {0}. {1} left.", told(error), people)
            next = again
        case .limitReached:
            status = left + tallies.inDoubt > 0 ? .workLeft : .done
            what = tr("As many as asked for were begun: {0}; {1} left.", Self.outcomes(run), people)
            next = left > 0 ? again : nil
        case .wrongClock:
            status = .workLeft
            what = tr(
                "This machine's clock says {0}, which cannot be: a message would be dated so. Nothing more is sent; {1} left.",
                now.iso8601, people)
            next = tr("Set the clock (timedatectl set-ntp true, or date -s), then: outpost send {0}", name)
        case .interrupted:
            status = signal == 2 ? .interrupted : .terminated
            what = tr("Stopped; what was in flight is finished, {0} left.", people)
            next = again
        }
    }

    /// `44 sent, 1 failed`; who was sent is always named.
    private static func outcomes(_ run: Progress) -> String {
        var parts = [tr("{0} sent", NumberText.count(run.sent))]
        if run.failed > 0 { parts.append(tr("{0} failed", NumberText.count(run.failed))) }
        if run.deferred > 0 { parts.append(tr("{0} put off", NumberText.count(run.deferred))) }
        if run.inDoubt > 0 { parts.append(tr("{0} in doubt", NumberText.count(run.inDoubt))) }
        if run.aborted > 0 { parts.append(tr("{0} not handed over", NumberText.count(run.aborted))) }
        return parts.joined(separator: ", ")
    }

    private static func finished(_ campaign: Campaign) -> String {
        let tallies = campaign.tallies
        var parts = [tr("{0} sent", NumberText.count(tallies.sent))]
        if tallies.failed > 0 { parts.append(tr("{0} failed", NumberText.count(tallies.failed))) }
        if tallies.suppressed > 0 { parts.append(tr("{0} suppressed", NumberText.count(tallies.suppressed))) }
        if let start = campaign.startedAt, let end = campaign.finishedAt {
            return tr(
                "{0} is finished: {1}, in {2}.", campaign.name, parts.joined(separator: ", "),
                TimeText.span(end - start))
        }
        return tr("{0} is finished: {1}.", campaign.name, parts.joined(separator: ", "))
    }
}
