import Clock
import Queue

/// Which routes are left in peace, and what a campaign's time was used for.
extension ConsoleModel {
    func drawWaits(_ frame: inout Frame, _ pane: WaitsPane) {
        guard let found = pane.found else {
            frame.put(tr("reading …"), 2, body.y + 1, .muted)
            return
        }
        let layout = WaitsLayout(self, pane)
        drawRests(&frame, pane, layout)
        drawParts(&frame, found, layout)
        drawSpells(&frame, pane, layout)
        drawFoot(&frame, pane, layout.foot)
    }

    /// A box with its title, or a heading where there is no room for boxes; answers the room under it.
    private func section(
        _ frame: inout Frame, _ area: Area, _ title: String, note: String = "", isFlat: Bool, isFocused: Bool = false
    ) -> Area {
        guard area.height > 0 else { return Area(x: area.x, y: area.y, width: 0, height: 0) }
        guard isFlat else { return frame.pane(area, title, note: note, style: isFocused ? .accent : .muted) }
        let start = frame.put(note, endingAt: area.width - 1, area.y, .muted)
        frame.put(title, 1, area.y, .title, width: max(0, start - 2))
        return Area(x: area.x, y: area.y + 1, width: area.width, height: area.height - 1)
    }

    private func place(_ cursor: ListCursor, _ visible: Int, of count: Int) -> String {
        count > visible
            ? "\(cursor.top + 1)-\(min(count, cursor.top + visible))/\(count)" : count > 0 ? String(count) : ""
    }

    // MARK: Rests

    private func drawRests(_ frame: inout Frame, _ pane: WaitsPane, _ layout: WaitsLayout) {
        let rests = pane.rests(now.wall)
        let isFocused = pane.focus(now.wall) == .rests
        let inside = section(
            &frame, layout.rests, tr("rests in force"),
            note: place(pane.restCursor, layout.restsVisible, of: rests.count),
            isFlat: layout.isFlat, isFocused: isFocused)
        guard inside.height > 0 else { return }
        let table = Area(x: inside.x + 2, y: inside.y, width: inside.width - 3, height: inside.height)
        if rests.isEmpty {
            frame.put(tr("no server is being left alone"), table.x, table.y, .muted, width: table.width)
            return
        }
        let columns = restColumns
        if !layout.isFlat { frame.tableHead(table, columns.map(\.column)) }
        let first = table.y + (layout.isFlat ? 0 : 1)
        for (index, rest) in rests.enumerated().dropFirst(pane.restCursor.top).prefix(layout.restsVisible) {
            let y = first + index - pane.restCursor.top
            frame.tableRow(table, y, columns.map(\.column), columns.map { $0.cell(rest) })
            if isFocused, index == pane.restCursor.index {
                frame.select(Area(x: inside.x, y: y, width: inside.width, height: 1))
            }
        }
    }

    private var restColumns: [(column: Column, cell: (RestLine) -> (String, Style))] {
        typealias Entry = (column: Column, cell: (RestLine) -> (String, Style))
        func server(_ width: Int) -> Entry { (Column(title: tr("SERVER"), width: width), { ($0.server, .title) }) }
        let account: Entry = (Column(title: tr("ACCOUNT"), width: 14), { ($0.account, .muted) })
        let left: Entry = (
            Column(title: tr("LEFT"), width: 8, side: .right),
            { (Figures.elapsed($0.until - self.now.wall), .warn) }
        )
        let until: Entry = (Column(title: tr("UNTIL"), width: 11), { (Figures.soon($0.until, self), .plain) })
        func waiting(_ width: Int) -> Entry {
            (
                Column(title: tr("WAITING"), width: width),
                { ($0.waiting.isEmpty ? "-" : $0.waiting.map(\.campaign).joined(separator: ", "), .plain) }
            )
        }
        let answer: Entry = (Column(title: tr("ANSWER"), width: 0), { ($0.reply, .muted) })
        switch size.columns {
        case 110...: return [server(28), account, left, until, waiting(20), answer]
        case 80...: return [server(24), left, waiting(13), answer]
        case 60...: return [server(22), left, answer]
        default: return [server(0), left]
        }
    }

    // MARK: The parts of the time

