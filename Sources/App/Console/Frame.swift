/// What a piece of the screen means; the terminal decides how that looks.
enum Role: UInt8, Sendable, CaseIterable {
    case plain, muted, title, accent, ok, warn, error, paused, key
}

struct Style: Sendable, Hashable {
    var role: Role
    var bold = false
    var reverse = false

    init(_ role: Role, bold: Bool = false, reverse: Bool = false) {
        self.role = role
        self.bold = bold
        self.reverse = reverse
    }

    static let plain = Style(.plain)
    static let muted = Style(.muted)
    static let title = Style(.title, bold: true)
    static let accent = Style(.accent)
    static let ok = Style(.ok)
    static let warn = Style(.warn)
    static let error = Style(.error, bold: true)
    static let key = Style(.key, bold: true)
}

/// One column of one row. The second column of a wide character has no text.
struct Cell: Sendable, Hashable {
    var mark: Mark
    var style: Style
    static let blank = Cell(mark: .space, style: .plain)

    var text: String { mark.text }
}

struct Size: Sendable, Hashable {
    var columns: Int
    var rows: Int
}

struct Area: Sendable, Hashable {
    var x: Int, y: Int, width: Int, height: Int
    /// The room inside a box drawn on this area.
    var inside: Area { Area(x: x + 1, y: y + 1, width: max(0, width - 2), height: max(0, height - 2)) }
}

/// A screen as a value: rows of styled cells. Nothing put into it can leave its bounds or carry control codes.
struct Frame: Sendable, Equatable {
    let size: Size
    /// False where the terminal's locale is not UTF-8: other scripts show as `?`, boxes and bars as ASCII.
    let unicode: Bool
    private(set) var cells: [Cell]
    /// Where the cursor stands, when something is being typed.
    var cursor: (x: Int, y: Int)?

    init(_ size: Size, unicode: Bool = true) {
        self.size = Size(columns: max(1, size.columns), rows: max(1, size.rows))
        self.unicode = unicode
        cells = Array(repeating: .blank, count: self.size.columns * self.size.rows)
    }

    static func == (a: Frame, b: Frame) -> Bool {
        a.size == b.size && a.cells == b.cells && a.cursor?.x == b.cursor?.x && a.cursor?.y == b.cursor?.y
    }

    var ellipsis: String { unicode ? "…" : "~" }

    func row(_ y: Int) -> ArraySlice<Cell> { cells[y * size.columns..<(y + 1) * size.columns] }

    /// Writes text at a place, cut to `width` columns and to the frame; answers the column after it.
    @discardableResult
    mutating func put(_ text: String, _ x: Int, _ y: Int, _ style: Style = .plain, width: Int = .max) -> Int {
        guard y >= 0, y < size.rows, x < size.columns, width > 0 else { return x }
        let room = min(width, size.columns - x)
        if text.utf8.count <= room, x >= 0, let column = putPlain(text, x, y, style) { return column }
        let glyphs = CellWidth.glyphs(text)
        let total = glyphs.reduce(0) { $0 + $1.width }
        var column = x
        let limit = total <= room ? x + room : x + room - 1
        for glyph in glyphs {
            if column + glyph.width > limit { break }
            set(glyph, column, y, style)
            column += glyph.width
        }
        if total > room {
            set(Glyph(mark: Mark(unicode ? "…" : "~"), width: 1), column, y, style)
            column += 1
        }
        return column
    }

    /// The same for what is all printable ASCII and fits; nil where it is not.
    private mutating func putPlain(_ text: String, _ x: Int, _ y: Int, _ style: Style) -> Int? {
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return nil }
        var column = x
        for byte in text.utf8 {
            set(Glyph(mark: Mark(Unicode.Scalar(byte)), width: 1), column, y, style)
            column += 1
        }
        return column
    }

    /// Writes pieces of different styles one after the other within `width` columns.
    @discardableResult
    mutating func put(_ pieces: [(String, Style)], _ x: Int, _ y: Int, width: Int = .max) -> Int {
        var column = x
        let end = width == .max ? size.columns : min(size.columns, x + width)
        for (text, style) in pieces where column < end {
            column = put(text, column, y, style, width: end - column)
        }
        return column
    }

    /// Writes text so that it ends before column `end`; answers where it begins.
    @discardableResult
    mutating func put(_ text: String, endingAt end: Int, _ y: Int, _ style: Style = .plain) -> Int {
        let start = max(0, end - CellWidth.of(text))
        put(text, start, y, style, width: end - start)
        return start
    }

    mutating func fill(_ area: Area, _ style: Style = .plain, with mark: Mark = .space) {
        guard area.width > 0, area.height > 0 else { return }
        for y in area.y..<area.y + area.height {
            for x in area.x..<area.x + area.width { set(Glyph(mark: mark, width: 1), x, y, style) }
        }
    }

    /// Changes the look of what is there, keeping the text.
    mutating func restyle(_ area: Area, _ change: (inout Style) -> Void) {
        for y in max(0, area.y)..<max(0, min(size.rows, area.y + area.height)) {
            for x in max(0, area.x)..<max(0, min(size.columns, area.x + area.width)) {
                change(&cells[y * size.columns + x].style)
            }
        }
    }

    private mutating func set(_ glyph: Glyph, _ x: Int, _ y: Int, _ style: Style) {
        guard x >= 0, y >= 0, y < size.rows, x + glyph.width <= size.columns else { return }
        let place = y * size.columns + x
        // Half of a wide character cannot stay: whatever is half covered becomes a space.
        if cells[place].mark.isEmpty, x > 0 { cells[place - 1].mark = .space }
        let after = place + glyph.width
        if x + glyph.width < size.columns, cells[after].mark.isEmpty { cells[after].mark = .space }
        if !unicode, !glyph.mark.isASCII {
            for offset in 0..<glyph.width { cells[place + offset] = Cell(mark: Mark("?"), style: style) }
            return
        }
        cells[place] = Cell(mark: glyph.mark, style: style)
        if glyph.width == 2 { cells[place + 1] = Cell(mark: .nothing, style: style) }
    }

    /// The screen as lines of text without trailing spaces: what tests compare.
    var text: String {
        (0..<size.rows).map { y in
            var line = row(y).reduce(into: "") { $0 += $1.text }
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}
