import Clock
import Queue
import Sender

/// Rests, in force and over.
enum RestReport {
    static func json(_ record: RestRecord) -> JSONText {
        let rest = record.rest
        var object = JSONText()
        object.add("id", record.id)
        object.add("in_force", record.isInForce)
        object.add("ending", record.ending.rawValue)
        object.add("account", rest.account)
        object.add("source", rest.source)
        object.add("server", rest.server)
        object.add("since", rest.since)
        object.add("until", rest.until)
        object.add("rule", rest.rule)
        object.add("reply", rest.reply)
        object.add("campaign", record.campaign)
        object.add("email", record.email)
        object.add("attempt", rest.attempt)
        object.add("in_a_row", record.inARow)
        object.add("answers", record.answers)
        object.add("lifted_by", record.liftedBy)
        return object
    }

    static let csvHeading = CSVText.row([
        "id", "in_force", "ending", "account", "source", "server", "since", "until", "rule", "reply", "campaign",
        "email", "attempt", "in_a_row", "answers", "lifted_by",
    ])

    static func csv(_ record: RestRecord) -> String {
        let rest = record.rest
        return CSVText.row([
            String(record.id), record.isInForce ? "true" : "false", record.ending.rawValue, rest.account, rest.source,
            rest.server, rest.since.iso8601, rest.until.iso8601, rest.rule, rest.reply, record.campaign, record.email,
            rest.attempt.map { String($0) }, String(record.inARow), String(record.answers),
            record.liftedBy,
        ])
    }

    static func text(_ records: [RestRecord], now: Timestamp) -> String {
        var text = ""
        for (title, part) in [
            (tr("In force"), records.filter(\.isInForce)), (tr("Over"), records.filter { !$0.isInForce }),
        ] where !part.isEmpty {
            if !text.isEmpty { text += "\n" }
            text += title + "\n"
            for record in part { text += lines(record, now: now).map { OutsideText.plain($0) + "\n" }.joined() }
        }
        return text
    }

    private static func lines(_ record: RestRecord, now: Timestamp) -> [String] {
        let rest = record.rest
        let moment = { (time: Timestamp) in TimeText.moment(time, now: now) }
        let source = rest.source == "default" ? "" : " " + tr("from {0}", rest.source)
        let span = TimeText.span(rest.until - rest.since)
        let how =
            switch record.ending {
            case .time: record.isInForce ? tr("{0} left", TimeText.span(rest.until - now)) : span
            case .lifted:
                record.liftedBy.isEmpty
                    ? tr("lifted after {0}", span) : tr("lifted after {0} by {1}", span, record.liftedBy)
            case .longer: tr("a longer one took over after {0}", span)
            }
        var lines = [
            "  \(record.id)  \(rest.account) → \(rest.server)\(source)  "
                + tr("{0} until {1} ({2})", moment(rest.since), moment(rest.until), how),
            "     " + tr("{0}: {1}", rest.rule, rest.reply),
        ]
        var whose: [String] = []
        if let campaign = record.campaign {
            whose.append([campaign, record.email].compactMap(\.self).joined(separator: ", "))
        }
        if let attempt = rest.attempt { whose.append(tr("attempt {0}", "\(attempt)")) }
        if record.inARow > 1 { whose.append(tr("{0} in a row, nothing sent in between", "\(record.inARow)")) }
        if record.answers > 1 { whose.append(tr("{0} such answers", "\(record.answers)")) }
        if !whose.isEmpty { lines.append("     " + whose.joined(separator: "; ")) }
        return lines
    }
}

/// The reply rules themselves.
enum RuleReport {
    static let names = ["id", "host", "code", "text", "kind", "level", "action", "rest", "suppress"]

    static func cells(_ rule: ReplyRule) -> [String] {
        [
            rule.id, rule.host?.text ?? "", rule.code ?? "", rule.text?.text ?? "", rule.kind.rawValue,
            rule.level.rawValue, rule.action.rawValue, rule.rest.map(DurationText.text) ?? "",
            rule.suppress ? "true" : "false",
        ]
    }

    static func json(_ rule: ReplyRule) -> JSONText {
        var object = JSONText()
        object.add("id", rule.id)
        object.add("host", rule.host?.text)
        object.add("code", rule.code)
        object.add("text", rule.text?.text)
        object.add("kind", rule.kind.rawValue)
        object.add("level", rule.level.rawValue)
        object.add("action", rule.action.rawValue)
        object.add("rest_seconds", rule.rest.map { Int($0.inSeconds) })
        object.add("suppress", rule.suppress)
        return object
    }

    static func text(_ rules: [ReplyRule]) -> String {
        var table = TextTable([
            (tr("RULE"), .left), (tr("HOST"), .left), (tr("CODE"), .left), (tr("TEXT"), .left), (tr("KIND"), .left),
            (tr("WHAT HAPPENS"), .left),
        ])
        for rule in rules {
            table.add([
                rule.id, rule.host?.text ?? "", rule.code ?? "", rule.text?.text ?? "", rule.kind.rawValue,
                consequence(rule),
            ])
        }
        return table.text()
    }

    private static func consequence(_ rule: ReplyRule) -> String {
        switch rule.action {
        case .login: tr("the account is not used any further")
        case .rest: rule.rest.map { tr("the server is left alone for {0}", DurationText.text($0)) } ?? tr("reconnects")
        case .defer:
            rule.rest.map { tr("tried again, after {0} at least", DurationText.text($0)) } ?? tr("tried again")
        case .fail:
            rule.suppress ? tr("fails, and is never mailed again") : tr("fails")
        }
    }
}
