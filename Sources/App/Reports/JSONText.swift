import Clock

/// One JSON object on one line, its keys in the order they are added.
///
/// Beyond what RFC 8259 asks, C1 controls and the characters that turn text around are escaped, so that a line printed
/// on a terminal cannot act on it.
struct JSONText: Sendable {
    private var text = "{"

    init() {}

    /// `{…}` and no line end.
    var line: String { text + "}" }

    private mutating func key(_ name: String) {
        if text.utf8.count > 1 { text += "," }
        text += "\"" + name + "\":"
    }

    mutating func add(_ name: String, _ value: String?) {
        key(name)
        if let value { Self.quote(value, into: &text) } else { text += "null" }
    }

    mutating func add(_ name: String, _ value: Int?) {
        key(name)
        text += value.map(String.init) ?? "null"
    }

    mutating func add(_ name: String, _ value: Int64?) { add(name, value.map { Int($0) }) }

    mutating func add(_ name: String, _ value: Bool) {
        key(name)
        text += value ? "true" : "false"
    }

    /// At most three decimals, at least one; null for what is no number.
    mutating func add(_ name: String, _ value: Double?) {
        key(name)
        text += value.flatMap { $0.isFinite ? NumberText.decimal($0, atLeast: 1, atMost: 3) : nil } ?? "null"
    }

    mutating func add(_ name: String, _ value: Timestamp?) { add(name, value?.iso8601) }

    mutating func add(_ name: String, _ objects: [JSONText]) {
        key(name)
        text += "[" + objects.map(\.line).joined(separator: ",") + "]"
    }

    mutating func add(_ name: String, _ object: JSONText?) {
        key(name)
        text += object?.line ?? "null"
    }

    mutating func add(_ name: String, _ words: [String]) {
        key(name)
        text += "["
        for (index, word) in words.enumerated() {
            if index > 0 { text += "," }
            Self.quote(word, into: &text)
        }
        text += "]"
    }

    static func quote(_ value: String, into text: inout String) {
        text += "\""
        // Most of what is printed needs no escape: one look at the bytes, one copy.
        if value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }) {
            text += value
        } else {
            for scalar in value.unicodeScalars {
                switch scalar.value {
                case 0x22: text += "\\\""
                case 0x5C: text += "\\\\"
                case 0x0A: text += "\\n"
                case 0x0D: text += "\\r"
                case 0x09: text += "\\t"
                case 0..<0x20, 0x7F...0x9F, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF:
                    let digits = String(scalar.value, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                default: text.unicodeScalars.append(scalar)
                }
            }
        }
        text += "\""
    }
}
