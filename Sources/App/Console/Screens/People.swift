import Clock
import Queue

/// The list of a campaign's people, and one recipient's story.
extension ConsoleModel {
    private var peopleArea: Area { Area(x: 0, y: body.y + 1, width: body.width, height: max(0, body.height - 1)) }

    /// Rows under the list that tell the selected one in full.
    private var footHeight: Int {
        switch body.height {
        case 20...: 3
        case 14...: 2
        default: 0
        }
    }

    var isTiny: Bool { size.columns < 40 || size.rows < 10 }

    /// Rows of people that are visible.
    var peopleHeight: Int {
        // Box and heading take three.
        isTiny ? max(1, size.rows - 2) : max(1, peopleArea.height - footHeight - 3)
    }

    func drawPeople(_ frame: inout Frame, _ list: PeopleList) {
        if let story = list.story { return drawStory(&frame, story) }
        drawSubject(&frame, list)
        let area = Area(x: 0, y: peopleArea.y, width: peopleArea.width, height: peopleArea.height - footHeight)
        let inside = frame.pane(area, "", note: list.taken == nil && list.isReading ? tr("reading …") : "")
        let table = Area(x: inside.x + 2, y: inside.y, width: inside.width - 3, height: inside.height)
        guard table.height > 0 else { return }
        let columns = peopleColumns(list)
        frame.tableHead(table, columns.map(\.column))
        if list.rows.isEmpty || list.isStale && list.taken != nil {
            for (index, line) in CellWidth.wrap(emptiness(list), max(1, table.width)).prefix(table.height - 1)
                .enumerated()
            {
                frame.put(line, table.x, table.y + 1 + index, list.trouble == nil ? .muted : .error, width: table.width)
            }
            return
        }
        for (index, row) in list.rows.enumerated().dropFirst(list.cursor.top).prefix(table.height - 1) {
            let y = table.y + 1 + index - list.cursor.top
            frame.tableRow(table, y, columns.map(\.column), columns.map { $0.cell(row) })
            if index == list.cursor.index { frame.select(Area(x: inside.x, y: y, width: inside.width, height: 1)) }
        }
        drawFoot(&frame, list, peopleArea.y + area.height)
    }

    /// Who is listed, and how many they are as far as that is known.
    private func drawSubject(_ frame: inout Frame, _ list: PeopleList) {
        var pieces: [(String, Style)] = []
        let total = current.map { Figures.count($0.tallies.total) } ?? "?"
        switch (list.query.text.isEmpty, list.query.state) {
        case (true, nil): pieces.append((tr("Everybody: {0}", total), .title))
        case (true, let state?):
            let count = current.map { Figures.count($0.tallies[state]) } ?? "?"
            pieces.append((tr("{0}: {1}", CampaignStatus.word(state), tr("{0} of {1}", count, total)), .title))
        case (false, let state):
            pieces.append((tr("search: "), .muted))
            pieces.append((list.query.text, .title))
            if let state { pieces.append(("   " + CampaignStatus.word(state), .accent)) }
            let count = list.isStale ? "" : Figures.count(list.rows.count) + (list.isWhole ? "" : "+")
            if !count.isEmpty { pieces.append(("   " + tr("found: {0}", count), .plain)) }
        }
        frame.put(pieces, 1, body.y, width: size.columns - 2)
    }

    private func emptiness(_ list: PeopleList) -> String {
        if let trouble = list.trouble { return trouble }
        if let taken = list.taken {
            return tr(
                "taking what is new into the search index: {0} lines so far; this is done once", Figures.count(taken))
        }
        if list.isReading || list.isStale { return list.query.text.isEmpty ? tr("reading …") : tr("searching …") }
        if !list.query.text.isEmpty {
            return tr("nobody has this in the address or in the last answer: \\ lists everybody")
        }
        return tr("nobody: \\ lists everybody")
    }

