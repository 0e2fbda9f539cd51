/// Words that stand for tags while Markdown is read: letters and digits only, so that they pass through text, code and
/// addresses unchanged, and with a beginning that the source does not contain.
struct MarkdownTokens {
    /// Where a token stands.
    enum Place {
        case text
        /// Part of a link's address: at its front or in its path, or behind `?` or `#`.
        case link, query
    }

    /// The source with tokens.
    let source: String
    private let prefix: String
    private var tags: [Template.Item] = []

    init(_ template: Template, source original: String) {
        var prefix = "zq"
        while original.contains(prefix) { prefix += "vjx" }
        self.prefix = prefix
        var text = ""
        for item in template.items {
            switch item {
            case .literal(let bytes): text += String(decoding: bytes, as: UTF8.self)
            case .comment: break
            default:
                text += "\(prefix)T\(tags.count)E"
                tags.append(item)
            }
        }
        source = text
    }

    /// An address with its tokens marked as parts of one.
    func asAddress(_ address: String) -> String {
        guard address.contains(prefix) else { return address }
        var result = ""
        var query = false
        var rest = address[...]
        while let range = rest.firstRange(of: prefix + "T") {
            let before = rest[..<range.lowerBound]
            query = query || before.contains("?") || before.contains("#")
            result += before + prefix + (query ? "Q" : "L")
            rest = rest[range.upperBound...]
        }
        return result + rest
    }

    /// The same text with all tokens alike, to see whether a link's text is its address.
    func unmarked(_ text: String) -> String {
        text.split(separator: prefix + "L", omittingEmptySubsequences: false).joined(separator: prefix + "T")
            .split(separator: prefix + "Q", omittingEmptySubsequences: false).joined(separator: prefix + "T")
    }

    /// Whether a text is one section tag alone.
    func isSection(_ text: String) -> Bool {
        guard text.hasPrefix(prefix), let tag = tag(text.utf8.dropFirst(prefix.utf8.count)), tag.rest.isEmpty else {
            return false
        }
        if case .field = tag.item { return false }
        return true
    }

    private func tag(_ text: Substring.UTF8View) -> (item: Template.Item, place: Place, rest: Substring.UTF8View)? {
        var rest = text
        let place: Place
        switch rest.popFirst() {
        case UInt8(ascii: "T"): place = .text
        case UInt8(ascii: "L"): place = .link
        case UInt8(ascii: "Q"): place = .query
        default: return nil
        }
        var number = 0
        while let digit = rest.first, digit >= 48, digit < 58 {
            number = number * 10 + Int(digit - 48)
            rest.removeFirst()
        }
        guard rest.popFirst() == UInt8(ascii: "E"), tags.indices.contains(number) else { return nil }
        return (tags[number], place, rest)
    }

    /// Cuts rendered text at the tokens.
    /// - Parameter paragraphs: a section tag that became an HTML paragraph of its own loses it.
    /// - Parameter form: the form of a field, by its place and whether it was asked for unescaped.
    func items(
        _ rendered: String, paragraphs: Bool, form: (FieldPlace) -> FieldForm
    ) -> [Template.Item] {
        var items: [Template.Item] = []
        var rest = rendered[...]
        while let range = rest.firstRange(of: prefix) {
            var before = String(rest[..<range.lowerBound])
            guard let found = tag(rest[range.upperBound...].utf8) else {
                before += prefix
                items.append(.literal(Array(before.utf8)))
                rest = rest[range.upperBound...]
                continue
            }
            rest = Substring(found.rest)
            switch found.item {
            case .field(let use):
                items.append(.literal(Array(before.utf8)))
                let place = FieldPlace(place: found.place, unescaped: use.form == .plain)
                items.append(.field(FieldUse(column: use.column, form: form(place))))
            default:
                if paragraphs, before.hasSuffix("<p>"), rest.hasPrefix("</p>\n") {
                    before.removeLast(3)
                    rest = rest.dropFirst(5)
                }
                items.append(.literal(Array(before.utf8)))
                items.append(found.item)
            }
        }
        items.append(.literal(Array(rest.utf8)))
        return items.filter { $0 != .literal([]) }
    }

    /// A field's place in the rendered text.
    struct FieldPlace {
        let place: Place
        let unescaped: Bool

        var inHTML: FieldForm {
            switch place {
            case .text: unescaped ? .plain : .html
            case .link: .link
            case .query: .url
            }
        }

        var inText: FieldForm { place == .query ? .url : .plain }
    }
}
