import Clock
import Queue

/// What is left when there is hardly any room: the counts, always, and as much more as fits.
extension ConsoleModel {
    func drawTiny(_ frame: inout Frame) {
        var lines: [(String, Style)] = []
        if let people {
            lines = tinyPeople(people)
        } else if let waits {
            lines = tinyWaits(waits)
        } else if let row = current {
            let tallies = row.tallies
            lines.append(
                ("\(row.name) \(row.activity.word) \(Figures.percent(tallies.fractionSettled))", row.activity.style))
            var second = "\(tallies.sent)/\(tallies.total)"
            if let rate = row.perMinute { second += "  \(Figures.short(rate))/m" }
            if row.isMoving, let finish = row.finish { second += "  ~" + Figures.time(finish, self) }
            lines.append((second, .plain))
            if let standstill = row.standstill { lines.append((standstill.brief(self), row.activity.style)) }
            lines.append(
                (
                    "\(tr("DEFER")) \(tallies.deferred) \(tr("FAIL")) \(tallies.failed) \(tr("DOUBT")) \(tallies.inDoubt)",
                    tallies.inDoubt + tallies.failed > 0 ? .warn : .plain
                ))
            for limit in shown?.open?.limits ?? [] {
                lines.append(
                    ("\(limit.key) \(Figures.window(limit.perSeconds)) \(limit.used)/\(limit.count)", .plain))
            }
            for attempt in shown?.open?.attempts.prefix(3) ?? [] {
                lines.append(
                    ("\(attempt.mark.word) \(attempt.code.map(String.init) ?? "") \(attempt.reply)", attempt.mark.style)
                )
            }
        } else {
            lines.append((shown == nil ? tr("reading the queue …") : tr("No campaign yet."), .muted))
        }
        let rows = size.rows
        let isRoot = live == nil || rootIsLive
        var last: (String, Style) = (isRoot ? tr("? help  p pause  q quit") : tr("? help  p pause  q back"), .muted)
        if people != nil { last = (tr("Esc back"), .muted) }
        if let waits {
            last = (waits.rests(now.wall).isEmpty ? tr("Esc back") : tr("L lift  Esc back"), .muted)
        }
        if let trouble { last = (trouble, .error) }
        if let frozenAt { last = (tr("FROZEN {0}", Figures.time(frozenAt, self, seconds: true)), .accent) }
        if let flash { last = (flash.text, Style(flash.role)) }
        if isEditingFilter { last = (tr("filter: ") + filter, .title) }
        if let typed = people?.typed { last = (tr("search: ") + typed, .title) }
        if case .help = overlay { last = (tr("enlarge the window for help"), .warn) }
        if case .palette(let state) = overlay { last = (":" + state.query, .title) }
        let body = rows >= 3 ? rows - 1 : rows
        for (index, line) in lines.prefix(body).enumerated() {
            frame.put(line.0, 0, index, line.1, width: size.columns)
        }
        // A single row: the message has it while there is one.
        if rows >= 3 || flash != nil || trouble != nil {
            frame.fill(Area(x: 0, y: rows - 1, width: size.columns, height: 1))
            frame.put(last.0, 0, rows - 1, last.1, width: size.columns)
        }
    }

    func drawTiny(_ frame: inout Frame, start dialog: StartDialog) {
        let people = dialog.terms.map { Figures.count($0.people) } ?? "…"
        let ask = dialog.wantsName ? tr("type its name: {0}", dialog.typed) : tr("y yes  Esc no")
        drawLast(&frame, [tr("!! {0} people. Start?", people), ask])
    }

    func drawTiny(_ frame: inout Frame, settle dialog: SettleDialog) {
        let who = dialog.isForAll ? tr("all {0} in doubt", Figures.count(dialog.count)) : dialog.person.email
        let ask =
            switch dialog.decision {
            case nil: tr("r resend  s sent  f failed  Esc no")
            case _? where dialog.wantsName: tr("type its name: {0}", dialog.typed)
            case let decision?: tr("{0}?", decision.rawValue) + " " + tr("y yes  Esc no")
            }
        drawLast(&frame, ["!! " + who, ask])
    }

    func drawTiny(_ frame: inout Frame, lift dialog: LiftDialog) {
        drawLast(&frame, ["!! " + dialog.rest.server, tr("end its rest now? y yes  Esc no")])
    }

    func drawTinyQuit(_ frame: inout Frame) {
        drawLast(&frame, [tr("still sending:"), tr("b leave it  f finish  Esc no")])
    }

    private func drawLast(_ frame: inout Frame, _ lines: [String]) {
        // What is said about a key stands above the question.
        let lines = size.rows > lines.count ? [flash?.text].compactMap(\.self) + lines : lines
        let first = max(0, size.rows - lines.count)
        let shown = size.rows == 1 ? [lines.joined(separator: " ")] : lines
        for (index, line) in shown.enumerated() {
            frame.fill(Area(x: 0, y: first + index, width: size.columns, height: 1))
            frame.put(line, 0, first + index, Style(.error, bold: true, reverse: true), width: size.columns)
        }
    }
}
