import Mail

/// A file of addresses: CSV with a column `email`, or one address a line; empty lines and `#` comments are passed over.
enum AddressFile {
    enum Line {
        case address(String, line: Int)
        case bad(reason: String, line: Int)
    }

    /// - Throws: `Failure` (66) for a file that cannot be read, `CSVError`, and what `each` throws.
    static func read(_ path: String, _ each: (Line) throws -> Void) throws {
        if var reader = try? CSVReader(path: path) {
            while let record = try reader.next() {
                switch record {
                case .row(let line, let fields): try each(.address(fields.email, line: line))
                case .bad(let line, let reason, _): try each(.bad(reason: reason, line: line))
                }
            }
            return
        }
        let text = String(decoding: try FilePath.read(path), as: UTF8.self)
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let address = line.trimmingSpaces
            if address.isEmpty || address.hasPrefix("#") { continue }
            try each(.address(address, line: index + 1))
        }
    }
}
