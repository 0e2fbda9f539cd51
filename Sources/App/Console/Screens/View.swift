import Clock

extension ConsoleModel {
    /// The screen for this state. A pure function: the same model gives the same frame.
    func view() -> Frame {
        var frame = Frame(size, unicode: unicode)
        if isTiny {
            drawTiny(&frame)
            if case .start(let dialog) = overlay { drawTiny(&frame, start: dialog) }
            if case .quit = overlay { drawTinyQuit(&frame) }
            if case .settle(let dialog) = overlay { drawTiny(&frame, settle: dialog) }
            if case .lift(let dialog) = overlay { drawTiny(&frame, lift: dialog) }
            return frame
        }
        drawHeader(&frame)
        if let people {
            drawPeople(&frame, people)
        } else if let waits {
            drawWaits(&frame, waits)
        } else if live == nil {
            drawDashboard(&frame)
        } else {
            drawLive(&frame)
        }
        drawMessage(&frame)
        drawHints(&frame)
        switch overlay {
        case .help(let state): drawHelp(&frame, state)
        case .palette(let state): drawPalette(&frame, state)
        case .start(let dialog): drawStart(&frame, dialog)
        case .settle(let dialog): drawSettle(&frame, dialog)
        case .lift(let dialog): drawLift(&frame, dialog)
        case .quit: drawQuit(&frame)
        case nil: break
        }
        return frame
    }

    private func drawHeader(_ frame: inout Frame) {
        let width = size.columns
        frame.fill(Area(x: 0, y: 0, width: width, height: 1), Style(.accent, reverse: true))
        let look = Style(.accent, bold: true, reverse: true)
        var right = Figures.time(now.wall, self)
        if let frozenAt {
            right = tr("FROZEN {0}", Figures.time(frozenAt, self, seconds: true)) + "  " + right
        } else if latest != nil {
            right = (trouble == nil ? tr("live") : tr("no news")) + "  " + right
        }
        let start = frame.put(right + " ", endingAt: width, 0, look)
        var path = tr("Campaigns")
        if let name = openCampaign { path += " > " + name }
        if people != nil { path += " > " + tr("People") }
        if waits != nil { path += " > " + tr("Waits") }
        frame.put(" outpost   " + path, 0, 0, look, width: max(0, start - 1))
    }

    /// The line above the hints: what just happened, or what is being typed.
    private func drawMessage(_ frame: inout Frame) {
        let y = size.rows - 2
        let width = size.columns - 2
        if isEditingFilter {
            let end = frame.put(
                [(tr("filter: "), .title), (filter, .plain)], 1, y, width: width - 1)
            frame.put("  " + tr("Enter keeps it, Esc clears it"), end, y, .muted, width: max(0, width - end))
            frame.cursor = (min(end, size.columns - 1), y)
        } else if let typed = people?.typed {
            let end = frame.put([(tr("search: "), .title), (typed, .plain)], 1, y, width: width - 1)
            let help =
                typed.isEmpty
                ? tr("part of an address or of an answer; Esc goes back") : tr("Enter keeps it, Esc clears it")
            frame.put("  " + help, end, y, .muted, width: max(0, width - end))
            frame.cursor = (min(end, size.columns - 1), y)
        } else if isDraining {
            frame.put(tr("finishing what is in flight; q leaves at once"), 1, y, Style(.warn, bold: true), width: width)
        } else if let flash {
            message(&frame, flash.text, Style(flash.role, bold: true))
        } else if let trouble {
            message(&frame, tr("no new figures: {0}", trouble), .error)
        } else if let warning = shown?.warnings.first {
            message(&frame, "! " + warning, .warn)
        }
    }

    /// Ends on the line above the hints; one that is long takes lines from what is shown.
    private func message(_ frame: inout Frame, _ text: String, _ style: Style) {
        let lines = CellWidth.wrap(text, size.columns - 2, lines: size.rows >= 16 ? 4 : 2)
        let first = size.rows - 1 - lines.count
        if lines.count > 1 { frame.fill(Area(x: 0, y: first, width: size.columns, height: lines.count)) }
        for (index, line) in lines.enumerated() { frame.put(line, 1, first + index, style, width: size.columns - 2) }
    }

