import Clock
import Queue

extension ConsoleModel {
    /// A box in the middle of the screen over what is there, but not over the message: what is said about a key is seen.
    /// Answers where its lines are.
    @discardableResult
    private func box(_ frame: inout Frame, _ title: String, _ lines: [[(String, Style)]], _ style: Style) -> Area {
        let widest = lines.map { $0.reduce(0) { $0 + CellWidth.of($1.0) } }.max() ?? 0
        let width = min(size.columns, max(widest, CellWidth.of(title) + 4) + 4)
        let room = flash == nil ? size.rows : size.rows - 2
        let height = min(room, lines.count + 2)
        let y = max(0, min((size.rows - height) / 2, room - height))
        let area = Area(x: (size.columns - width) / 2, y: y, width: width, height: height)
        frame.fill(area)
        let inside = frame.pane(area, title, style: style)
        // Where there is no room for all, what can be answered stays: it is at the end.
        let shown = lines.count > inside.height ? lines.filter { $0.contains { !$0.0.isEmpty } } : lines
        let tail = shown.suffix(max(1, inside.height - 1))
        let drawn = (shown.count > inside.height ? [shown[0]] + tail : shown).prefix(inside.height)
        for (index, line) in drawn.enumerated() {
            frame.put(line, inside.x + 1, inside.y + index, width: inside.width - 2)
        }
        return Area(x: inside.x, y: inside.y, width: inside.width, height: drawn.count)
    }

    func wrapped(_ text: String, _ style: Style = .plain) -> [[(String, Style)]] {
        CellWidth.wrap(text, min(72, size.columns - 4)).map { [($0, style)] }
    }

    func drawStart(_ frame: inout Frame, _ dialog: StartDialog) {
        let title = tr("!! Start sending: {0}", dialog.campaign)
        guard let terms = dialog.terms else {
            box(&frame, title, wrapped(tr("counting …"), .muted), .error)
            return
        }
        guard terms.people > 0 else {
            let lines =
                wrapped(tr("Nobody is left to get this mail.")) + [
                    [("", .plain)], [("Esc", .key), (" " + tr("back"), .muted)],
                ]
            box(&frame, title, lines, .warn)
            return
        }
        var lines = wrapped(
            trn("{0} person will get mail.", "{0} people will get mail.", terms.people), Style(.title, bold: true))
        if terms.leftOut > 0 {
            lines += wrapped(
                terms.isResumed
                    ? tr("It goes on: {0} are settled already or left out.", Figures.count(terms.leftOut))
                    : tr("{0} are left out (suppressed or invalid).", Figures.count(terms.leftOut)), .muted)
        }
        let from = terms.from.isEmpty ? terms.account : terms.from
        lines += wrapped(tr("From {0}, account {1}.", from, terms.account))
        if !terms.caps.isEmpty { lines += wrapped(tr("Caps: {0}.", terms.caps)) }
        let first = terms.first.map { $0 <= now.wall ? tr("at once") : Figures.soon($0, self) } ?? tr("at once")
        let until =
            terms.finish.map { tr("finish about {0}", Figures.soon($0, self)) } ?? tr("no finish can be foretold")
        lines += wrapped(tr("First mail {0}, {1}.", first, until))
        lines += wrapped(tr("Sent mail cannot be recalled; p pauses at any time."), .warn)
        lines.append([("", .plain)])
        ask(
            &frame, title, lines, typed: dialog.wantsName ? dialog.typed : nil, yes: tr("start"),
            no: tr("nothing is started"),
            name: tr("Type the campaign's name; it starts when the name is complete."))
    }

    /// A question whose answer is y, or the campaign's name typed in full.
    func ask(
        _ frame: inout Frame, _ title: String, _ lines: [[(String, Style)]], typed: String?, yes: String, no: String,
        name: String
    ) {
        guard let typed else {
            let answers: [(String, Style)] = [
                ("y", .key), (" " + yes + "     ", .plain), ("n", .key), ("/", .muted), ("Esc", .key),
                (" " + no, .muted),
            ]
            box(&frame, title, lines + [answers], .error)
            return
        }
        let answers: [[(String, Style)]] = [
            [("> ", .key), (typed, .plain)], [("Esc", .key), (" " + no, .muted)],
        ]
        let inside = box(&frame, title, lines + wrapped(name) + answers, .error)
        let x = inside.x + 3 + CellWidth.of(typed)
        frame.cursor = (min(x, inside.x + inside.width - 1), inside.y + max(0, inside.height - 2))
    }

