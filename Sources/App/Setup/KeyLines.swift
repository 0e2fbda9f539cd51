/// The line each key of a TOML text stands on. The parser used does not tell, and an error that names no line is
/// half an error. It reads text that has already been parsed, so it need not judge it.
struct KeyLines: Sendable {
    private var lines: [String: Int] = [:]
    private var bytes: [UInt8]
    private var at = 0
    private var line = 1
    private var arrayCounts: [String: Int] = [:]

    init(_ text: String) {
        bytes = Array(text.utf8)
        scan()
        bytes = []
    }

    /// 1-based; of the key, else of what it is in. A step is a key or the decimal index of an array's element.
    func line(of path: [String]) -> Int? {
        var path = path
        while true {
            if let found = lines[Self.joined(path)] { return found }
            if path.isEmpty { return nil }
            path.removeLast()
        }
    }

    private static func joined(_ path: [String]) -> String { path.joined(separator: "\u{1F}") }

    private mutating func record(_ path: [String]) {
        let key = Self.joined(path)
        if lines[key] == nil { lines[key] = line }
    }

    private mutating func scan() {
        var table: [String] = []
        while skipBlank() {
            if bytes[at] == UInt8(ascii: "[") {
                at += 1
                let isArray = at < bytes.count && bytes[at] == UInt8(ascii: "[")
                if isArray { at += 1 }
                table = enter(keys(), isArray: isArray)
                record(table)
                skipLine()
            } else {
                let path = table + keys()
                record(path)
                guard at < bytes.count, bytes[at] == UInt8(ascii: "=") else {
                    skipLine()
                    continue
                }
                at += 1
                value(path)
            }
        }
    }

    /// The full path of a table header, with the indices of the arrays it goes through.
    private mutating func enter(_ names: [String], isArray: Bool) -> [String] {
        var path: [String] = []
        for (index, name) in names.enumerated() {
            path.append(name)
            let key = Self.joined(path)
            if isArray, index == names.count - 1 {
                arrayCounts[key, default: 0] += 1
                record(path)
            }
            if let count = arrayCounts[key] { path.append(String(count - 1)) }
        }
        return path
    }

    private mutating func value(_ path: [String]) {
        skipSpaces()
        guard at < bytes.count else { return }
        switch bytes[at] {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): string()
        case UInt8(ascii: "["):
            at += 1
            var index = 0
            while skipBlank(), bytes[at] != UInt8(ascii: "]") {
                let before = at
                record(path + [String(index)])
                value(path + [String(index)])
                index += 1
                if skipBlank(), bytes[at] == UInt8(ascii: ",") { at += 1 }
                if at == before { at += 1 }
            }
            at += 1
        case UInt8(ascii: "{"):
            at += 1
            while skipBlank(), bytes[at] != UInt8(ascii: "}") {
                let before = at
                let inner = path + keys()
                record(inner)
                if at < bytes.count, bytes[at] == UInt8(ascii: "=") {
                    at += 1
                    value(inner)
                }
                if skipBlank(), bytes[at] == UInt8(ascii: ",") { at += 1 }
                if at == before { at += 1 }
            }
            at += 1
        default:
            while at < bytes.count, !",]}#\n".utf8.contains(bytes[at]) { at += 1 }
        }
    }

    private mutating func keys() -> [String] {
        var names: [String] = []
        while at < bytes.count {
            skipSpaces()
            guard at < bytes.count else { break }
            let start = at
            if bytes[at] == UInt8(ascii: "\"") || bytes[at] == UInt8(ascii: "'") {
                string()
                names.append(String(decoding: bytes[(start + 1)..<max(start + 1, at - 1)], as: UTF8.self))
            } else {
                while at < bytes.count, !" \t.=]\n".utf8.contains(bytes[at]) { at += 1 }
                names.append(String(decoding: bytes[start..<at], as: UTF8.self))
            }
            skipSpaces()
            guard at < bytes.count, bytes[at] == UInt8(ascii: ".") else { break }
            at += 1
        }
        return names
    }

    private mutating func string() {
        let quote = bytes[at]
        let isLong = at + 2 < bytes.count && bytes[at + 1] == quote && bytes[at + 2] == quote
        at += isLong ? 3 : 1
        while at < bytes.count {
            let byte = bytes[at]
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                if at + 1 < bytes.count, bytes[at + 1] == 10 { line += 1 }
                at += 2
                continue
            }
            if byte == 10 {
                if !isLong { return }
                line += 1
            }
            at += 1
            if byte == quote {
                if !isLong { return }
                if at + 1 < bytes.count, bytes[at] == quote, bytes[at + 1] == quote {
                    at += 2
                    while at < bytes.count, bytes[at] == quote { at += 1 }
                    return
                }
            }
        }
    }

    private mutating func skipSpaces() {
        while at < bytes.count, bytes[at] == 32 || bytes[at] == 9 { at += 1 }
    }

    private mutating func skipLine() {
        while at < bytes.count, bytes[at] != 10 { at += 1 }
    }

    /// Past white space, line ends and comments; false at the end of the text.
    private mutating func skipBlank() -> Bool {
        while at < bytes.count {
            switch bytes[at] {
            case 10:
                line += 1
                at += 1
            case 32, 9, 13: at += 1
            case UInt8(ascii: "#"): skipLine()
            default: return true
            }
        }
        return false
    }
}
