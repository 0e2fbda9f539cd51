import Mail
import Queue

/// The rows of a recipients file, each an address in order or a reason why not.
struct RecipientRows {
    enum Row {
        case good(ImportRow)
        case rejected(line: Int, reason: String, raw: String)
    }

    let columns: [String]
    private var reader: CSVReader
    /// Which of the file's fields make a stored row; nil: all, in order.
    private let order: [Int]?

    /// - Parameter stored: the columns a campaign has already; the file may bring more, and in another order.
    /// - Throws: `CSVError`, or `QueueError.columnsChanged` when the file lacks one of them.
    init(path: String, stored: [String]? = nil) throws {
        let reader = try CSVReader(path: path)
        self.reader = reader
        guard let stored, stored != reader.columns else {
            columns = reader.columns
            order = nil
            return
        }
        let found = stored.map { reader.columns.firstIndex(of: $0) }
        guard !found.contains(nil) else { throw QueueError.columnsChanged(was: stored, now: reader.columns) }
        columns = stored
        order = found.compactMap(\.self)
    }

    /// - Throws: `CSVError`.
    mutating func next() throws -> Row? {
        guard let record = try reader.next() else { return nil }
        switch record {
        case .bad(let line, let reason, let raw): return .rejected(line: line, reason: reason, raw: raw)
        case .row(let line, let row):
            let fields = order.map { Self.picked(row, $0) } ?? row.joined
            if let key = Mailbox.fastKey(of: row.email), let at = key.utf8.firstIndex(of: UInt8(ascii: "@")) {
                let domain = String(key[key.utf8.index(after: at)...])
                return .good(ImportRow(email: row.email, key: key, domain: domain, fields: fields, line: line))
            }
            do {
                let mailbox = try Mailbox(parsing: row.email)
                return .good(
                    ImportRow(
                        email: mailbox.address, key: mailbox.key, domain: mailbox.asciiDomain, fields: fields,
                        line: line))
            } catch {
                let raw = row.joined.replacing("\u{1F}", with: ",")
                return .rejected(line: line, reason: "\(error)", raw: String(raw.prefix(CSVReader.rawLimit)))
            }
        }
    }

    private static func picked(_ row: CSVRow, _ order: [Int]) -> String {
        let fields = row.fields
        return order.map { fields[$0] }.joined(separator: "\u{1F}")
    }
}
