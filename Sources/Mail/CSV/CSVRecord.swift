/// One record of a recipients file.
public enum CSVRecord: Sendable, Hashable {
    /// A row with as many fields as there are columns; `line` is the line it begins on, from 1.
    case row(line: Int, fields: CSVRow)
    /// A row that cannot be used: why, and its text (at most `CSVReader.rawLimit` bytes of it, on one line).
    case bad(line: Int, reason: String, raw: String)
}

/// The fields of one row.
public struct CSVRow: Sendable, Hashable {
    /// The field values in column order, joined by U+001F.
    public let joined: String
    /// The value of the email column, blanks around it removed.
    public let email: String

    @inlinable
    init(joined: String, email: String) {
        self.joined = joined
        self.email = email
    }

    /// The field values, one string each.
    public var fields: [String] {
        joined.utf8.split(separator: 0x1F, omittingEmptySubsequences: false).map { String(Substring($0)) }
    }
}
