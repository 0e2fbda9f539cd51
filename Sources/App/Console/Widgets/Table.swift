/// A column of a table: its heading, its width in columns, and the side its text leans to.
struct Column: Sendable {
    var title: String
    /// 0 takes what the others leave.
    var width: Int
    var side: CellWidth.Side = .left
}

/// A list whose cursor stays on the same row, whatever moves around it.
struct ListCursor: Sendable, Equatable {
    /// The row the cursor is on, by its identity.
    var id: Int64?
    /// Where it was last: what stays selected when the row goes away.
    var index = 0
    var top = 0

    /// Finds the row again after the list changed, and keeps it in view.
    mutating func settle(_ ids: [Int64], visible: Int) {
        guard !ids.isEmpty else {
            self = ListCursor()
            return
        }
        if let id, let found = ids.firstIndex(of: id) {
            index = found
        } else {
            index = min(max(0, index), ids.count - 1)
            id = ids[index]
        }
        let height = max(1, visible)
        top = min(top, index)
        top = max(top, index - height + 1)
        top = max(0, min(top, ids.count - height))
    }

    mutating func move(_ by: Int, in ids: [Int64]) {
        guard !ids.isEmpty else { return }
        index = min(max(0, index + by), ids.count - 1)
        id = ids[index]
    }
}

extension Frame {
    /// Widths with the flexible columns filled in, for `width` columns and one space between.
    static func widths(_ columns: [Column], in width: Int) -> [Int] {
        let fixed = columns.reduce(0) { $0 + $1.width } + max(0, columns.count - 1)
        let flexible = columns.filter { $0.width == 0 }.count
        let spare = max(0, width - fixed)
        return columns.map { $0.width > 0 ? $0.width : spare / max(1, flexible) }
    }

    /// One line of a table. Cells beyond the area are cut.
    mutating func tableRow(_ area: Area, _ y: Int, _ columns: [Column], _ cells: [(String, Style)]) {
        let widths = Frame.widths(columns, in: area.width)
        var x = area.x
        let end = area.x + area.width
        for (index, column) in columns.enumerated() where index < cells.count && x < end {
            let width = min(widths[index], end - x)
            put(CellWidth.fit(cells[index].0, width, column.side, mark: ellipsis), x, y, cells[index].1)
            x += widths[index] + 1
        }
    }

    /// Marks a row as the one the cursor is on, by a sign in its first column as well as by its look.
    mutating func select(_ row: Area) {
        put(glyphs.marker, row.x, row.y, .title)
        restyle(row) {
            $0.reverse = true
            if $0.role == .muted { $0.role = .plain }
        }
    }

    mutating func tableHead(_ area: Area, _ columns: [Column]) {
        tableRow(area, area.y, columns, columns.map { ($0.title, Style(.muted, bold: true)) })
    }
}
