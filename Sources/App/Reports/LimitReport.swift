import Clock
import Queue

/// What the caps have left, as JSON and as text.
enum LimitReport {
    static func json(_ use: LimitUse) -> JSONText {
        var object = JSONText()
        object.add("scope", use.scope.rawValue)
        object.add("key", use.key)
        if use.perSeconds == use.perSeconds.rounded() {
            object.add("per_seconds", Int(use.perSeconds))
        } else {
            object.add("per_seconds", use.perSeconds)
        }
        object.add("count", use.count)
        object.add("used", use.used)
        object.add("next_free", use.nextFree)
        if let day = use.warmupDay { object.add("warmup_day", day) }
        if let since = use.knownSince { object.add("known_since", since) }
        if let until = use.unknownUntil { object.add("unknown_until", until) }
        return object
    }

    static func csv(_ use: LimitUse) -> String {
        CSVText.row([
            use.scope.rawValue, use.key, NumberText.decimal(use.perSeconds, atMost: 3), String(use.count),
            String(use.used), use.nextFree?.iso8601, use.knownSince?.iso8601,
        ])
    }

    static let csvHeading = CSVText.row(["scope", "key", "per_seconds", "count", "used", "next_free", "known_since"])

    static func table(_ uses: [LimitUse], now: Timestamp) -> String {
        var table = TextTable([
            (tr("CAP"), .left), (tr("OF"), .left), (tr("USED"), .right), (tr("LEFT"), .right), (tr("PER"), .left),
            (tr("NEXT MAY GO"), .left),
        ])
        for use in uses {
            let left = max(0, use.count - use.used)
            let next = left > 0 ? tr("now") : use.nextFree.map { TimeText.moment($0, now: now) } ?? ""
            table.add([
                use.warmupDay.map { tr("{0} (warm-up, day {1})", word(use.scope), "\($0)") } ?? word(use.scope),
                use.key,
                NumberText.count(use.used), NumberText.count(left),
                "\(NumberText.count(use.count)) / \(DurationText.text(.milliseconds(Int64(use.perSeconds * 1000))))",
                next,
            ])
        }
        let notes =
            uses.compactMap { use in use.knownSince.map { "\(word(use.scope)) \(use.key): \(blindness($0, now: now))" }
            }
            + [claimNote(uses, now: now)].compactMap(\.self)
        return table.text() + notes.map { $0 + "\n" }.joined()
    }

    /// Why caps are full though nothing was sent; once for all of them. nil where no claim fills any.
    static func claimNote(_ uses: [LimitUse], now: Timestamp) -> String? {
        uses.compactMap(\.unknownUntil).max().map {
            tr(
                "This queue was claimed, and what was sent from elsewhere before that is unknown: caps count as used up until their windows have passed, the last one at {0}.",
                TimeText.moment($0, now: now))
        }
    }

    /// What a cap cannot count that came after what it asks for had been dropped.
    static func blindness(_ since: Timestamp, now: Timestamp) -> String {
        tr("This cap came late: what was sent before {0} is no longer known to it.", TimeText.moment(since, now: now))
    }

    /// `40 of 100 in 1h`.
    static func short(_ use: LimitUse) -> String {
        tr(
            "{0} of {1} in {2}", NumberText.count(use.used), NumberText.count(use.count),
            DurationText.text(.milliseconds(Int64(use.perSeconds * 1000))))
    }

    static func word(_ scope: LimitScope) -> String {
        switch scope {
        case .source: tr("source")
        case .account: tr("account")
        case .domain: tr("domain")
        case .campaign: tr("campaign")
        }
    }
}

extension Queue {
    /// What limits have left; one for any domain is shown for those counted most.
    func uses(of limits: [Limit], account: String, source: String, campaign: Int64?) throws -> [LimitUse] {
        try limitUse(limits, account: account, source: source, domains: nil, campaign: campaign)
    }
}
