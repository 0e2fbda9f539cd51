import Clock
import Queue

/// How the campaign list shares the screen with the summary of the selected campaign.
struct DashboardLayout {
    /// Rows of campaigns that are visible.
    let listHeight: Int
    let list: Area
    let summary: Area?

    /// From this many columns on there is room for it above the list.
    static let orderWidth = 70

    init(_ model: ConsoleModel) {
        let body = model.body
        // One line of counts above the list; box and heading take three rows of the list's area.
        let room = body.height - 1
        let least: Int
        switch room {
        case 36...: least = 20
        case 24...: least = 11
        case 17...: least = 9
        case 12...: least = 6
        default: least = 0
        }
        let wanted = max(model.rows.count, 4) + 3
        let height = least == 0 ? room : min(wanted, room - least)
        list = Area(x: 0, y: body.y + 1, width: body.width, height: max(0, height))
        listHeight = max(1, height - 3)
        summary =
            least == 0 ? nil : Area(x: 0, y: list.y + list.height, width: body.width, height: room - list.height)
    }
}

extension ConsoleModel {
    func drawDashboard(_ frame: inout Frame) {
        let body = body
        guard let shown else {
            frame.put(trouble == nil ? tr("reading the queue …") : "", 2, body.y + 1, .muted)
            return
        }
        guard !shown.campaigns.isEmpty else {
            drawWelcome(&frame)
            return
        }
        let layout = DashboardLayout(self)
        drawCounts(&frame, shown, body.y)
        drawList(&frame, layout)
        if let summary = layout.summary, let row = selected {
            let inside = frame.pane(summary, row.name)
            let detail = shown.open?.name == row.name ? shown.open : nil
            drawSummary(&frame, inside, row, detail)
        }
    }

    private func drawCounts(_ frame: inout Frame, _ shown: Snapshot, _ y: Int) {
        let visible = rows.count
        let all = shown.campaigns.count
        var pieces: [(String, Style)] = [
            (
                filter.isEmpty ? trn("{0} campaign", "{0} campaigns", all) : tr("{0} of {1} campaigns", visible, all),
                .title
            )
        ]
        if !filter.isEmpty { pieces.append(("   " + tr("filter: ") + filter, .accent)) }
        for activity: CampaignActivity in [.running, .waiting, .idle, .paused] {
            let count = shown.campaigns.filter { $0.activity == activity }.count
            if count > 0 { pieces.append(("   \(count) \(activity.word)", activity.style)) }
        }
        let showsOrder = size.columns >= DashboardLayout.orderWidth
        let end = showsOrder ? frame.put(order, endingAt: size.columns - 1, y, .muted) - 1 : size.columns - 1
        // What has no room is left out as a whole: half a count is another count.
        var x = 1
        let always = filter.isEmpty ? 1 : 2
        for (index, piece) in pieces.enumerated() where index < always || x + CellWidth.of(piece.0) <= end {
            x = frame.put(piece.0, x, y, piece.1, width: end - x)
        }
    }

    /// By what the list is sorted, in words.
    var order: String {
        let name =
            switch sort {
            case .started: tr("newest")
            case .name: tr("name")
            case .state: tr("state")
            case .left: tr("most left")
            case .rate: tr("rate")
            }
        return tr("sort: {0}", name) + (isReversed ? " ^" : " v")
    }

    private func drawList(_ frame: inout Frame, _ layout: DashboardLayout) {
        let rows = rows
        let top = max(0, min(cursor.top, rows.count - layout.listHeight))
        let last = min(rows.count, top + layout.listHeight)
        let inside = frame.pane(
            layout.list, "", note: rows.count > layout.listHeight ? "\(top + 1)-\(last)/\(rows.count)" : "")
        let columns = columns
        let area = Area(x: inside.x + 2, y: inside.y, width: inside.width - 3, height: inside.height)
        frame.tableHead(area, columns.map(\.column))
        if rows.isEmpty {
            frame.put(tr("no campaign matches the filter: \\ shows all"), area.x, area.y + 1, .muted, width: area.width)
        }
        for index in top..<max(top, last) {
            let row = rows[index]
            let y = inside.y + 1 + index - top
            frame.tableRow(area, y, columns.map(\.column), columns.map { $0.cell(row) })
            if row.id == selected?.id {
                frame.select(Area(x: inside.x, y: y, width: inside.width, height: 1))
            }
        }
    }

