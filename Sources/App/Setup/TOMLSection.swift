import Mail

/// One table of a TOML file, read key by key; every fault names file, line and key.
struct TOMLSection: Sendable {
    let file: TOMLFile
    let path: [String]
    let values: [String: TOMLNode]

    /// - Throws: `Failure` (78) at the first key that is not among `known`.
    func allow(_ known: [String], notes: [String: String] = [:]) throws {
        let strangers = values.keys.filter { !known.contains($0) }.sorted {
            (line($0) ?? 0, $0) < (line($1) ?? 0, $1)
        }
        guard let key = strangers.first else { return }
        if let note = notes[key] { throw fault(key, note) }
        let near = Suggestion.nearest(to: key, among: known)
        throw fault(
            key, tr("unknown key"),
            next: near.map { tr("Did you mean \"{0}\"?", $0) }
                ?? tr("Known here: {0}.", known.joined(separator: ", ")))
    }

    func line(_ key: String) -> Int? { file.lines.line(of: path + [key]) }

    /// `file:line: key: what`.
    func fault(_ key: String, _ what: String, next: String? = nil) -> Failure {
        let place = line(key).map { "\(file.path):\($0)" } ?? file.path
        let name = (path.filter { Int($0) == nil } + [key]).joined(separator: ".")
        return Failure(.configuration, "\(place): \(name): \(what)", next: next)
    }

    private func wrong(_ key: String, _ node: TOMLNode, _ wanted: String) -> Failure {
        fault(key, tr("must be {0}, and is {1}", wanted, node.kind))
    }

    func has(_ key: String) -> Bool { values[key] != nil }

    func string(_ key: String) throws -> String? {
        guard let node = values[key] else { return nil }
        guard case .string(let text) = node else { throw wrong(key, node, tr("a text in quotes")) }
        if text.unicodeScalars.contains(where: { $0.value < 32 && $0 != "\t" && $0 != "\n" || $0.value == 127 }) {
            throw fault(key, tr("holds a control character"))
        }
        return text
    }

    /// A text on one line that is not empty.
    func line(text key: String) throws -> String? {
        guard let text = try string(key) else { return nil }
        if text.contains("\n") { throw fault(key, tr("must be on one line")) }
        if text.trimmingSpaces.isEmpty { throw fault(key, tr("is empty")) }
        return text
    }

    /// `Name <name@example.com>`, as it is written.
    func mailbox(_ key: String) throws -> String? {
        guard let text = try line(text: key) else { return nil }
        do { _ = try Mailbox(parsing: text) } catch {
            throw fault(
                key, tr("\"{0}\" is no mailbox: {1}", text, told("\(error)")),
                next: tr("Write it as Name <name@example.com>."))
        }
        return text
    }

    func required(_ key: String) throws -> String {
        guard let text = try line(text: key) else { throw missing(key) }
        return text
    }

    func missing(_ key: String) -> Failure {
        let place = file.lines.line(of: path).map { "\(file.path):\($0)" } ?? file.path
        let table = path.filter { Int($0) == nil }.joined(separator: ".")
        return Failure(
            .configuration,
            table.isEmpty
                ? tr("{0}: the key \"{1}\" is missing", place, key)
                : tr("{0}: the key \"{1}\" is missing in [{2}]", place, key, table))
    }

    func int(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let node = values[key] else { return nil }
        guard case .int(let number) = node else { throw wrong(key, node, tr("a whole number")) }
        guard range.contains(number) else {
            throw fault(
                key,
                tr("must be from {0} to {1}, and is {2}", "\(range.lowerBound)", "\(range.upperBound)", "\(number)"))
        }
        return number
    }

    /// A list of whole numbers, with at least one and at most 1,000 of them.
    func ints(_ key: String, in range: ClosedRange<Int>) throws -> [Int]? {
        guard let node = values[key] else { return nil }
        let wanted = tr("a list of whole numbers such as [50, 100, 200]")
        guard case .array(let items) = node, (1...1_000).contains(items.count) else { throw wrong(key, node, wanted) }
        return try items.map { item in
            guard case .int(let number) = item else { throw wrong(key, item, wanted) }
            guard range.contains(number) else {
                throw fault(
                    key,
                    tr(
                        "must be from {0} to {1}, and is {2}", "\(range.lowerBound)", "\(range.upperBound)", "\(number)"
                    ))
            }
            return number
        }
    }

    func bool(_ key: String) throws -> Bool? {
        guard let node = values[key] else { return nil }
        guard case .bool(let flag) = node else { throw wrong(key, node, tr("true or false")) }
        return flag
    }

    /// A list of texts, or one text.
    func strings(_ key: String) throws -> [String]? {
        guard let node = values[key] else { return nil }
        if case .string(let text) = node { return [text] }
        guard case .array(let items) = node else { throw wrong(key, node, tr("a list of texts")) }
        return try items.map { item in
            guard case .string(let text) = item else { throw wrong(key, item, tr("a list of texts")) }
            return text
        }
    }

    func duration(_ key: String) throws -> Duration? {
        guard let node = values[key] else { return nil }
        let wanted = tr("a duration such as \"30s\", \"5m\", \"1h\" or \"7d\"")
        guard case .string(let text) = node else { throw wrong(key, node, wanted) }
        guard let duration = DurationText.duration(text) else {
            throw fault(key, tr("must be {0}, and is \"{1}\"", wanted, text))
        }
        return duration
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, _: Choice.Type = Choice.self) throws -> Choice?
    where Choice.RawValue == String {
        guard let text = try string(key) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let known = Choice.allCases.map(\.rawValue)
        throw fault(
            key, tr("\"{0}\" is none of {1}", text, known.joined(separator: ", ")),
            next: Suggestion.nearest(to: text, among: known).map { tr("Did you mean \"{0}\"?", $0) })
    }

    func section(_ key: String) throws -> TOMLSection? {
        guard let node = values[key] else { return nil }
        guard case .table(let inner) = node else { throw wrong(key, node, tr("a table")) }
        return TOMLSection(file: file, path: path + [key], values: inner)
    }

    /// An array of tables: `[[key]]`.
    func sections(_ key: String) throws -> [TOMLSection] {
        guard let node = values[key] else { return [] }
        guard case .array(let items) = node else {
            throw fault(key, tr("must be a list of tables, and is {0}", node.kind), next: tr("Write [[{0}]].", key))
        }
        return try items.enumerated().map { index, item in
            guard case .table(let inner) = item else { throw wrong(key, item, tr("a list of tables")) }
            return TOMLSection(file: file, path: path + [key, String(index)], values: inner)
        }
    }
}
