import Clock
import Queue

/// When a campaign not yet in the queue would be finished, from its caps alone.
struct Outlook {
    let people: Int
    let start: Timestamp
    /// nil when no cap slows it down.
    let finish: Timestamp?

    /// - Parameter queue: what was granted lately counts; without one, nothing was.
    init(_ people: Int, _ intake: Intake, in queue: Queue?) throws {
        self.people = people
        let now = SystemClock().now()
        start = max(now, intake.file.startAt ?? now)
        let limits = (intake.config.limits(for: intake.account) + intake.file.limits).filter { $0.scope != .domain }
        let uses = try queue?.uses(
            of: limits.filter { $0.scope != .campaign }.map(Limit.init), account: intake.account.name,
            source: intake.account.source ?? "default", campaign: nil)
        var seconds = 0.0
        for (index, limit) in limits.filter({ $0.scope != .campaign }).enumerated() {
            let used = uses.flatMap { index < $0.count ? $0[index].used : nil } ?? 0
            seconds = max(seconds, Self.seconds(people, limit, used: used))
        }
        for limit in limits where limit.scope == .campaign {
            seconds = max(seconds, Self.seconds(people, limit, used: 0))
        }
        finish = seconds > 0 ? start + .microseconds(Int64(min(seconds, 3e9) * 1_000_000)) : nil
    }

    /// A burst at the start of each window: the last of `people` goes this long after the first.
    private static func seconds(_ people: Int, _ limit: LimitSettings, used: Int) -> Double {
        Double((people + used - 1) / limit.count) * limit.per.inSeconds
    }

    var text: String {
        let now = SystemClock().now()
        guard let finish else { return tr("no cap slows it down") }
        return tr(
            "forecast: {0} people from {1} until ~{2}", NumberText.count(people), TimeText.moment(start, now: now),
            TimeText.moment(finish, now: now))
    }
}
