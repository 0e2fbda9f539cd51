/// One piece of an IMAP answer (RFC 9051 §4).
public enum IMAPValue: Sendable, Equatable {
    /// A word without quotes; `NIL` too.
    case atom(String)
    /// A quoted string or a literal.
    case text([UInt8])
    case list([IMAPValue])

    /// The bytes of an atom or a text; nil for a list.
    public var bytes: [UInt8]? {
        switch self {
        case .atom(let word): Array(word.utf8)
        case .text(let bytes): bytes
        case .list: nil
        }
    }

    /// As text, wrong UTF-8 replaced.
    public var string: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    public var items: [IMAPValue] { if case .list(let items) = self { items } else { [] } }
}

/// An untagged answer: its words, literals put back in their places.
public struct IMAPResponse: Sendable, Equatable {
    public var values: [IMAPValue]

    /// The first word in upper case, `SEARCH`, or the second where the first is a number: `FETCH`.
    public var name: String {
        let first = word(0)
        return first.first?.isNumber == true ? word(1) : first
    }

    private func word(_ index: Int) -> String {
        guard index < values.count, case .atom(let word) = values[index] else { return "" }
        return word.uppercased()
    }

    /// The value behind a word of a FETCH list; `BODY[…]<0>` is found by `BODY`.
    public func item(_ name: String) -> IMAPValue? {
        guard case .list(let items)? = values.last else { return nil }
        var index = 0
        while index + 1 < items.count {
            if case .atom(let word) = items[index],
                word.uppercased() == name || word.uppercased().hasPrefix(name + "[")
            {
                return items[index + 1]
            }
            index += 2
        }
        return nil
    }
}

/// Takes an answer apart. It throws at nothing: what is no IMAP becomes words that mean nothing to anybody.
struct IMAPParser {
    /// Of a list in a list in …; no server needs as many.
    private static let deepest = 20

    /// Bytes of the answer's lines, and its literals in order; each stands where a line ends in `{n}`.
    private let line: [UInt8]
    private var literals: ArraySlice<[UInt8]>
    private var at = 0

    init(_ line: [UInt8], literals: [[UInt8]] = []) {
        self.line = line
        self.literals = literals[...]
    }

    mutating func values(depth: Int = 0) -> [IMAPValue] {
        var found: [IMAPValue] = []
        while at < line.count {
            switch line[at] {
            case UInt8(ascii: " "): at += 1
            case UInt8(ascii: ")"):
                at += 1
                if depth > 0 { return found }
            case UInt8(ascii: "("):
                at += 1
                if depth < Self.deepest { found.append(.list(values(depth: depth + 1))) }
            case UInt8(ascii: "\""): found.append(.text(quoted()))
            case UInt8(ascii: "{"):
                if let literal = literal() { found.append(.text(literal)) } else { found.append(.atom(atom())) }
            default: found.append(.atom(atom()))
            }
        }
        return found
    }

    private mutating func quoted() -> [UInt8] {
        var bytes: [UInt8] = []
        at += 1
        while at < line.count, line[at] != UInt8(ascii: "\"") {
            if line[at] == UInt8(ascii: "\\"), at + 1 < line.count { at += 1 }
            bytes.append(line[at])
            at += 1
        }
        at += 1
        return bytes
    }

    /// At `{n}` that a literal belongs to.
    private mutating func literal() -> [UInt8]? {
        guard let close = line[at...].firstIndex(of: UInt8(ascii: "}")),
            line[(at + 1)..<close].allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: "+") }), close > at + 1,
            let bytes = literals.popFirst()
        else { return nil }
        at = close + 1
        return bytes
    }

    private mutating func atom() -> String {
        let start = at
        var brackets = 0
        at += 1
        if line[start] == UInt8(ascii: "[") { brackets = 1 }
        scan: while at < line.count {
            switch line[at] {
            case UInt8(ascii: "["): brackets += 1
            case UInt8(ascii: "]"): brackets -= brackets > 0 ? 1 : 0
            // `BODY[HEADER.FIELDS (MESSAGE-ID)]` is one word.
            case UInt8(ascii: " "), UInt8(ascii: "("), UInt8(ascii: ")"):
                if brackets == 0 { break scan }
            default: break
            }
            at += 1
        }
        return String(decoding: line[start..<at], as: UTF8.self)
    }
}
