/// Cuts mustache text (mustache(5)) into literals and tags and reports every fault with its place.
struct TemplateScanner {
    private(set) var items: [Template.Item] = []
    private(set) var faults: [ContentFault] = []
    private let bytes: [UInt8]
    private let part: String
    private let form: FieldForm
    private let columns: ColumnNames
    private var open: [(name: String, column: Int?, at: Int)] = []

    init(_ source: String, part: String, form: FieldForm, columns: ColumnNames) {
        bytes = TemplateScanner.withUnixLines(Array(source.utf8))
        self.part = part
        self.form = form
        self.columns = columns
    }

    /// CRLF and CR become LF.
    static func withUnixLines(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(0x0D) else { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var previous: UInt8 = 0
        for byte in bytes {
            if byte == 0x0D {
                result.append(0x0A)
            } else if byte != 0x0A || previous != 0x0D {
                result.append(byte)
            }
            previous = byte
        }
        return result
    }

    mutating func scan() {
        var position = 0
        var literal = 0
        while position < bytes.count {
            guard bytes[position] == 0x7B, position + 1 < bytes.count, bytes[position + 1] == 0x7B else {
                position += 1
                continue
            }
            addLiteral(bytes[literal..<position])
            let triple = position + 2 < bytes.count && bytes[position + 2] == 0x7B
            let inner = position + (triple ? 3 : 2)
            guard let close = closing(from: inner, triple: triple) else {
                fault(position, "\(triple ? "{{{" : "{{") is not closed")
                return
            }
            tag(bytes[inner..<close], at: position, triple: triple)
            position = close + (triple ? 3 : 2)
            literal = position
        }
        addLiteral(bytes[literal...])
        for section in open { fault(section.at, "the section {{#\(section.name)}} is not closed") }
    }

    private mutating func addLiteral(_ literal: ArraySlice<UInt8>) {
        if !literal.isEmpty { items.append(.literal(Array(literal))) }
    }

    private func closing(from start: Int, triple: Bool) -> Int? {
        var index = start
        while index + (triple ? 2 : 1) < bytes.count {
            if bytes[index] == 0x7D, bytes[index + 1] == 0x7D, !triple || bytes[index + 2] == 0x7D { return index }
            index += 1
        }
        return nil
    }

    private mutating func tag(_ raw: ArraySlice<UInt8>, at: Int, triple: Bool) {
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0A]
        var inner = raw.drop { blanks.contains($0) }
        while let last = inner.last, blanks.contains(last) { inner.removeLast() }
        guard let sigil = inner.first else { return fault(at, "an empty placeholder; put a column's name in it") }
        var name: String {
            String(decoding: inner.dropFirst().drop { blanks.contains($0) }, as: UTF8.self)
        }
        if triple { return field(String(decoding: inner, as: UTF8.self), at: at, form: .plain) }
        switch sigil {
        case UInt8(ascii: "&"): field(name, at: at, form: .plain)
        case UInt8(ascii: "!"): items.append(.comment)
        case UInt8(ascii: "#"), UInt8(ascii: "^"):
            let column = column(name, at: at)
            open.append((name, column, at))
            items.append(.section(column: column ?? 0, inverted: sigil == UInt8(ascii: "^")))
        case UInt8(ascii: "/"):
            guard let section = open.popLast() else {
                return fault(at, "{{/\(name)}} closes a section that was not opened")
            }
            if section.name != name { fault(at, "{{/\(name)}} where {{/\(section.name)}} is due") }
            items.append(.end(column: section.column ?? 0))
        case UInt8(ascii: ">"), UInt8(ascii: "<"), UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "%"):
            fault(
                at,
                "{{\(String(UnicodeScalar(sigil)))…}} (partials, blocks, other delimiters) is not supported; "
                    + "use {{column}} and {{#column}}…{{/column}}")
        default: field(String(decoding: inner, as: UTF8.self), at: at, form: form)
        }
    }

    private mutating func field(_ name: String, at: Int, form: FieldForm) {
        // `{{.}}` is the column of the innermost section.
        let column = name == "." && !open.isEmpty ? open[open.count - 1].column : column(name, at: at)
        if let column { items.append(.field(FieldUse(column: column, form: form))) }
    }

    private mutating func column(_ name: String, at: Int) -> Int? {
        if let column = columns[name] { return column }
        let hint: String
        if let near = columns.nearest(to: name) {
            hint = "did you mean \"\(near)\"?"
        } else {
            hint = "the columns are \(columns.names.map { "\"\($0)\"" }.joined(separator: ", "))"
        }
        fault(at, "no column is named \"\(name)\"; \(hint)")
        return nil
    }

    private mutating func fault(_ at: Int, _ message: String) {
        let before = bytes[..<at]
        let line = before.reduce(into: 1) { if $1 == 0x0A { $0 += 1 } }
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let column = String(decoding: bytes[lineStart..<at], as: UTF8.self).count + 1
        faults.append(ContentFault(part, line: line, column: column, message))
    }
}