    private func drawParts(_ frame: inout Frame, _ found: CampaignWaits, _ layout: WaitsLayout) {
        let title = found.time.map { time in
            tr(
                "where {0} since {1} went", Figures.elapsed(.microseconds(time.microseconds)),
                Figures.time(time.since, self))
        }
        let inside = section(&frame, layout.parts, title ?? tr("its time"), isFlat: layout.isFlat)
        guard inside.height > 0 else { return }
        let x = inside.x + 1
        let width = inside.width - 2
        guard let time = found.time else {
            frame.put(tr("{0} has not begun.", found.campaign), x, inside.y, .muted, width: width)
            return
        }
        let lines = partLines(time, room: inside.height)
        let labelWidth = min(lines.map { CellWidth.of($0.label) }.max() ?? 0, max(10, width / 2))
        let spanWidth = lines.map { CellWidth.of($0.span) }.max() ?? 0
        let barWidth = width - labelWidth - spanWidth - 9
        for (index, line) in lines.enumerated() {
            let y = inside.y + index
            frame.put(CellWidth.fit(line.label, labelWidth, mark: frame.ellipsis), x, y, line.style)
            if barWidth >= 3 { frame.bar(x + labelWidth + 1, y, width: barWidth, line.share, line.style) }
            frame.put(line.percent, endingAt: x + width, y, .muted)
            frame.put(line.span, endingAt: x + width - 7, y, .plain)
        }
    }

    private struct PartLine {
        var label: String, style: Style, share: Double, span: String, percent: String
    }

    /// At most `room` lines; seconds and tenths of a percent add up to the whole, whatever was rounded or had no line.
    private func partLines(_ time: CampaignTime, room: Int) -> [PartLine] {
        let parts = time.parts.map(\.microseconds)
        let seconds = Figures.apportion(parts, time.microseconds / 1_000_000)
        let tenths = Figures.apportion(parts, 1000)
        func line(_ label: String, _ style: Style, _ range: Range<Int>) -> PartLine {
            let tenths = tenths[range].reduce(0, +)
            let micro = parts[range].reduce(0, +)
            return PartLine(
                label: label, style: style, share: Double(micro) / Double(max(1, time.microseconds)),
                span: Figures.elapsed(.seconds(seconds[range].reduce(0, +))), percent: "\(tenths / 10).\(tenths % 10)%")
        }
        let shown = parts.count > room ? max(0, room - 1) : parts.count
        var lines = time.parts.prefix(shown).enumerated().map { index, part in
            line(WaitReport.words(part.cause), part.cause.kind.style, index..<index + 1)
        }
        if shown < parts.count {
            lines.append(line(tr("{0} other reasons", parts.count - shown), .muted, shown..<parts.count))
        }
        return lines
    }

    // MARK: Spells

    private func drawSpells(_ frame: inout Frame, _ pane: WaitsPane, _ layout: WaitsLayout) {
        let isFocused = pane.focus(now.wall) == .spells
        let spells = pane.spells
        let inside = section(
            &frame, layout.spells, tr("newest first"),
            note: place(pane.spellCursor, layout.spellsVisible, of: spells.count), isFlat: layout.isFlat,
            isFocused: isFocused)
        guard inside.height > 0 else { return }
        let table = Area(x: inside.x + 2, y: inside.y, width: inside.width - 3, height: inside.height)
        var columns = [
            Column(title: tr("SINCE"), width: 11), Column(title: tr("FOR"), width: 8, side: .right),
            Column(title: tr("WHAT"), width: 0),
        ]
        let showsProcess = table.width >= 70
        if showsProcess { columns.insert(Column(title: tr("PROCESS"), width: 8, side: .right), at: 2) }
        if !layout.isFlat { frame.tableHead(table, columns) }
        let first = table.y + (layout.isFlat ? 0 : 1)
        for (index, spell) in spells.enumerated().dropFirst(pane.spellCursor.top).prefix(layout.spellsVisible) {
            let y = first + index - pane.spellCursor.top
            var cells: [(String, Style)] = [
                (Figures.time(spell.since, self, seconds: true), .muted),
                (Figures.elapsed(.microseconds(spell.microseconds)), .plain),
                (WaitReport.words(spell.cause), spell.cause.kind.style),
            ]
            if showsProcess { cells.insert((spell.runner.map { String($0) } ?? "-", .muted), at: 2) }
            frame.tableRow(table, y, columns, cells)
            if isFocused, index == pane.spellCursor.index {
                frame.select(Area(x: inside.x, y: y, width: inside.width, height: 1))
            }
        }
    }

