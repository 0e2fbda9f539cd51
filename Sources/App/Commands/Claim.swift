import Clock
import Queue

/// `outpost verify --claim`: what it means is said before it is done.
struct Claim {
    let freshCaps: Bool
    let asks: Bool

    /// - Throws: `QueueError`, `Failure` (75) when somebody says no.
    func make(_ installation: Installation) throws {
        let queue: Queue
        do {
            queue = try installation.queue()
        } catch QueueError.lost(let path) {
            Notice.line(
                tr("{0} is missing or empty, and a queue that had sent was there; an empty one takes its place.", path))
            Notice.line(
                "  " + tr("Whoever got a message from the lost one gets it again when its campaign is sent anew."))
            try confirm()
            queue = try Queue.open(at: path, access: .create, beginsAnew: true)
        }
        let terms = try queue.claimTerms()
        if terms.objection != nil, !terms.isWhole {
            say(terms)
            try confirm()
        }
        try queue.claim(freshCaps: freshCaps)
        Notice.line(tr("This queue is claimed: it sends from now on. Do not send from any other copy of it."))
        let now = SystemClock().now()
        guard let held = try queue.claimTerms().held, let window = longest(installation), held + window > now else {
            return
        }
        Notice.line(
            "  "
                + tr(
                    "What was sent from elsewhere counts as much as the caps allow: they have room again as their windows pass, the last one at {0}.",
                    TimeText.moment(held + window, now: now)))
        Notice.line("  " + tr("If nothing was sent from elsewhere: outpost verify --claim --fresh-caps"))
    }

    private func say(_ terms: ClaimTerms) {
        let now = SystemClock().now()
        if let known = terms.known {
            Notice.line(
                trn(
                    "What was sent after {1} is unknown here: {0} person who waits may get it again.",
                    "What was sent after {1} is unknown here: up to {0} people who wait may get it again.",
                    terms.people,
                    TimeText.moment(known, now: now)))
        } else {
            Notice.line(
                trn(
                    "What was sent from another copy is unknown here: {0} person who waits may get it again.",
                    "What was sent from another copy is unknown here: up to {0} people who wait may get it again.",
                    terms.people))
        }
        if freshCaps {
            Notice.line(
                "  " + tr("--fresh-caps: if anything was sent from elsewhere, your provider's caps are passed."))
        }
    }

    private func confirm() throws {
        guard asks else { return }
        guard Notice.confirm(tr("Make this the queue that sends?")) else {
            throw Failure(.workLeft, tr("Nothing was changed."))
        }
    }

    /// The longest window that is configured; nil where none is, or the configuration cannot be read.
    private func longest(_ installation: Installation) -> Duration? {
        let caps = (try? installation.config().allCaps) ?? []
        return caps.map(\.perMicroseconds).max().map { .microseconds($0) }
    }
}

extension Notice {
    /// Why a queue does not send, and what makes it.
    static func unclaimed(_ objection: String) {
        line(tr("This queue does not send: {0}", told(objection)))
        line("  " + tr("If it is the one to go on with: outpost verify --claim"))
    }
}

extension Queue {
    /// Why it does not send, as it is shown beside other things; nil when it does.
    var objection: String? {
        do { return try claimObjection() } catch { return "\(error)" }
    }
}
