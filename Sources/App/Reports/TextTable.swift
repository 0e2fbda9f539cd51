/// Columns that line up, whatever script is in them.
struct TextTable: Sendable {
    enum Side: Sendable { case left, right }

    private let titles: [String]
    private let sides: [Side]
    private var rows: [[String]] = []

    init(_ columns: [(String, Side)]) {
        titles = columns.map(\.0)
        sides = columns.map(\.1)
    }

    var isEmpty: Bool { rows.isEmpty }

    mutating func add(_ cells: [String]) { rows.append(cells.map(OutsideText.plain)) }

    /// All rows under their titles; a column nobody filled is left out. Lines end without blanks.
    func text() -> String {
        let shown = titles.indices.filter { column in rows.contains { !$0[column].isEmpty } }
        let widths = shown.map { column in
            ([titles[column]] + rows.map { $0[column] }).map { CellWidth.of($0) }.max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            var line = ""
            for (place, column) in shown.enumerated() {
                if place > 0 { line += "  " }
                let fill = String(repeating: " ", count: max(0, widths[place] - CellWidth.of(cells[column])))
                line += sides[column] == .left ? cells[column] + fill : fill + cells[column]
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line + "\n"
        }
        return line(titles) + rows.map(line).joined()
    }

    /// Rows of known widths, for a list too long to be held: each column `widths` wide, cut where it does not fit.
    static func line(_ cells: [String], widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            if index > 0 { line += "  " }
            if index == cells.count - 1, widths[index] == 0 {
                line += OutsideText.plain(cell)
            } else {
                line += CellWidth.fit(cell, widths[index])
            }
        }
        while line.hasSuffix(" ") { line.removeLast() }
        return line + "\n"
    }
}
