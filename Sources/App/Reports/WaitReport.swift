import Clock
import Queue

/// What one campaign's time was used for.
struct WaitReport {
    private let name: String
    private let history: SpellHistory
    private let now: Timestamp
    /// Lines of the list; the oldest are left out of the text, never of CSV and JSON.
    private static let shown = 60

    init(_ name: String, _ history: SpellHistory, now: Timestamp) {
        self.name = name
        self.history = history
        self.now = now
    }

    private static func seconds(_ microseconds: Int64) -> Double { Double(microseconds) / 1_000_000 }

    private func span(_ microseconds: Int64) -> String { TimeText.span(.microseconds(microseconds)) }

    var json: JSONText {
        var object = JSONText()
        object.add("campaign", name)
        object.add("since", history.since)
        object.add("until", history.until)
        object.add("seconds", Self.seconds(history.microseconds))
        object.add(
            "sums",
            history.sums.map { sum in
                var object = JSONText()
                object.add("kind", sum.cause.kind.rawValue)
                object.add("what", sum.cause.what)
                object.add("seconds", Self.seconds(sum.microseconds))
                return object
            })
        object.add(
            "spells",
            history.spells.map { spell in
                var object = JSONText()
                object.add("kind", spell.cause.kind.rawValue)
                object.add("what", spell.cause.what)
                object.add("runner", spell.runner)
                object.add("since", spell.since)
                object.add("until", spell.until)
                object.add("seconds", Self.seconds(spell.microseconds))
                return object
            })
        return object
    }

    static let csvHeading = CSVText.row(["campaign", "kind", "what", "runner", "since", "until", "seconds"])

    var csv: String {
        history.spells.map { spell in
            CSVText.row([
                name, spell.cause.kind.rawValue, spell.cause.what, spell.runner.map { String($0) }, spell.since.iso8601,
                spell.until.iso8601, NumberText.decimal(Self.seconds(spell.microseconds), atMost: 3),
            ])
        }.joined()
    }

    /// The sums, which add up to the first line.
    var summary: String {
        var table = TextTable([("", .left), ("", .right), ("", .right)])
        for sum in history.sums {
            let share = Double(sum.microseconds) * 100 / Double(max(1, history.microseconds))
            table.add([
                "  " + Self.words(sum.cause), span(sum.microseconds),
                NumberText.decimal(share, atLeast: 1, atMost: 1) + " %",
            ])
        }
        let head = tr(
            "{0}: {1} since {2}", OutsideText.plain(name), span(history.microseconds),
            TimeText.moment(history.since, now: now))
        return head + "\n" + table.text().split(separator: "\n").joined(separator: "\n") + "\n"
    }

    var list: String {
        var table = TextTable([
            (tr("SINCE"), .left), (tr("UNTIL"), .left), (tr("FOR"), .right), (tr("PROCESS"), .right),
            (tr("WHAT"), .left),
        ])
        for spell in history.spells.suffix(Self.shown) {
            table.add([
                TimeText.moment(spell.since, now: now), TimeText.moment(spell.until, now: now),
                span(spell.microseconds), spell.runner.map { String($0) } ?? "", Self.words(spell.cause),
            ])
        }
        let more = history.spells.count - Self.shown
        return (more > 0 ? tr("{0} earlier ones are in --csv and --json.", "\(more)") + "\n" : "") + table.text()
    }

    static func words(_ cause: WaitCause) -> String {
        let what = cause.what
        return switch cause.kind {
        case .sending: tr("sending")
        case .cap: tr("cap used up: {0}", capWords(what))
        case .window: tr("outside the sending window")
        case .retry: tr("everybody left waited for another try")
        case .rest: tr("the server asked for less: {0}", what)
        case .connection: tr("no connection: {0}", what)
        case .pace: tr("spread evenly over the window")
        case .others: tr("another process had whoever was left")
        case .paused: what.isEmpty ? tr("paused") : tr("paused: {0}", Standstill.reason(what))
        case .finished: tr("finished, before more people were added")
        case .cancelled: what.isEmpty ? tr("cancelled") : tr("cancelled: {0}", what)
        case .noRunner: tr("no process was sending")
        case .unrecorded: tr("not written down")
        }
    }

    /// `source default 100/1h` with its scope in the user's language.
    private static func capWords(_ what: String) -> String {
        guard let space = what.firstIndex(of: " ") else { return what }
        return Standstill.scope(String(what[..<space])) + what[space...]
    }
}
