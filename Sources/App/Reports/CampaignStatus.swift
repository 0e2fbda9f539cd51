import Clock
import Queue
import Sender

/// One campaign as `status` tells it: tallies, rate, forecast, caps, and why it stands still.
struct CampaignStatus: Sendable {
    let campaign: Campaign
    /// Messages sent a second: over the last minute while it is sent, over the whole when it is finished.
    let rate: Double
    /// When everybody will have been tried; nil when nothing is left or nobody can tell.
    let forecast: Timestamp?
    let limits: [LimitUse]
    let runners: [RunnerRecord]
    /// Those that ended without a word, while nobody has put in order what they left.
    let lost: [RunnerRecord]
    /// Of the oldest open doubt (see `Queue.oldestDoubt`); nil for none.
    let inDoubtSince: Timestamp?
    /// Who paused, resumed or cancelled it last.
    let order: EventRecord?
    /// Why the queue does not send before it is claimed; nil when it does.
    let unclaimed: String?
    let now: Timestamp

    /// - Parameter classifier: `Config.retryClassifier()`, made once for all of them.
    /// - Throws: `QueueError`.
    init(
        _ campaign: Campaign, in queue: Queue, config: Config, by classifier: ReplyClassifier?,
        clock: any WallClock = SystemClock()
    ) throws {
        self.campaign = campaign
        now = clock.now()
        let limits = config.limits(for: campaign)
        let source = config.source(for: campaign)
        self.limits = try queue.uses(of: limits, account: campaign.account, source: source, campaign: campaign.id)
        runners = try queue.runners(campaign.id)
        lost = try queue.lostRunners(campaign.id)
        order = try queue.lastOrder(campaign.id)
        unclaimed = queue.objection
        inDoubtSince = campaign.tallies.inDoubt > 0 ? try queue.oldestDoubt(campaign.id) : nil
        rate = try Self.rate(campaign, in: queue, now: now)
        let open = campaign.tallies.pending + campaign.tallies.sending + campaign.tallies.deferred
        let mayMove = campaign.state == .sending || campaign.state == .draft || campaign.state == .paused
        if open > 0, mayMove {
            let pace = rate > 0 && campaign.state == .sending ? rate : nil
            forecast = try queue.forecast(
                campaign.id, limits: limits, account: campaign.account, source: source, pace: pace,
                pacing: config.pacing(for: campaign, in: queue, by: classifier))
        } else {
            forecast = nil
        }
    }

    /// - Throws: `QueueError`.
    static func rate(_ campaign: Campaign, in queue: Queue, now: Timestamp) throws -> Double {
        guard let started = campaign.startedAt else { return 0 }
        if let finished = campaign.finishedAt {
            let seconds = (finished - started).inSeconds
            return seconds > 0 ? Double(campaign.tallies.sent) / seconds : 0
        }
        guard campaign.state == .sending else { return 0 }
        // The minute that runs, and as much of the one before as fills up sixty seconds.
        let minute = now.microseconds - now.microseconds % 60_000_000
        let passed = Double(now.microseconds - minute) / 60_000_000
        var sent = 0.0
        for pulse in try queue.pulse(campaign.id, minutes: 2) {
            if pulse.minute.microseconds == minute { sent += Double(pulse.sent) }
            if pulse.minute.microseconds == minute - 60_000_000 { sent += Double(pulse.sent) * (1 - passed) }
        }
        return sent / min(60, max(1, (now - started).inSeconds))
    }

    /// The contract's object, its keys in the contract's order.
    var json: JSONText {
        let tallies = campaign.tallies
        var object = JSONText()
        object.add("campaign", campaign.name)
        object.add("state", campaign.state.rawValue)
        object.add("total", campaign.total)
        object.add("pending", tallies.pending)
        object.add("sending", tallies.sending)
        object.add("sent", tallies.sent)
        object.add("deferred", tallies.deferred)
        object.add("failed", tallies.failed)
        object.add("suppressed", tallies.suppressed)
        object.add("in_doubt", tallies.inDoubt)
        object.add("cancelled", tallies.cancelled)
        object.add("rate_per_second", rate)
        object.add("started", campaign.startedAt)
        object.add("finished", campaign.finishedAt)
        object.add("forecast", forecast)
        object.add("limits", limits.map(LimitReport.json))
        object.add("account", campaign.account)
        object.add("reason", campaign.reason.isEmpty ? waiting?.text : campaign.reason)
        object.add("runners", runners.count)
        object.add("lost_runners", lost.map(Self.json))
        object.add("in_doubt_since", inDoubtSince)
        object.add("order", order?.kind)
        object.add("ordered", order?.at)
        object.add("ordered_by", order.flatMap { $0.by.isEmpty ? nil : $0.by })
        object.add("unclaimed", unclaimed)
        return object
    }

    private static func json(_ runner: RunnerRecord) -> JSONText {
        var object = JSONText()
        object.add("process", Int(runner.process))
        object.add("host", runner.host)
        object.add("last_seen", runner.heartbeat)
        return object
    }

    /// What the processes that send it wait for; nil while one of them moves.
    var waiting: (text: String, until: Timestamp?)? {
        guard !runners.isEmpty, runners.allSatisfy({ $0.status.waitingFor != nil }),
            let first = runners.first, let text = first.status.waitingFor
        else { return nil }
        return (text, first.status.until)
    }

    static func word(_ state: CampaignState) -> String {
        switch state {
        case .draft: tr("draft")
        case .sending: tr("sending")
        case .paused: tr("paused")
        case .finished: tr("finished")
        case .cancelled: tr("cancelled")
        }
    }

    static func word(_ state: RecipientState) -> String {
        switch state {
        case .pending: tr("pending")
        case .sending: tr("sending")
        case .sent: tr("sent")
        case .deferred: tr("deferred")
        case .failed: tr("failed")
        case .suppressed: tr("suppressed")
        case .inDoubt: tr("in doubt")
        case .cancelled: tr("cancelled")
        }
    }
}
