import Clock
import Queue

/// When a campaign not yet in the queue would be finished, by its caps and hours alone.
struct Outlook {
    let people: Int
    let start: Timestamp
    /// nil when no cap slows it down.
    let finish: Timestamp?

    /// - Parameter queue: what was granted lately counts; without one, nothing was.
    init(_ people: Int, _ intake: Intake, in queue: Queue?) throws {
        self.people = people
        let schedule = intake.file.schedule
        let limits =
            (intake.config.caps(for: intake.account) + intake.file.limits.map(Limit.init)).filter {
                $0.scope != .domain
            }
        let source = intake.account.source ?? "default"
        var basis =
            try queue?.courseBasis(
                limits, account: intake.account.name, source: source, campaign: nil, domains: [:])
            ?? CourseBasis(limits, account: intake.account.name, source: source, domains: [:], clock: SystemClock())
        basis.isEven = intake.account.pace == .even
        basis.start = schedule.at
        basis.windows = [intake.account.window, schedule.window].compactMap(\.self)
        let course = basis.course(people)
        start = course.stretches.first?.first ?? basis.present
        finish = course.finish.flatMap { $0 > basis.present ? $0 : nil }
    }

    var text: String {
        let now = SystemClock().now()
        guard let finish else { return tr("no cap slows it down") }
        return tr(
            "forecast: {0} people from {1} until ~{2}", NumberText.count(people), TimeText.moment(start, now: now),
            TimeText.moment(finish, now: now))
    }
}
