import Queue
import Synchronization

/// What comes as a ready text from where nothing is translated (the errors of other rooms, the argument parser), in the
/// user's language. po/rooms.txt has these texts, with `{0}`, `{1}` for what was filled in; it is found by its shape, and
/// stays as it is where none fits.
func told(_ text: String) -> String { Translation.current.told(text) }

extension AttemptRecord {
    /// What the server said, as it said it, or what is known instead, in the user's language.
    var words: String? { code == nil ? reply.map { told($0) } : reply }
}

extension Translation {
    /// A text with gaps: what stands between them, and the translation.
    struct Shape: Sendable {
        let pieces: [String]
        /// Which argument each gap holds.
        let numbers: [Int]
        let translation: String
        /// Characters that are the text's own; fewer than `least` fit anything.
        let weight: Int

        static let least = 6

        /// nil for a text without gaps, with two side by side, or with too little of its own.
        init?(_ key: String, _ translation: String) {
            var pieces = [""]
            var numbers: [Int] = []
            var rest = Substring(key)
            while let open = rest.firstIndex(of: "{") {
                pieces[pieces.count - 1] += rest[..<open]
                let after = rest.index(after: open)
                if let close = rest[after...].firstIndex(of: "}"), let number = Int(rest[after..<close]) {
                    numbers.append(number)
                    pieces.append("")
                    rest = rest[rest.index(after: close)...]
                } else {
                    pieces[pieces.count - 1] += "{"
                    rest = rest[after...]
                }
            }
            pieces[pieces.count - 1] += rest
            weight = pieces.reduce(0) { $0 + $1.count }
            guard !numbers.isEmpty, weight >= Self.least, pieces.dropFirst().dropLast().allSatisfy({ !$0.isEmpty })
            else {
                return nil
            }
            self.pieces = pieces
            self.numbers = numbers
            self.translation = translation
        }

        /// What fills the gaps of `text`, by argument; nil when it is another text.
        func arguments(of text: String) -> [String]? {
            guard let first = pieces.first, let last = pieces.last, text.hasPrefix(first), text.hasSuffix(last),
                text.count > first.count + last.count
            else { return nil }
            var rest = text.dropFirst(first.count).dropLast(last.count)
            var found: [String] = []
            for piece in pieces.dropFirst().dropLast() {
                guard let range = rest.firstRange(of: piece), range.lowerBound > rest.startIndex else { return nil }
                found.append(String(rest[..<range.lowerBound]))
                rest = rest[range.upperBound...]
            }
            guard !rest.isEmpty else { return nil }
            found.append(String(rest))
            var result = Array(repeating: "", count: (numbers.max() ?? 0) + 1)
            for (number, value) in zip(numbers, found) { result[number] = value }
            return result
        }
    }

    /// Made when an error is first told, by language.
    private static let known = Mutex<[String: [Shape]]>([:])

    private func shapes(_ catalogue: Catalogue) -> [Shape] {
        Self.known.withLock { known in
            if let made = known[language] { return made }
            let made = catalogue.messages.compactMap { key, forms in
                forms.count == 1 ? Shape(key, forms[0]) : nil
            }.sorted { $0.weight > $1.weight }
            known[language] = made
            return made
        }
    }

    func told(_ text: String) -> String {
        guard let catalogue, !text.isEmpty else { return text }
        if text.contains("\n") {
            return text.split(separator: "\n", omittingEmptySubsequences: false).map { told(String($0)) }
                .joined(separator: "\n")
        }
        if let exact = catalogue.messages[text]?.first { return exact }
        for shape in shapes(catalogue) {
            guard let arguments = shape.arguments(of: text) else { continue }
            // A name is a name, be it called as a word of ours; a part of a sentence has several words.
            return Self.filled(shape.translation, arguments.map { $0.contains(" ") ? told($0) : $0 })
        }
        // `people.csv: is a folder`, `a@b@c: more than one @`: whatever it is about stays as it is.
        guard let colon = text.firstRange(of: ": ") else { return text }
        let rest = String(text[colon.upperBound...])
        let meaning = told(rest)
        return meaning == rest ? text : text[..<colon.lowerBound] + "：" + meaning
    }
}
