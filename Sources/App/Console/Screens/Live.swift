import Clock
import Queue

/// The live view of one campaign. Panes come and go with the room there is.
extension ConsoleModel {
    func drawLive(_ frame: inout Frame) {
        let body = body
        guard let shown else {
            frame.put(trouble == nil ? tr("reading the queue …") : "", 2, body.y + 1, .muted)
            return
        }
        guard let row = current else {
            frame.put(tr("There is no campaign {0} in this queue.", live ?? ""), 2, body.y + 1, .warn)
            return
        }
        let detail =
            shown.open?.name == row.name ? shown.open ?? CampaignDetail(name: row.name) : CampaignDetail(name: row.name)
        let width = body.width - 2
        drawTitle(&frame, row, detail, body.y)
        let (text, style) = condition(row)
        var y = body.y + 1
        for line in CellWidth.wrap(text, width, lines: body.height >= 18 ? 2 : 1) {
            frame.put(line, 1, y, style, width: width)
            y += 1
        }
        drawProgress(&frame, 1, y, width, row)
        drawTallies(&frame, 1, y + 1, width, row.tallies)
        y += 2
        for line in restLines(row, detail) {
            frame.put(line, 1, y, .warn, width: width)
            y += 1
        }
        let rest = Area(x: 0, y: y, width: body.width, height: body.y + body.height - y)
        if size.columns < 60 { drawNarrow(&frame, rest, detail) } else { drawPanes(&frame, rest, detail) }
    }

    /// Which servers rest while others go on, and the answer that caused it; of a standstill the line above tells.
    private func restLines(_ row: CampaignRow, _ detail: CampaignDetail) -> [String] {
        if case .rest = row.standstill { return [] }
        let room = body.height >= 30 ? 3 : body.height >= 13 ? 1 : 0
        let rests = detail.rests.prefix(room)
        return rests.enumerated().map { index, rest in
            let more = index == rests.count - 1 ? detail.rests.count - rests.count : 0
            return tr("{0} rests until {1}: {2}", rest.server, Figures.soon(rest.until, self), rest.reply)
                + (more > 0 ? " " + tr("(and {0} more)", more) : "")
        }
    }

    private func drawTitle(_ frame: inout Frame, _ row: CampaignRow, _ detail: CampaignDetail, _ y: Int) {
        var facts: [String] = []
        if size.columns >= 60, let started = row.started {
            facts.append(tr("elapsed {0}", Figures.elapsed((row.finished ?? now.wall) - started)))
        }
        if size.columns >= 50, row.isMoving, let finish = row.finish {
            facts.append(tr("finish ~{0}", Figures.soon(finish, self)))
        }
        if size.columns >= 100, detail.runners > 1 { facts.append(tr("{0} senders", detail.runners)) }
        let right = facts.joined(separator: "   ")
        let start = frame.put(right, endingAt: size.columns - 1, y, .plain)
        let badge = " \(row.activity.word) "
        // The name gives way to the state, never the other way round.
        let room = max(4, start - 5 - CellWidth.of(badge))
        var pieces: [(String, Style)] = [
            (CellWidth.clip(row.name, to: room, mark: frame.ellipsis), .title), ("  ", .plain),
            (badge, Style(row.activity.style.role, bold: true, reverse: true)),
        ]
        if size.columns >= 80 { pieces.append(("  " + tr("account {0}", row.account), .muted)) }
        if size.columns >= 100, !detail.from.isEmpty { pieces.append(("  " + tr("from {0}", detail.from), .muted)) }
        frame.put(pieces, 1, y, width: max(0, start - 2))
    }

    private func drawPanes(_ frame: inout Frame, _ area: Area, _ detail: CampaignDetail) {
        let height = area.height
        guard height >= 4 else {
            drawAttempts(&frame, area, detail)
            return
        }
        // Caps and sessions ask for rows, the chart takes what it gets, the attempts have the rest.
        let capsWanted = max(3, detail.limits.count) + 2
        let sessionsWanted = max(2, detail.sessions.count) + 3
        let attemptsLeast = min(7, max(4, height / 3))
        let first = height < 9 ? 0 : min(max(capsWanted, height * 3 / 10), height - attemptsLeast)
        var second = height - first - attemptsLeast
        second = second < 4 ? 0 : min(second, max(4, min(sessionsWanted, height * 3 / 10)))
        if first > 0 {
            let left = area.width / 2
            let rate = Area(x: area.x, y: area.y, width: left, height: first)
            let caps = Area(x: area.x + left, y: area.y, width: area.width - left, height: first)
            drawRate(&frame, frame.pane(rate, tr("rate"), note: note(detail)), detail)
            let inside = frame.pane(caps, tr("caps (rolling)"))
            drawLimits(
                &frame, Area(x: inside.x + 1, y: inside.y, width: inside.width - 2, height: inside.height), detail)
        }
        if second > 0 {
            let y = area.y + first
            let showsDestinations = size.columns >= 80
            let left = showsDestinations ? area.width / 2 : area.width
            drawSessions(&frame, Area(x: area.x, y: y, width: left, height: second), detail)
            if showsDestinations {
                let place = Area(x: area.x + left, y: y, width: area.width - left, height: second)
                if detail.destinations.isEmpty {
                    drawEvents(&frame, place, detail)
                } else {
                    drawDestinations(&frame, place, detail)
                }
            }
        }
        let y = area.y + first + second
        let left = size.columns >= 120 && !detail.destinations.isEmpty ? area.width * 2 / 3 : area.width
        drawAttempts(&frame, Area(x: area.x, y: y, width: left, height: height - first - second), detail)
        if left < area.width {
            drawEvents(
                &frame, Area(x: area.x + left, y: y, width: area.width - left, height: height - first - second), detail)
        }
    }