    private var columns: [(column: Column, cell: (CampaignRow) -> (String, Style))] {
        typealias Entry = (column: Column, cell: (CampaignRow) -> (String, Style))
        func number(_ value: Int, _ style: Style) -> (String, Style) {
            (value == 0 ? "-" : Figures.short(value), value == 0 ? .muted : style)
        }
        let state: Entry = (Column(title: tr("STATE"), width: 6), { ($0.activity.word, $0.activity.style) })
        let name: Entry = (Column(title: tr("NAME"), width: 0), { ($0.name, .title) })
        let sent: Entry = (
            Column(title: tr("SENT / TOTAL"), width: size.columns >= 100 ? 21 : 15, side: .right),
            { row in
                let wide = size.columns >= 100
                func figure(_ value: Int) -> String { wide ? Figures.count(value) : Figures.short(value) }
                return ("\(figure(row.tallies.sent)) / \(figure(row.tallies.total))", .plain)
            }
        )
        let done: Entry = (
            Column(title: "%", width: 6, side: .right), { (Figures.percent($0.tallies.fractionSettled), .plain) }
        )
        let deferred: Entry = (
            Column(title: tr("DEFER"), width: 5, side: .right), { number($0.tallies.deferred, .warn) }
        )
        let failed: Entry = (Column(title: tr("FAIL"), width: 5, side: .right), { number($0.tallies.failed, .error) })
        let doubt: Entry = (
            Column(title: tr("DOUBT"), width: 5, side: .right), { number($0.tallies.inDoubt, .error) }
        )
        let rate: Entry = (
            Column(title: tr("RATE/m"), width: 6, side: .right),
            { ($0.perMinute.map(Figures.short) ?? "-", $0.activity == .running ? .ok : .muted) }
        )
        let finish: Entry = (
            Column(title: tr("FINISH"), width: size.columns >= 120 ? 26 : size.columns >= 60 ? 18 : 8),
            { ($0.finishColumn(self), $0.activity == .running ? .plain : $0.activity.style) }
        )
        switch size.columns {
        case 120...:
            let account: Entry = (Column(title: tr("ACCOUNT"), width: 14), { ($0.account, .muted) })
            return [state, name, account, sent, done, deferred, failed, doubt, rate, finish]
        case 80...: return [state, name, sent, deferred, failed, rate, finish]
        case 60...: return [state, name, done, rate, finish]
        default: return [state, name, done, finish]
        }
    }

    private func drawWelcome(_ frame: inout Frame) {
        let lines: [(String, Style)] = [
            (tr("No campaign yet."), .title),
            ("", .plain),
            (tr("See the whole job on this machine, nothing leaves it:"), .plain),
            ("    outpost demo", .accent),
            ("", .plain),
            (tr("Set up your account, write a small campaign, look at it, send it:"), .plain),
            ("    outpost init", .accent),
            ("    outpost new spring", .accent),
            ("    outpost check spring", .accent),
            ("    outpost send spring", .accent),
            ("", .plain),
            (tr("It shows here as soon as it is imported."), .muted),
        ]
        let width = lines.map { CellWidth.of($0.0) }.max() ?? 0
        let x = max(2, (size.columns - width) / 2)
        let y = max(2, (size.rows - lines.count) / 2 - 1)
        for (index, line) in lines.enumerated() where y + index < size.rows - 2 {
            frame.put(line.0, x, y + index, line.1)
        }
    }
}

extension CampaignRow {
    /// When it will be done, or in few words why that cannot be said.
    func finishColumn(_ model: ConsoleModel) -> String {
        if activity == .running || standstill == nil { return finish.map { "~" + Figures.time($0, model) } ?? "-" }
        // Eight columns hold a time and nothing else.
        if model.size.columns < 60, let until = standstill?.until { return Figures.soon(until, model) }
        return standstill?.brief(model) ?? "-"
    }
}