    // MARK: In full

    private func drawFoot(_ frame: inout Frame, _ pane: WaitsPane, _ area: Area) {
        guard area.height > 0 else { return }
        let width = area.width - 2
        let lines =
            switch pane.focus(now.wall) {
            case .rests: pane.selectedRest(now.wall).map { restInFull($0, width, room: area.height) } ?? []
            case .spells: pane.selectedSpell.map { spellInFull($0, width) } ?? []
            }
        for (index, line) in lines.prefix(area.height).enumerated() {
            frame.put(line.0, 1, area.y + index, line.1, width: width)
        }
    }

    private func restInFull(_ rest: RestLine, _ width: Int, room: Int) -> [(String, Style)] {
        var head = rest.route + (rest.source == "default" ? "" : " " + tr("from {0}", rest.source))
        head += "   " + tr("until {0}, then one session tries", Figures.soon(rest.until, self))
        var who: [String] = []
        if rest.waiting.isEmpty {
            who.append(tr("no process waits for it"))
        } else {
            let names = rest.waiting.map { tr("{0} ({1} left)", $0.campaign, Figures.count($0.left)) }
            who.append(tr("waiting: {0}", names.joined(separator: ", ")))
        }
        if rest.inARow > 1 { who.append(tr("{0} in a row, nothing sent in between", rest.inARow)) }
        if let email = rest.email { who.append(tr("said to {0}", email)) }
        let answer = CellWidth.wrap(tr("{0}: {1}", rest.rule, rest.reply), width, lines: max(1, room - 2))
        return [(head, .title)] + answer.map { ($0, .warn) } + [(who.joined(separator: "; "), .plain)]
    }

    private func spellInFull(_ spell: CampaignTime.Line, _ width: Int) -> [(String, Style)] {
        let since = Figures.time(spell.since, self, seconds: true)
        let until = spell.until.map { Figures.time($0, self, seconds: true) } ?? tr("now")
        var head = tr("{0} until {1} ({2})", since, until, Figures.elapsed(.microseconds(spell.microseconds)))
        if let runner = spell.runner { head += "   " + tr("process {0}", runner) }
        return [(head, .title)]
            + CellWidth.wrap(WaitReport.words(spell.cause), width).map { ($0, spell.cause.kind.style) }
    }

    // MARK: Hardly any room

    /// Lines for a screen that is too small for tables; the last row of it is the caller's.
    func tinyWaits(_ pane: WaitsPane) -> [(String, Style)] {
        guard let found = pane.found else { return [(tr("reading …"), .muted)] }
        let rests = pane.rests(now.wall)
        var lines: [(String, Style)] = []
        // The selected one first: it is the one that L is about.
        for rest in [pane.selectedRest(now.wall)].compactMap(\.self) {
            lines.append((rest.server + " " + Figures.elapsed(rest.until - now.wall), .warn))
            lines.append((rest.reply, .muted))
        }
        if rests.count > 1 { lines.append((tr("(and {0} more)", rests.count - 1), .muted)) }
        guard let time = found.time else { return lines + [(tr("{0} has not begun.", found.campaign), .muted)] }
        let parts = partLines(time, room: max(1, size.rows - 2 - lines.count))
        lines.append(
            (
                tr(
                    "where {0} since {1} went", Figures.elapsed(.microseconds(time.microseconds)),
                    Figures.time(time.since, self)),
                .title
            ))
        return lines + parts.map { ($0.percent + " " + $0.span + " " + $0.label, $0.style) }
    }

    func drawLift(_ frame: inout Frame, _ dialog: LiftDialog) {
        let rest = dialog.rest
        let lines =
            wrapped(tr("{0} rests until {1}: {2}", rest.route, Figures.soon(rest.until, self), rest.reply), .title)
            + wrapped(tr("Try again now? A server that is pressed often answers with a longer block."))
            + [[("", .plain)]]
        ask(
            &frame, tr("!! End a rest early"), lines, typed: nil, yes: tr("do it"), no: tr("nothing is changed"),
            name: "")
    }
}

extension SpellKind {
    /// The words beside it say the same.
    var style: Style {
        switch self {
        case .sending: .ok
        case .cap, .window, .pace, .retry, .others: .accent
        case .rest, .connection: .warn
        case .noRunner: .error
        case .paused: Style(.paused)
        case .finished, .cancelled, .unrecorded: .muted
        }
    }
}
