/// The characters that boxes, bars and charts are made of.
struct Glyphs {
    let horizontal, vertical, topLeft, topRight, bottomLeft, bottomRight: String
    /// Eighths of a cell from the left.
    let filled: String, track: String, partial: [String]
    /// Eight heights from the bottom.
    let levels: [String]
    let marker: String, dot: String, arrow: String

    static let unicode = Glyphs(
        horizontal: "─", vertical: "│", topLeft: "╭", topRight: "╮", bottomLeft: "╰", bottomRight: "╯", filled: "█",
        track: "░", partial: ["▏", "▎", "▍", "▌", "▋", "▊", "▉"],
        levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"], marker: "▶", dot: "·", arrow: "→")
    static let ascii = Glyphs(
        horizontal: "-", vertical: "|", topLeft: "+", topRight: "+", bottomLeft: "+", bottomRight: "+", filled: "#",
        track: ".", partial: [], levels: [".", ":", "-", "=", "+", "*", "#", "#"], marker: ">", dot: "-", arrow: "->")
}

extension Frame {
    var glyphs: Glyphs { unicode ? .unicode : .ascii }

    /// A box with a title in its upper edge; answers the area inside.
    @discardableResult
    mutating func pane(_ area: Area, _ title: String, note: String = "", style: Style = .muted) -> Area {
        guard area.width >= 4, area.height >= 2 else { return Area(x: area.x, y: area.y, width: 0, height: 0) }
        let g = glyphs
        let right = area.x + area.width - 1
        let bottom = area.y + area.height - 1
        let edge = String(repeating: g.horizontal, count: area.width - 2)
        put(g.topLeft + edge + g.topRight, area.x, area.y, style)
        for y in area.y + 1..<max(area.y + 1, bottom) {
            put(g.vertical, area.x, y, style)
            put(g.vertical, right, y, style)
        }
        put(g.bottomLeft + edge + g.bottomRight, area.x, bottom, style)
        var end = area.x + 2
        if !title.isEmpty { end = put(" \(title) ", area.x + 2, area.y, .title, width: area.width - 4) }
        let noteWidth = CellWidth.of(note) + 2
        if !note.isEmpty, end + noteWidth < right - 1 {
            put(" \(note) ", endingAt: right - 1, area.y, style)
        }
        return area.inside
    }

    /// A horizontal bar; the number beside it is the caller's.
    mutating func bar(_ x: Int, _ y: Int, width: Int, _ fraction: Double, _ style: Style) {
        guard width > 0 else { return }
        let g = glyphs
        let share = fraction.isFinite ? min(1, max(0, fraction)) : 0
        if unicode {
            var eighths = Int((share * Double(width * 8)).rounded(.down))
            if share > 0, eighths == 0 { eighths = 1 }  // something is never drawn as nothing
            let full = eighths / 8
            put(String(repeating: g.filled, count: full), x, y, style)
            let rest = eighths % 8
            if rest > 0 { put(g.partial[rest - 1], x + full, y, style) }
            let used = full + (rest > 0 ? 1 : 0)
            put(String(repeating: g.track, count: width - used), x + used, y, .muted)
        } else {
            guard width >= 3 else { return }
            var full = Int((share * Double(width - 2)).rounded(.down))
            if share > 0, full == 0 { full = 1 }
            put("[", x, y, .muted)
            put(String(repeating: g.filled, count: full), x + 1, y, style)
            put(String(repeating: g.track, count: width - 2 - full) + "]", x + 1 + full, y, .muted)
        }
    }

    /// Columns of eight levels a row, newest at the right; one row of it is a sparkline. Values above `top` are cut.
    mutating func chart(_ area: Area, _ values: [Double], top: Double, _ style: Style) {
        guard area.width > 0, area.height > 0, top > 0 else { return }
        let g = glyphs
        let shown = values.suffix(area.width)
        var x = area.x + area.width - shown.count
        for value in shown {
            var eighths = Int((min(1, max(0, value / top)) * Double(area.height * 8)).rounded())
            if value > 0, eighths == 0 { eighths = 1 }
            for row in 0..<area.height {
                let here = min(8, eighths - row * 8)
                if here <= 0 { break }
                put(g.levels[here - 1], x, area.y + area.height - 1 - row, style)
            }
            x += 1
        }
    }
}