    private func note(_ detail: CampaignDetail) -> String {
        guard let row = current, let rate = row.perMinute else { return "" }
        return tr("now {0}/m", Figures.short(rate))
    }

    private func drawNarrow(_ frame: inout Frame, _ area: Area, _ detail: CampaignDetail) {
        guard area.height > 0 else { return }
        let caps = min(detail.limits.count, max(0, area.height - 3))
        drawLimits(&frame, Area(x: 1, y: area.y, width: area.width - 2, height: caps), detail)
        let rows = area.height - caps
        for (index, attempt) in detail.attempts.prefix(rows).enumerated() {
            drawAttempt(&frame, 1, area.y + caps + index, area.width - 2, attempt)
        }
    }

    private func drawSessions(_ frame: inout Frame, _ area: Area, _ detail: CampaignDetail) {
        let inside = frame.pane(area, tr("sessions"), note: detail.sessions.isEmpty ? "" : "\(detail.sessions.count)")
        let table = Area(x: inside.x + 1, y: inside.y, width: inside.width - 2, height: inside.height)
        guard table.height > 0 else { return }
        if detail.sessions.isEmpty {
            frame.put(
                detail.runners == 0 ? tr("no process is sending") : tr("no connection is open"), table.x, table.y,
                .muted,
                width: table.width)
            return
        }
        let columns = [
            Column(title: "#", width: 2, side: .right),
            Column(title: tr("STEP"), width: max(9, min(22, table.width / 3))),
            Column(title: tr("SERVER"), width: 0), Column(title: tr("AGE"), width: 5, side: .right),
        ]
        frame.tableHead(table, columns)
        for (index, session) in detail.sessions.prefix(table.height - 1).enumerated() {
            let age = session.since.map { Figures.age(now.wall - $0) } ?? "-"
            let stuck = session.since.map { (now.wall - $0).inSeconds > 30 } ?? false
            frame.tableRow(
                table, table.y + 1 + index, columns,
                [
                    ("\(session.number)", .muted), (session.step, .accent), (session.server, .plain),
                    (age, stuck ? .warn : .plain),
                ])
        }
    }

    private func drawDestinations(_ frame: inout Frame, _ area: Area, _ detail: CampaignDetail) {
        let inside = frame.pane(area, tr("destinations"), note: tr("of the last attempts"))
        let table = Area(x: inside.x + 1, y: inside.y, width: inside.width - 2, height: inside.height)
        guard table.height > 0 else { return }
        let columns = [
            Column(title: tr("DOMAIN"), width: max(10, table.width / 3)),
            Column(title: tr("SENT"), width: 5, side: .right),
            Column(title: tr("DEFER"), width: 5, side: .right), Column(title: tr("LAST REPLY"), width: 0),
        ]
        frame.tableHead(table, columns)
        for (index, destination) in detail.destinations.prefix(table.height - 1).enumerated() {
            frame.tableRow(
                table, table.y + 1 + index, columns,
                [
                    (destination.domain, .plain), (Figures.short(destination.sent), .ok),
                    (Figures.short(destination.deferred), destination.deferred > 0 ? .warn : .muted),
                    (destination.last, .muted),
                ])
        }
    }

    private func drawEvents(_ frame: inout Frame, _ area: Area, _ detail: CampaignDetail) {
        let inside = frame.pane(area, tr("events"))
        if detail.events.isEmpty, inside.height > 0 {
            frame.put(tr("nothing out of the ordinary"), inside.x + 1, inside.y, .muted, width: inside.width - 2)
        }
        for (index, event) in detail.events.prefix(inside.height).enumerated() {
            frame.put(
                [(Figures.clock(event.at, self, seconds: true) + "  ", .muted), (event.text, .plain)], inside.x + 1,
                inside.y + index, width: inside.width - 2)
        }
    }

    private func drawAttempts(_ frame: inout Frame, _ area: Area, _ detail: CampaignDetail) {
        let top = min(attemptsTop, max(0, detail.attempts.count - 1))
        let place = top > 0 ? tr("{0} newer above", top) : ""
        let inside = frame.pane(area, tr("last attempts"), note: place)
        guard inside.height > 0 else { return }
        if detail.attempts.isEmpty {
            frame.put(tr("none yet"), inside.x + 1, inside.y, .muted, width: inside.width - 2)
        }
        for (index, attempt) in detail.attempts.dropFirst(top).prefix(inside.height).enumerated() {
            drawAttempt(&frame, inside.x + 1, inside.y + index, inside.width - 2, attempt)
        }
    }

    func drawAttempt(_ frame: inout Frame, _ x: Int, _ y: Int, _ width: Int, _ attempt: AttemptRow) {
        let narrow = width < 58
        let time = Figures.clock(attempt.at, self, seconds: !narrow)
        let address = attempt.email.maskedAddress
        let addressWidth = narrow ? max(8, width / 3) : min(34, max(18, width / 4))
        var reply = [attempt.code.map(String.init), attempt.enhanced].compactMap(\.self).joined(separator: " ")
        reply += (reply.isEmpty ? "" : " ") + attempt.reply
        let retry = attempt.retryAt.map { tr("retry {0}", Figures.soon($0, self)) } ?? ""
        let end = retry.isEmpty || narrow ? x + width : frame.put(retry, endingAt: x + width, y, .warn) - 1
        frame.put(
            [
                (time + "  ", .muted), (CellWidth.fit(attempt.mark.word, 5) + "  ", attempt.mark.style),
                (CellWidth.fit(address, addressWidth, mark: frame.ellipsis) + "  ", .plain),
                (reply, attempt.mark == .sent ? .muted : .plain),
            ], x, y, width: end - x)
    }
}
