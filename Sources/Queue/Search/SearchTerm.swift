import GRDB

/// A text that is looked for: as it stands, anywhere, large and small letters alike.
struct SearchTerm {
    let text: String
    private let folded: [UInt8]
    /// More would not narrow it down much; what they would have ruled out, the rows themselves do.
    private static let mostTrigrams = 24

    /// - Throws: `QueueError.invalid` when it is empty.
    init(_ text: String) throws {
        guard !text.isEmpty, !text.unicodeScalars.contains("\u{1}"), !text.unicodeScalars.contains("\0") else {
            throw QueueError.invalid("A search needs a text to look for.")
        }
        self.text = text
        folded = Array(text.lowercased().utf8)
    }

    func isIn(_ other: String?) -> Bool {
        guard let other else { return false }
        var lower = other.lowercased()
        return lower.withUTF8 { bytes in
            guard bytes.count >= folded.count, let first = folded.first else { return false }
            for start in 0...(bytes.count - folded.count) where bytes[start] == first {
                if bytes[start..<(start + folded.count)].elementsEqual(folded) { return true }
            }
            return false
        }
    }

    /// What to ask the index for; nil when nothing in it can match. One or two characters, as many Chinese words are,
    /// stand for all trigrams that begin with them.
    func expression(_ db: Database, table: String) throws -> String? {
        let scalars = Array(text.lowercased().unicodeScalars)
        if scalars.count >= 3 {
            var trigrams: [String] = []
            for start in 0...(scalars.count - 3) {
                var trigram = String.UnicodeScalarView()
                trigram.append(contentsOf: scalars[start..<(start + 3)])
                let quoted = Self.quoted(String(trigram))
                if !trigrams.contains(quoted) { trigrams.append(quoted) }
                if trigrams.count == Self.mostTrigrams { break }
            }
            return trigrams.joined(separator: " AND ")
        }
        let lowered = text.lowercased()
        let terms = try String.fetchAll(
            db, sql: "SELECT term FROM \(table)_term WHERE term >= ? AND term < ?",
            arguments: [lowered, lowered + "\u{10FFFF}"])
        return terms.isEmpty ? nil : terms.map(Self.quoted).joined(separator: " OR ")
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
