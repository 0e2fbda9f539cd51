import TOMLKit

/// A value of a TOML file, away from the library that parsed it.
enum TOMLNode: Sendable, Equatable {
    case string(String)
    case int(Int)
    case double(Double)
    case bool(Bool)
    /// A date or time, as text.
    case time(String)
    case array([TOMLNode])
    /// Keys in the parser's order (sorted), not the file's.
    case table([String: TOMLNode])

    init(_ value: TOMLValue) {
        switch value.type {
        case .string: self = .string(value.string ?? "")
        case .int: self = .int(value.int ?? 0)
        case .double: self = .double(value.double ?? 0)
        case .bool: self = .bool(value.bool ?? false)
        case .date, .time, .dateTime: self = .time(value.debugDescription)
        case .array: self = .array(value.array.map { array in array.map { TOMLNode($0.tomlValue) } } ?? [])
        case .table: self = value.table.map(TOMLNode.init(table:)) ?? .table([:])
        }
    }

    init(table: TOMLTable) {
        var values: [String: TOMLNode] = [:]
        for key in table.keys {
            if let value = table[key] { values[key] = TOMLNode(value.tomlValue) }
        }
        self = .table(values)
    }

    /// What a person calls it.
    var kind: String {
        switch self {
        case .string: tr("a text")
        case .int: tr("a whole number")
        case .double: tr("a number with a fraction")
        case .bool: tr("true or false")
        case .time: tr("a date")
        case .array: tr("a list")
        case .table: tr("a table")
        }
    }
}

/// A parsed TOML file that can say where each of its keys stands.
struct TOMLFile: Sendable {
    /// As shown in errors.
    let path: String
    let root: [String: TOMLNode]
    let lines: KeyLines

    /// - Throws: `Failure`: 66 when the file is not there, 78 when it cannot be read or is not TOML.
    init(reading path: String) throws {
        let bytes = try FilePath.read(path, unreadable: .configuration)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(
                .configuration, tr("{0} is not UTF-8 text.", path), next: tr("Save it as UTF-8 and try again."))
        }
        try self.init(text: text, path: path)
    }

    /// - Throws: `Failure` (78).
    init(text: String, path: String) throws {
        self.path = path
        var text = text
        if text.utf8.starts(with: [0xEF, 0xBB, 0xBF]) { text = String(text.unicodeScalars.dropFirst()) }
        if let nul = text.utf8.firstIndex(of: 0) {
            let line = text.utf8[..<nul].count { $0 == 10 } + 1
            throw Failure(.configuration, tr("{0}:{1}: a NUL byte.", path, "\(line)"))
        }
        do {
            guard case .table(let values) = TOMLNode(table: try TOMLTable(string: text)) else {
                throw Failure(.configuration, tr("{0}:{1}: not valid TOML: {2}", path, "1", ""))
            }
            root = values
        } catch let error as TOMLParseError {
            throw Failure(
                .configuration,
                tr("{0}:{1}: not valid TOML: {2}", path, "\(error.source.begin.line)", error.description))
        }
        lines = KeyLines(text)
    }

    var section: TOMLSection { TOMLSection(file: self, path: [], values: root) }
}
