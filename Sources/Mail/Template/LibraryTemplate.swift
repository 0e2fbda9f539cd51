import Mustache

/// A template with sections, rendered by swift-mustache. Values come to it in their final form (`{{{f3}}}`), so that
/// escaping is done in one place, over bytes; sections come as booleans: a column that is not empty.
struct LibraryTemplate: Sendable {
    private let template: MustacheTemplate
    private let uses: [FieldUse]
    private let sections: [Int]

    init(_ source: Template) throws {
        var text = ""
        var uses: [FieldUse] = []
        var sections: Set<Int> = []
        for item in source.items {
            switch item {
            case .literal(let bytes):
                // Braces in a literal come from Markdown or from an odd template; the library must not see a tag.
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
}
