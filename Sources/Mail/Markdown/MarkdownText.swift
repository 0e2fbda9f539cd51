import CCmark

/// Writes a Markdown document as plain text that reads well: addresses behind their words, lists, quotes and tables
/// by simple marks, paragraphs with the author's own line ends.
struct MarkdownText {
    typealias Node = OpaquePointer

    private(set) var result = ""
    private let tokens: MarkdownTokens

    init(_ tokens: MarkdownTokens) { self.tokens = tokens }

    mutating func write(_ document: Node) {
        result = blocks(document)
        while result.hasSuffix("\n\n") { result.removeLast() }
        if !result.hasSuffix("\n") { result += "\n" }
    }

    private func children(_ node: Node) -> [Node] {
        var list: [Node] = []
        var next = cmark_node_first_child(node)
        while let child = next {
            list.append(child)
            next = cmark_node_next(child)
        }
        return list
    }

    private func type(_ node: Node) -> String { String(cString: cmark_node_get_type_string(node)) }
    private func literal(_ node: Node) -> String { cmark_node_get_literal(node).map { String(cString: $0) } ?? "" }

    /// The blocks in a container, an empty line between them.
    private func blocks(_ container: Node) -> String {
        var text = ""
        for node in children(container) {
            let block = block(node)
            if block.isEmpty { continue }
            if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
            text += block
            // A section tag on a line of its own vanishes with its line; no empty line must stay behind.
            text += tokens.isSection(block) ? "\n" : "\n\n"
        }
        while text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    private func block(_ node: Node) -> String {
        switch type(node) {
        case "paragraph": return inlines(node)
        case "heading":
            let text = inlines(node)
            let mark = cmark_node_get_heading_level(node) == 1 ? "=" : "-"
            // The width of a name is not known here; a short rule looks right under any.
            return text + "\n" + String(repeating: mark, count: max(3, min(40, text.count)))
        case "block_quote": return indented(blocks(node), first: "> ", other: "> ")
        case "list": return list(node)
        case "code_block":
            var code = literal(node)
            while code.hasSuffix("\n") { code.removeLast() }
            return indented(code, first: "    ", other: "    ")
        case "thematic_break": return String(repeating: "-", count: 40)
        case "html_block": return ""
        case "table": return table(node)
        default: return blocks(node)
        }
    }

    private func list(_ node: Node) -> String {
        let ordered = cmark_node_get_list_type(node) == CMARK_ORDERED_LIST
        var number = Int(cmark_node_get_list_start(node))
        let tight = cmark_node_get_list_tight(node) != 0
        var items: [String] = []
        for item in children(node) {
            let mark = ordered ? "\(number). " : "- "
            number += 1
            let text = tight ? children(item).map { block($0) }.joined(separator: "\n") : blocks(item)
            items.append(indented(text, first: mark, other: String(repeating: " ", count: mark.count)))
        }
        return items.joined(separator: tight ? "\n" : "\n\n")
    }

    private func table(_ node: Node) -> String {
        var lines: [String] = []
        for (index, row) in children(node).enumerated() {
            let cells = children(row).map { inlines($0) }
            lines.append(cells.joined(separator: " | "))
            if index == 0 {
                lines.append(cells.map { String(repeating: "-", count: max(3, $0.count)) }.joined(separator: " | "))
            }
        }
        return lines.joined(separator: "\n")
    }

    private func indented(_ text: String, first: String, other: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for index in lines.indices {
            let mark = index == 0 ? first : other
            lines[index] = lines[index].isEmpty ? String(mark.prefix { $0 != " " }) : mark + lines[index]
        }
        return lines.joined(separator: "\n")
    }

    private func inlines(_ node: Node) -> String { children(node).map { inline($0) }.joined() }

    private func inline(_ node: Node) -> String {
        switch type(node) {
        case "text", "code": return literal(node)
        case "softbreak", "linebreak": return "\n"
        case "emph": return "_\(inlines(node))_"
        case "strong": return "*\(inlines(node))*"
        case "strikethrough": return "~\(inlines(node))~"
        case "html_inline": return literal(node).lowercased().hasPrefix("<br") ? "\n" : ""
        case "link":
            let text = inlines(node)
            let address = cmark_node_get_url(node).map { String(cString: $0) } ?? ""
            let bare = tokens.unmarked(address)
            if bare == text || bare == "mailto:\(text)" || bare == "http://\(text)" {
                return bare == text ? address : text
            }
            return address.isEmpty ? text : "\(text) (\(address))"
        case "image":
            let text = inlines(node)
            return text.isEmpty ? "" : "[\(text)]"
        default: return inlines(node)
        }
    }
}
