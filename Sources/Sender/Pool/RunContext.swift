import Clock
import Mail
import Queue

/// What all workers of one run share; everything in it is a value or safe to share.
struct RunContext: Sendable {
    let account: Account
    let plan: MessagePlan
    let judge: Judge
    let runner: Runner
    let feed: Feed
    let gate: Gate
    let route: Route
    let clock: any WallClock
    let limits: [Limit]
    /// What Message-IDs of this campaign have in common.
    let messageIDStem: String
    let messageIDDomain: String
    let observe: (@Sendable (Settlement, Duration) -> Void)?

    /// The same for each attempt at a recipient, so that a receiver can recognise a message sent again.
    func messageID(of recipient: Int64) -> String {
        var id = "<"
        id.reserveCapacity(messageIDStem.utf8.count + messageIDDomain.utf8.count + 24)
        id += messageIDStem
        id += "."
        id += String(recipient)
        id += "@"
        id += messageIDDomain
        id += ">"
        return id
    }

    /// Microseconds that never step.
    func ticks() -> Int64 { clock.sinceBoot().microseconds }

    /// No more than what the caps let go in the time between two commits of a session, microseconds.
    func largestBatch(period: Int64) -> Int {
        // With many sessions the commits are full without it, and each message ahead is memory.
        var most = min(Worker.largestBatch, max(1, Worker.largestBatch * 20 / account.sessions))
        for limit in limits {
            most = min(most, Int(Double(limit.count) * Double(period) / Double(limit.perMicroseconds)))
        }
        return max(1, most)
    }

    /// Under pace `even`: the reason to wait, if the limiter said lately that it is too early. It decides; this only
    /// spares it the questions of sessions that would all ask at once.
    func paceWait() -> WaitReason? { gate.slot().map { .pace(until: $0) } }

    func halted(_ state: CampaignState) {
        switch state {
        case .paused: gate.stop(.paused)
        case .cancelled: gate.stop(.cancelled)
        case .draft, .sending, .finished: gate.stop(.finished)
        }
    }

    var routeName: RouteName {
        RouteName(account: account.name, source: account.sourceKey, server: account.server)
    }

    /// The route is left alone, in this process and, through the queue, in every other.
    /// - Parameter attempt: what was answered so; nil when a session was refused.
    func rest(for time: Duration, rule: String, reply: String, attempt: Int64?) async {
        await record(rest: gate.rest(for: time, reply: reply), rule: rule, reply: reply, attempt: attempt)
    }

    /// Writes a rest down that this process keeps already.
    func record(rest until: Timestamp, rule: String, reply: String, attempt: Int64? = nil) async {
        try? await runner.rest(
            Rest(
                account: account.name, source: account.sourceKey, server: account.server, until: until,
                since: clock.now(), rule: rule, reply: reply, attempt: attempt))
    }
}
