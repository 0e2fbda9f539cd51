import Clock
import Queue

/// A sending window as the configuration writes it: `[account.window]` of config.toml, and the keys of `[schedule]`.
enum WindowSettings {
    static let keys = ["days", "from", "to", "zone", "holidays", "workdays", "preset"]
    static let presets: [String: SendingWindow] = ["non-working-10-16": .nonWorking10To16]

    /// nil when the section has none of the keys.
    /// - Parameter others: keys that may stand there beside those of a window.
    /// - Throws: `Failure` (78).
    static func window(_ section: TOMLSection, others: [String] = []) throws -> SendingWindow? {
        try section.allow(others + keys)
        guard keys.contains(where: section.has) else { return nil }
        var window = SendingWindow()
        if let name = try section.line(text: "preset") {
            guard let preset = presets[name] else {
                throw section.fault(
                    "preset", tr("there is no preset \"{0}\"", name),
                    next: tr("There are: {0}.", presets.keys.sorted().joined(separator: ", ")))
            }
            window = preset
        }
        if let days = try days(section) { window.days = days }
        window.from = try minutes(section, "from") ?? window.from
        window.to = try minutes(section, "to") ?? window.to
        guard window.from < 1440 else {
            throw section.fault("from", tr("24:00 is the end of a day, not a time to begin at"))
        }
        if window.to == 0 { window.to = 1440 }
        if let zone = try section.line(text: "zone") {
            guard SendingWindow.isZone(zone) else {
                throw section.fault(
                    "zone", tr("there is no time zone \"{0}\"", zone),
                    next: tr("Write a name such as \"Europe/Berlin\" or \"Asia/Shanghai\"."))
            }
            window.zone = zone
        }
        window.holidays = try dates(section, "holidays")
        window.workdays = try dates(section, "workdays")
        if let both = window.holidays.intersection(window.workdays).min() {
            throw section.fault(
                "workdays", tr("{0} is in holidays, too", text(both)), next: tr("Leave it in one of the two lists."))
        }
        // Judged from the first of the holidays on, or a list for next year would be a fault.
        let first = window.holidays.min().map { Timestamp(microseconds: Int64($0) * 86_400_000_000) }
        let now = SystemClock().now()
        guard
            window.nextOpening(atOrAfter: now) != nil
                || first.map({ $0 > now && window.nextOpening(atOrAfter: $0) != nil }) ?? false
        else {
            let key = section.has("days") ? "days" : keys.first(where: section.has) ?? "days"
            throw section.fault(key, tr("this window never opens"))
        }
        return window
    }

    private static func days(_ section: TOMLSection) throws -> SendingWindow.Days? {
        guard let words = try section.strings("days") else { return nil }
        var days: SendingWindow.Days = []
        for word in words {
            guard let found = SendingWindow.Days(word: word) else {
                let known = SendingWindow.Days.words
                throw section.fault(
                    "days", tr("\"{0}\" is none of {1}", word, known.joined(separator: ", ")),
                    next: Suggestion.nearest(to: word, among: known).map { tr("Did you mean \"{0}\"?", $0) })
            }
            days.formUnion(found)
        }
        guard !days.isEmpty else { throw section.fault("days", tr("names no day")) }
        return days
    }

    private static func minutes(_ section: TOMLSection, _ key: String) throws -> Int? {
        guard let text = try section.line(text: key) else { return nil }
        guard let minutes = SendingWindow.minutes(text) else {
            throw section.fault(
                key, tr("\"{0}\" is no time of day", text), next: tr("Write it as in \"09:00\" or \"17:30\"."))
        }
        return minutes
    }

    /// Days since 1970-01-01.
    private static func dates(_ section: TOMLSection, _ key: String) throws -> Set<Int> {
        guard let node = section.values[key] else { return [] }
        let items: [TOMLNode]
        if case .array(let list) = node { items = list } else { items = [node] }
        guard items.count <= 10_000 else { throw section.fault(key, tr("are too many")) }
        return Set(
            try items.map { item in
                switch item {
                case .string(let text), .time(let text):
                    if let day = SendingWindow.day(text) { return day }
                    throw section.fault(
                        key, tr("\"{0}\" is no date", text), next: tr("Write it as in \"2027-01-01\"."))
                default: throw section.fault(key, tr("must be a list of dates such as \"2027-01-01\""))
                }
            })
    }

    /// `2027-01-01`.
    private static func text(_ day: Int) -> String {
        String(Timestamp(microseconds: Int64(day) * 86_400_000_000).iso8601.prefix(10))
    }
}