    private func peopleColumns(_ list: PeopleList) -> [(column: Column, cell: (PersonRow) -> (String, Style))] {
        typealias Entry = (column: Column, cell: (PersonRow) -> (String, Style))
        let room = size.columns - 5
        let isDoubt = list.query.state == .inDoubt
        func address(_ width: Int) -> Entry { (Column(title: tr("ADDRESS"), width: width), { ($0.email, .plain) }) }
        let state: Entry = (
            Column(title: tr("STATE"), width: 10), { (CampaignStatus.word($0.state), $0.state.style) }
        )
        let tries: Entry = (
            Column(title: tr("TRIES"), width: 5, side: .right),
            { ($0.tries == 0 ? "-" : String($0.tries), $0.tries == 0 ? .muted : .plain) }
        )
        let time: Entry =
            isDoubt
            ? (
                Column(title: tr("SINCE"), width: 17),
                { row in
                    let age = row.answered.map { " " + Figures.age(self.now.wall - $0) } ?? ""
                    return (row.answered.map { Figures.time($0, self) + age } ?? "-", .warn)
                }
            )
            : (
                Column(title: tr("NEXT"), width: 11),
                { row in row.next.map { (Figures.soon($0, self), Style.warn) } ?? ("-", Style.muted) }
            )
        let reply: Entry = (
            Column(title: isDoubt ? tr("WHY") : tr("LAST REPLY"), width: 0),
            { ($0.reply, $0.state == .sent ? .muted : .plain) }
        )
        switch size.columns {
        case 100...: return [address(min(44, room * 2 / 5)), state, tries, time, reply]
        case 80...: return isDoubt ? [address(28), time, reply] : [address(27), state, tries, time, reply]
        case 60...: return [address(24), isDoubt ? time : state, reply]
        default: return [address(0), isDoubt ? time : state]
        }
    }

    private func drawFoot(_ frame: inout Frame, _ list: PeopleList, _ y: Int) {
        guard footHeight > 0, let row = list.selected else { return }
        let width = size.columns - 2
        let reply = row.reply.isEmpty ? tr("no answer yet") : row.reply
        if footHeight == 2 {
            frame.put(row.email, 1, y, .title, width: width)
            frame.put(reply, 1, y + 1, row.state.style, width: width)
            return
        }
        let at = row.answered.map { "   " + Figures.time($0, self, seconds: true) } ?? ""
        frame.put([(row.email, .title), (at, .muted)], 1, y, width: width)
        for (index, line) in CellWidth.wrap(reply, width, lines: 2).enumerated() {
            frame.put(line, 1, y + 1 + index, row.state.style, width: width)
        }
    }

    // MARK: The story

    /// Lines of a story that are visible at once.
    var storyHeight: Int { isTiny ? max(1, size.rows - 1) : max(1, body.height - 2) }

    func storyLines(_ story: StoryState) -> [(String, Style)] {
        let width = isTiny ? size.columns : body.width - 4
        guard let lines = story.lines else { return [(tr("reading …"), .muted)] }
        return lines.flatMap { line -> [(String, Style)] in
            // What is not indented heads what follows it.
            guard line.hasPrefix("  ") else { return CellWidth.wrap(line, width).map { ($0, .title) } }
            let wrapped = CellWidth.wrap(String(line.dropFirst(2)), max(2, width - 2))
            return wrapped.enumerated().map { (($0.offset == 0 ? "- " : "  ") + $0.element, .plain) }
        }
    }

    private func drawStory(_ frame: inout Frame, _ story: StoryState) {
        let lines = storyLines(story)
        let top = min(story.top, max(0, lines.count - storyHeight))
        let note =
            lines.count > storyHeight ? "\(top + 1)-\(min(lines.count, top + storyHeight))/\(lines.count)" : ""
        let inside = frame.pane(body, story.email, note: note, style: .accent)
        for (index, line) in lines.dropFirst(top).prefix(inside.height).enumerated() {
            frame.put(line.0, inside.x + 1, inside.y + index, line.1, width: inside.width - 2)
        }
    }

    // MARK: Hardly any room

    /// Lines for a screen that is too small for tables; the last row of it is the caller's.
    func tinyPeople(_ list: PeopleList) -> [(String, Style)] {
        if let story = list.story { return Array(storyLines(story).dropFirst(story.top)) }
        if list.rows.isEmpty { return [(emptiness(list), .muted)] }
        let head = list.query.typed.isEmpty ? tr("Everybody") : list.query.typed
        return [(head, .title)]
            + list.rows.enumerated().dropFirst(list.cursor.top).prefix(peopleHeight).map { index, row in
                let style = Style(row.state.style.role, reverse: index == list.cursor.index)
                return (CellWidth.fit("\(CampaignStatus.word(row.state)) \(row.email)", size.columns), style)
            }
    }
}

extension RecipientState {
    /// Its word says the same; colour is never alone.
    var style: Style {
        switch self {
        case .pending: .muted
        case .sending: .accent
        case .sent: .ok
        case .deferred: .warn
        case .failed, .inDoubt: .error
        case .suppressed, .cancelled: .muted
        }
    }
}