    func drawSettle(_ frame: inout Frame, _ dialog: SettleDialog) {
        let title = tr("!! In doubt: {0}", dialog.campaign)
        let person = dialog.person
        var lines: [[(String, Style)]] = []
        if dialog.isForAll {
            lines += wrapped(
                trn("{0} person is in doubt.", "All {0} that are in doubt.", dialog.count), .title)
        } else {
            lines += wrapped(person.email, .title)
            let since = person.answered.map {
                tr("since {0}, {1}", Figures.time($0, self, seconds: true), Figures.age(now.wall - $0))
            }
            lines += wrapped(since.map { tr("{0}: {1}", $0, person.reply) } ?? person.reply)
        }
        let choices: [(String, DoubtDecision, String)] = [
            ("r", .resend, tr("send it again; who got it already gets it twice")),
            ("s", .sent, tr("count it as sent")), ("f", .failed, tr("count it as failed")),
        ]
        if let decision = dialog.decision {
            lines.append([("", .plain)])
            lines += wrapped(choices.first { $0.1 == decision }?.2 ?? "", .warn)
            lines.append([("", .plain)])
            return ask(
                &frame, title, lines, typed: dialog.wantsName ? dialog.typed : nil, yes: tr("do it"),
                no: tr("nothing is changed"),
                name: tr("Type the campaign's name; it is done when the name is complete."))
        }
        lines += wrapped(tr("Look into the account's Sent folder or the server's log first."), .muted)
        lines.append([("", .plain)])
        for (key, _, text) in choices {
            let wrapped = wrapped(text)
            lines.append([(key, .key), ("    ", .plain)] + (wrapped.first ?? []))
        }
        if dialog.count > 1 {
            let other =
                dialog.isForAll ? tr("only this one") : tr("for all {0} that are in doubt", Figures.count(dialog.count))
            lines.append([("Tab", .key), ("  " + other, .plain)])
        }
        lines.append([("Esc", .key), ("  " + tr("nothing is changed"), .muted)])
        box(&frame, title, lines, .error)
    }

    func drawQuit(_ frame: inout Frame) {
        let names = latest?.ownRunners ?? []
        var lines = wrapped(
            trn(
                "A process started here is still sending:", "{0} processes started here are still sending:", names.count
            ))
        for name in names.prefix(5) { lines.append([("  " + name, .title)]) }
        lines.append([("", .plain)])
        lines.append([("b", .key), ("   " + tr("leave; it goes on in the background"), .plain)])
        lines.append([("f", .key), ("   " + tr("finish what is in flight, then leave"), .plain)])
        lines.append([("Esc", .key), (" " + tr("stay"), .plain)])
        box(&frame, tr("Leave"), lines, .warn)
    }

    // MARK: Help

    private var helpWidth: Int { min(size.columns - 2, 90) }

    /// Rows of help that are visible at once.
    var helpRoom: Int { max(1, size.rows - 6) }

    func helpLines(_ state: HelpState) -> [[(String, Style)]] {
        let query = state.query.lowercased()
        let here = ConsoleCommand.here(place).filter { command in
            query.isEmpty || command.does.lowercased().contains(query) || command.name.contains(query)
                || command.keys.contains { $0.label.lowercased() == query }
        }
        let keyWidth = 16
        func entry(_ command: ConsoleCommand, _ text: String, _ style: Style) -> [[(String, Style)]] {
            let keys = command.keys.map(\.label).joined(separator: " ")
            return CellWidth.wrap(text, max(10, helpWidth - keyWidth - 5)).enumerated().map { number, part in
                [(CellWidth.fit(number == 0 ? keys : "", keyWidth, mark: "~"), .key), (" " + part, style)]
            }
        }
        var lines: [[(String, Style)]] = []
        var groups: [String] = []
        for command in here where !groups.contains(command.group) { groups.append(command.group) }
        for group in groups {
            let members = here.filter { $0.group == group && $0.unavailable(self) == nil }
            if members.isEmpty { continue }
            lines.append([(group, .title)])
            for command in members {
                lines += entry(command, command.does + (command.danger == .asks ? " !" : ""), .plain)
            }
        }
        let blocked = here.compactMap { command in command.unavailable(self).map { (command, $0) } }
        if !blocked.isEmpty {
            lines.append([(tr("Not now"), .title)])
            for (command, reason) in blocked { lines += entry(command, tr("{0} ({1})", reason, command.does), .muted) }
        }
        if lines.isEmpty { lines.append([(tr("nothing matches"), .muted)]) }
        return lines
    }

