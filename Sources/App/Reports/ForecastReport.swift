import Clock
import Queue

/// When a campaign will be finished, day by day, and what would change that.
struct ForecastReport {
    struct Alternative {
        let change: CourseChange
        let key: String
        let finish: Timestamp?
    }

    let question: ForecastQuestion
    let course: Course
    let days: [ForecastDays.Day]
    let holds: [CourseHold]
    let alternatives: [Alternative]

    init(_ target: String, _ installation: Installation) throws {
        self.init(try ForecastQuestion(target, installation))
    }

    init(_ question: ForecastQuestion) {
        self.question = question
        let (basis, count) = (question.basis, question.load)
        course = basis.course(count)
        days = ForecastDays(course, people: question.people).days
        holds = count > 0 && !course.endsWithRetry ? basis.holds(count) : []
        var changes: [(CourseChange, String)] = []
        if holds.contains(where: { $0.limit.scope == .source }) { changes.append((.secondSource, "")) }
        var seen: Set<Limit> = []
        for hold in holds.prefix(8) where seen.insert(hold.limit).inserted {
            changes.append((.doubled(hold.limit), hold.limit.scope == .domain ? hold.limit.key ?? "" : hold.key))
        }
        alternatives = changes.map { change, key in
            Alternative(change: change, key: key, finish: basis.course(count, changing: change).finish)
        }
    }

    // MARK: JSON

    var json: JSONText {
        var object = JSONText()
        object.add("campaign", question.campaign)
        object.add("state", question.state?.rawValue)
        object.add("people", question.people)
        object.add("beside", question.beside.map(\.name))
        object.add("start", question.people > 0 ? question.start : nil)
        object.add("finish", course.finish)
        object.add(
            "days",
            days.map { day in
                var object = JSONText()
                object.add("date", day.date)
                object.add("count", day.count)
                return object
            })
        let limiting = holds.first
        object.add("limiting", limiting.map { Self.json($0.limit, $0.key, name: question.campaign) })
        object.add(
            "what_if",
            alternatives.map { alternative in
                var object: JSONText
                switch alternative.change {
                case .doubled(let limit):
                    object = Self.json(limit, alternative.key, name: question.campaign, change: "cap_doubled", times: 2)
                default:
                    object = JSONText()
                    object.add("change", "second_source")
                }
                object.add("finish", alternative.finish)
                object.add("saves_seconds", saved(alternative).map { Int($0.inSeconds.rounded()) })
                return object
            })
        return object
    }

    private static func json(
        _ limit: Limit, _ key: String, name: String, change: String? = nil, times: Int = 1
    ) -> JSONText {
        var object = JSONText()
        if let change { object.add("change", change) }
        object.add("scope", limit.scope.rawValue)
        object.add("key", limit.scope == .campaign ? name : key)
        object.add("per_seconds", Int(limit.perSeconds.rounded()))
        object.add("count", limit.count * times)
        return object
    }

    private func saved(_ alternative: Alternative) -> Duration? {
        guard let finish = course.finish, let other = alternative.finish else { return nil }
        return finish - other
    }

    // MARK: Text

    /// Days shown in full; of a longer course the first ones and the last.
    private static let shown = 14

    func text(now: Timestamp = SystemClock().now()) -> String {
        var text = lead(now) + "\n"
        guard question.people > 0 else { return text }
        for other in question.beside {
            text +=
                OutsideText.plain(
                    tr(
                        "At the same time {0} ({1} left) is sent under the same caps; each gets its share of them.",
                        other.name,
                        NumberText.count(other.left))) + "\n"
        }
        if days.count > 1 {
            text += "\n"
            var table = TextTable([(tr("DAY"), .left), (tr("PEOPLE"), .right)])
            let cut = days.count > Self.shown + 1
            for day in cut ? days.prefix(Self.shown)[...] : days[...] {
                table.add([day.date, "~" + NumberText.count(day.count)])
            }
            if cut, let last = days.last {
                let between = days.count - Self.shown - 1
                let people = days[Self.shown..<(days.count - 1)].reduce(0) { $0 + $1.count }
                table.add([trn("{0} more day", "{0} more days", between), "~" + NumberText.count(people)])
                table.add([last.date, "~" + NumberText.count(last.count)])
            }
            text += table.text()
        }
        if alternatives.contains(where: { saved($0) ?? .zero > .seconds(1) }) {
            var table = TextTable([(tr("WHAT IF"), .left), (tr("FINISHED"), .left), (tr("EARLIER BY"), .left)])
            for alternative in alternatives {
                let gain = saved(alternative) ?? .zero
                table.add([
                    Self.words(alternative),
                    alternative.finish.map { "~" + TimeText.moment($0, now: now) } ?? "",
                    gain > .seconds(1) ? "~" + TimeText.span(gain) : tr("nothing"),
                ])
            }
            text += "\n" + table.text()
        }
        return text
    }

    private func lead(_ now: Timestamp) -> String {
        let name = question.campaign
        switch question.state {
        case .cancelled: return tr("{0} was cancelled.", name)
        case .finished: return tr("{0} is finished.", name)
        default: break
        }
        guard question.people > 0, let finish = course.finish else {
            return question.inDoubt > 0
                ? tr("{0}: only {1} in doubt are left, and somebody must decide about them.", name, question.inDoubt)
                : tr("{0}: nobody is left to be sent to.", name)
        }
        let people = NumberText.count(question.people)
        guard let hold = holds.first else {
            if course.endsWithRetry {
                return tr(
                    "{0}: {1} people, finished ~{2}, when the last retry is due.", name, people, moment(finish, now))
            }
            if question.basis.step == 0 {
                return tr("{0}: {1} people; no cap slows it down: as fast as the server takes them.", name, people)
            }
            return tr("{0}: {1} people, finished ~{2}; no cap slows it down.", name, people, moment(finish, now))
        }
        let paused = question.state == .paused ? " " + tr("(It is paused; this counts from now.)") : ""
        return tr(
            "{0}: {1} people from {2}, finished ~{3}. What slows it down most is the cap of {4}.", name, people,
            TimeText.moment(question.start, now: now), moment(finish, now), Self.words(hold.limit, hold.key, name))
            + paused
    }

    private func moment(_ time: Timestamp, _ now: Timestamp) -> String { TimeText.moment(time, now: now) }

    private static func words(_ limit: Limit, _ key: String, _ campaign: String) -> String {
        let cap = "\(NumberText.count(limit.count)) / \(DurationText.text(.microseconds(limit.perMicroseconds)))"
        return tr(
            "{0} ({1} {2})", cap, LimitReport.word(limit.scope), limit.scope == .campaign ? campaign : key)
    }

    private static func words(_ alternative: Alternative) -> String {
        guard case .doubled(var limit) = alternative.change else { return tr("one more source, with the same caps") }
        limit.count *= 2
        let cap = "\(NumberText.count(limit.count)) / \(DurationText.text(.microseconds(limit.perMicroseconds)))"
        let key = limit.scope == .campaign ? "" : " " + alternative.key
        return tr("{0} for the {1}", cap, LimitReport.word(limit.scope) + (key == " " ? "" : key))
    }
}
