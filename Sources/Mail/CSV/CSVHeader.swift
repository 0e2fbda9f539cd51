/// The first record of a recipients file: delimiter, column names, where the address is.
struct CSVHeader {
    let columns: [String]
    let emailIndex: Int
    let delimiter: UInt8

    /// Other names for the email column, lower case.
    static let aliases: Set<String> = [
        "e-mail", "mail", "email address", "e-mail address", "邮箱", "邮件", "邮箱地址", "电子邮箱", "电子邮件",
    ]

    /// Which column holds the address: the one named `email` in any case, else the one with a name that means it.
    /// - Returns: the indexes of all that qualify equally; exactly one is right.
    static func emailColumns(_ columns: [String]) -> [Int] {
        let lower = columns.map { $0.lowercased() }
        let exact = lower.indices.filter { lower[$0] == "email" }
        return exact.isEmpty ? lower.indices.filter { aliases.contains(lower[$0]) } : exact
    }

    /// The delimiter that occurs most often outside quotes; a comma when none does.
    static func delimiter(of line: UnsafeBufferPointer<UInt8>) -> UInt8 {
        var counts: [(byte: UInt8, count: Int)] = [(0x2C, 0), (0x3B, 0), (0x09, 0)]
        var quoted = false
        for byte in line {
            if byte == 0x22 { quoted.toggle() }
            if quoted { continue }
            for index in counts.indices where counts[index].byte == byte { counts[index].count += 1 }
        }
        var best = counts[0]
        for entry in counts where entry.count > best.count { best = entry }
        return best.byte
    }

    init(_ names: [String], delimiter: UInt8, line: Int, path: String) throws(CSVError) {
        self.delimiter = delimiter
        var columns: [String] = []
        for (index, name) in names.enumerated() {
            let trimmed = CSVHeader.trimmed(name)
            let column = trimmed.isEmpty ? "column \(index + 1)" : trimmed
            if columns.contains(column) {
                throw CSVError(
                    path: path, line: line, message: "two columns are named \"\(column)\"; give each its own name")
            }
            columns.append(column)
        }
        self.columns = columns
        let found = CSVHeader.emailColumns(columns)
        guard let first = found.first else {
            let seen = columns.map { "\"\($0)\"" }.joined(separator: ", ")
            let hint =
                columns.contains { $0.contains("@") }
                ? "; the first line must hold the names of the columns, not a recipient" : ""
            throw CSVError(
                path: path, line: line,
                message: "no column is named \"email\" (found: \(seen))\(hint); name the column with the addresses so")
        }
        guard found.count == 1 else {
            let both = found.map { "\"\(columns[$0])\"" }.joined(separator: " and ")
            throw CSVError(
                path: path, line: line, message: "\(both) could both be the email column; rename one of them")
        }
        emailIndex = first
    }

    private static func trimmed(_ name: String) -> String {
        let blanks: Set<Character> = [" ", "\t", "\u{A0}", "\u{3000}", "\n", "\r", "\r\n", "\u{FEFF}"]
        var text = name[...]
        while let first = text.first, blanks.contains(first) { text.removeFirst() }
        while let last = text.last, blanks.contains(last) { text.removeLast() }
        return String(text)
    }
}