    private func drawHints(_ frame: inout Frame) {
        // While something is typed, no key is a command.
        if isEditingFilter || people?.typed != nil { return }
        var hints = ConsoleCommand.here(place).filter { !$0.hint.isEmpty && $0.unavailable(self) == nil }
        func width(_ command: ConsoleCommand) -> Int {
            CellWidth.of(command.keys[0].label) + 1 + CellWidth.of(hint(command)) + 2
        }
        // Where something stands still or a server rests, the way to its reason is worth more than most.
        let rests = shown?.open.map { $0.name == current?.name && !$0.rests.isEmpty } ?? false
        let isWaiting = rests || [.waiting, .idle].contains(current?.activity)
        func rank(_ command: ConsoleCommand) -> Int { command.action == .waits && isWaiting ? 2 : command.rank }
        while hints.reduce(0, { $0 + width($1) }) - 1 > size.columns, let least = hints.max(by: { rank($0) < rank($1) })
        {
            hints.removeAll { $0.name == least.name }
        }
        var x = 1
        let y = size.rows - 1
        for command in hints {
            x = frame.put(command.keys[0].label, x, y, .key)
            x = frame.put(" " + hint(command), x, y, .muted) + 2
        }
    }

    private func hint(_ command: ConsoleCommand) -> String {
        if command.action == .back, rootIsLive, place == .live { return tr("quit") }
        guard command.action == .pauseOrResume, let row = current else { return command.hint }
        return row.activity == .paused ? tr("resume") : tr("pause")
    }

    /// Where everything between header and message line has its place.
    var body: Area { Area(x: 0, y: 1, width: size.columns, height: max(0, size.rows - 3)) }
}

extension CellWidth {
    /// What Chinese never begins a line with (GB/T 15834, section 5.1).
    private static let noStart: Set<String> = ["，", "。", "、", "；", "：", "？", "！", "）", "》", "”", "’"]

    /// The text broken into lines of at most `width` columns, at spaces where there are any.
    static func wrap(_ text: String, _ width: Int) -> [String] {
        guard width > 1 else { return [text] }
        var lines: [String] = []
        var line: [Glyph] = []
        var used = 0
        var lastSpace: Int?
        func joined(_ glyphs: some Sequence<Glyph>) -> String { glyphs.reduce(into: "") { $0 += $1.text } }
        for glyph in glyphs(text) {
            if used + glyph.width > width {
                if glyph.text == " " {
                    lines.append(joined(line))
                    (line, used, lastSpace) = ([], 0, nil)
                    continue
                }
                // Chinese may break anywhere; a word moves down as a whole when something stands before it.
                let isEnd = noStart.contains(glyph.text)
                if let space = lastSpace, glyph.width == 1 || isEnd && line.last?.width == 1 {
                    lines.append(joined(line[..<space]))
                    line = Array(line[(space + 1)...])
                } else if let last = line.last, line.count > 1, isEnd {
                    lines.append(joined(line.dropLast()))
                    line = [last]
                } else {
                    lines.append(joined(line))
                    line = []
                }
                used = line.reduce(0) { $0 + $1.width }
                lastSpace = nil
            }
            if glyph.text == " " { lastSpace = line.count }
            line.append(glyph)
            used += glyph.width
        }
        if !line.isEmpty || lines.isEmpty { lines.append(joined(line)) }
        return lines
    }

    /// The same in at most so many lines; the last one then holds all that is left, to be cut with a mark where it is put.
    static func wrap(_ text: String, _ width: Int, lines most: Int) -> [String] {
        let lines = wrap(text, width)
        return lines.count <= most ? lines : lines.prefix(most - 1) + [lines.dropFirst(most - 1).joined(separator: " ")]
    }
}