    func drawHelp(_ frame: inout Frame, _ state: HelpState) {
        let lines = helpLines(state)
        let width = helpWidth
        let height = min(size.rows - 2, lines.count + 4)
        let area = Area(x: (size.columns - width) / 2, y: (size.rows - height) / 2, width: width, height: height)
        frame.fill(area)
        let title =
            switch place {
            case .live: tr("Help: live campaign")
            case .people: tr("Help: people")
            case .story: tr("Help: one recipient's story")
            case .waits: tr("Help: waits and rests")
            default: tr("Help: campaigns")
            }
        let room = height - 4
        let note = lines.count > room ? "\(state.top + 1)-\(min(lines.count, state.top + room))/\(lines.count)" : ""
        let inside = frame.pane(area, title, note: note, style: .accent)
        for (index, line) in lines.dropFirst(state.top).prefix(room).enumerated() {
            frame.put(line, inside.x + 1, inside.y + index, width: inside.width - 2)
        }
        let y = inside.y + inside.height - 1
        if state.isSearching || !state.query.isEmpty {
            let end = frame.put([("/", .key), (state.query, .plain)], inside.x + 1, y, width: inside.width - 3)
            if state.isSearching { frame.cursor = (end, y) }
        } else {
            frame.put(
                [
                    ("/", .key), (" " + tr("search") + "  ", .muted), ("j k", .key), (" " + tr("move") + "  ", .muted),
                    ("Esc", .key), (" " + tr("back"), .muted),
                ], inside.x + 1, y, width: inside.width - 2)
        }
    }

    func drawPalette(_ frame: inout Frame, _ state: PaletteState) {
        let matches = paletteMatches(state.query)
        let width = min(size.columns - 2, 76)
        let room = min(max(1, size.rows - 7), 10)
        // What does not fit beside its name is said in full below, for the one that is chosen.
        let chosen = matches.indices.contains(state.index) ? matches[state.index] : nil
        let said = chosen.map { $0.unavailable(self) ?? $0.does } ?? ""
        let detail =
            size.rows >= 20 && CellWidth.of(said) > width - 24 ? CellWidth.wrap(said, width - 4, lines: 2) : []
        let area = Area(
            x: (size.columns - width) / 2, y: 2, width: width,
            height: room + 3 + (detail.isEmpty ? 0 : detail.count + 1))
        frame.fill(area)
        let inside = frame.pane(area, tr("Command"), style: .accent)
        let end = frame.put([(": ", .key), (state.query, .plain)], inside.x + 1, inside.y, width: inside.width - 3)
        frame.cursor = (end, inside.y)
        let top = max(0, state.index - room + 1)
        for (index, command) in matches.enumerated().dropFirst(top).prefix(room) {
            let y = inside.y + 1 + index - top
            let blocked = command.unavailable(self)
            frame.put(
                [
                    (CellWidth.fit(command.name, 18) + " ", blocked == nil ? .title : .muted),
                    (blocked ?? command.does, .muted),
                ], inside.x + 2, y, width: inside.width - 3)
            if index == state.index {
                frame.select(Area(x: inside.x, y: y, width: inside.width, height: 1))
            }
        }
        for (index, line) in detail.enumerated() {
            frame.put(line, inside.x + 1, inside.y + room + 2 + index, width: inside.width - 2)
        }
    }
}
