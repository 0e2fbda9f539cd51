/// Rows of RFC 4180 that a spreadsheet will not take for formulas, and a terminal not for commands.
struct CSVText: Sendable {
    /// One row with CRLF.
    static func row(_ cells: [String?]) -> String {
        var text = ""
        for (index, cell) in cells.enumerated() {
            if index > 0 { text += "," }
            text += Self.cell(cell ?? "")
        }
        return text + "\r\n"
    }

    static func cell(_ value: String) -> String {
        var value = OutsideText.plain(value)
        // A cell that begins so is run as a formula when the file is opened in a spreadsheet (OWASP, "CSV Injection").
        // A plain number is no formula.
        if let first = value.first, "=+-@".contains(first), !isNumber(value) { value = "'" + value }
        guard value.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else { return value }
        var quoted = "\""
        for character in value.unicodeScalars {
            if character == "\"" { quoted += "\"" }
            quoted.unicodeScalars.append(character)
        }
        return quoted + "\""
    }

    private static func isNumber(_ value: String) -> Bool {
        let digits = value.dropFirst()
        return !digits.isEmpty && digits.allSatisfy { $0.isASCII && $0.isNumber || $0 == "." }
    }
}
