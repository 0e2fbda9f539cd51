import Mustache

/// A template with sections or comments, rendered by swift-mustache. Values come to it in their final form (`{{{f3}}}`), so that
/// escaping is done in one place, over bytes; sections come as booleans: a column that is not empty.
struct LibraryTemplate: Sendable {
    private let template: MustacheTemplate
    /// Every field that may show.
    let uses: [FieldUse]
    /// The columns that sections ask for.
    let sections: [Int]
    private let markable: Bool

    init(_ source: Template) throws {
        var text = ""
        var uses: [FieldUse] = []
        var sections: Set<Int> = []
        var markable = true
        for item in source.items {
            switch item {
            case .literal(let bytes):
                // Braces in a literal come from Markdown or from an odd template; the library must not see a tag.
                if bytes.contains(1) { markable = false }
                let literal = String(decoding: bytes, as: UTF8.self)
                text += literal.split(separator: "{", omittingEmptySubsequences: false).joined(separator: "{{{brace}}}")
            case .field(let use):
                let slot = uses.firstIndex(of: use) ?? uses.count
                if slot == uses.count { uses.append(use) }
                text += "{{{f\(slot)}}}"
            case .section(let column, let inverted):
                sections.insert(column)
                text += "{{\(inverted ? "^" : "#")s\(column)}}"
            case .end(let column): text += "{{/s\(column)}}"
            case .comment: text += "{{! }}"
            }
        }
        template = try MustacheTemplate(string: text)
        self.uses = uses
        self.sections = sections.sorted()
        self.markable = markable
    }

    /// The rendered bytes.
    func render(_ row: FieldRow) -> [UInt8] {
        var values: [String: Any] = ["brace": "{"]
        for (slot, use) in uses.enumerated() {
            values["f\(slot)"] = String(decoding: row.value(use), as: UTF8.self)
        }
        for column in sections { values["s\(column)"] = !row[column].isEmpty }
        return Array(template.render(values).utf8)
    }

    /// With this many section columns there is a plain template for each combination; with more, the library renders
    /// each message.
    static let variantLimit = 6

    /// What the template is once it is known which section columns are empty: index bit n set says that `sections[n]` is
    /// not. So the library works once a campaign, and a message costs no more than one without sections.
    var variants: [Template]? {
        guard markable, sections.count <= LibraryTemplate.variantLimit else { return nil }
        return (0..<(1 << sections.count)).map { mask in
            var values: [String: Any] = ["brace": "{"]
            for slot in uses.indices { values["f\(slot)"] = "\u{1}\(slot)\u{2}" }
            for (bit, column) in sections.enumerated() { values["s\(column)"] = mask >> bit & 1 == 1 }
            return Template(items: LibraryTemplate.cut(Array(template.render(values).utf8), uses))
        }
    }

    /// Cuts rendered text at the marks that stand for fields.
    private static func cut(_ bytes: [UInt8], _ uses: [FieldUse]) -> [Template.Item] {
        var items: [Template.Item] = []
        for (index, piece) in bytes.split(separator: 1, omittingEmptySubsequences: false).enumerated() {
            var literal = piece
            if index > 0, let end = piece.firstIndex(of: 2) {
                let slot = piece[..<end].reduce(0) { $0 * 10 + Int($1 - 48) }
                items.append(.field(uses[slot]))
                literal = piece[(end + 1)...]
            }
            if !literal.isEmpty { items.append(.literal(Array(literal))) }
        }
        return items
    }

    /// Which variant a row needs.
    static func variant(_ sections: [Int], _ row: FieldRow) -> Int {
        var mask = 0
        for (bit, column) in sections.enumerated() where !row[column].isEmpty { mask |= 1 << bit }
        return mask
    }
}
