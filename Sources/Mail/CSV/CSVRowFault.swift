/// What is wrong with one row.
enum CSVRowFault: Error {
    case openQuote
    case textAfterQuote(field: Int)
    case control(UInt8, field: Int)
    case fields(found: Int, wanted: Int)

    func description(_ columns: [String]) -> String {
        func place(_ field: Int) -> String {
            columns.indices.contains(field) ? "column \"\(columns[field])\"" : "field \(field + 1)"
        }
        switch self {
        case .openQuote: return "a double quote that begins in this row is never closed"
        case .textAfterQuote(let field): return "text after the closing double quote of \(place(field))"
        case .control(let byte, let field):
            let hex = String(byte, radix: 16, uppercase: true)
            return "control character U+\(String(repeating: "0", count: 4 - hex.utf8.count))\(hex) in \(place(field))"
        case .fields(let found, let wanted):
            return "\(found) field\(found == 1 ? "" : "s") where the header has \(wanted)"
        }
    }
}
