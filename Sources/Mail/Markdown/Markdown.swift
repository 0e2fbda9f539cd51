import CCmark
import Glibc
import Synchronization

/// A Markdown message (CommonMark with tables, strikethrough and autolinks) as two templates. It is read once a
/// campaign, with a token in the place of each tag; so what a field holds is never read as Markdown.
struct Markdown {
    let text: Template
    let html: Template

    /// cmark-gfm keeps the special characters of extensions in tables of the process while it parses.
    private static let parsing = Mutex(())
    private static let registered: Void = cmark_gfm_core_extensions_ensure_registered()
    private static let extensions = ["table", "strikethrough", "autolink"]

    init(_ source: String, part: String, columns: ColumnNames, faults: inout [ContentFault]) {
        let template = Template(source, part: part, form: .html, columns: columns, faults: &faults)
        let tokens = MarkdownTokens(template, source: source)
        guard let parser = Markdown.parser(), let document = Markdown.parse(tokens.source, parser) else {
            faults.append(ContentFault(part, "the Markdown cannot be read: out of memory"))
            text = template
            html = template
            return
        }
        defer {
            cmark_node_free(document)
            cmark_parser_free(parser)
        }
        Markdown.markAddresses(document, tokens)
        let options = CMARK_OPT_UNSAFE | CMARK_OPT_VALIDATE_UTF8
        var body = ""
        if let rendered = cmark_render_html(document, options, cmark_parser_get_syntax_extensions(parser)) {
            body = String(cString: rendered)
            free(rendered)
        }
        html = Template(items: tokens.items(Markdown.page(body), paragraphs: true) { $0.inHTML })
        var plain = MarkdownText(tokens)
        plain.write(document)
        text = Template(items: tokens.items(plain.result, paragraphs: false) { $0.inText })
    }

    private static func parser() -> OpaquePointer? {
        _ = registered
        guard let parser = cmark_parser_new(CMARK_OPT_UNSAFE | CMARK_OPT_VALIDATE_UTF8) else { return nil }
        for name in extensions {
            if let found = cmark_find_syntax_extension(name) {
                cmark_parser_attach_syntax_extension(parser, found)
            }
        }
        return parser
    }

    private static func parse(
        _ source: String, _ parser: OpaquePointer
    ) -> OpaquePointer? {
        // The pointer leaves the lock; the tree it names belongs to this caller alone.
        let document = parsing.withLock { _ in
            cmark_parser_feed(parser, source, source.utf8.count)
            return UInt(bitPattern: cmark_parser_finish(parser))
        }
        return OpaquePointer(bitPattern: document)
    }

    /// Values inside link addresses need percent-encoding: their tokens are told apart.
    private static func markAddresses(_ document: OpaquePointer, _ tokens: MarkdownTokens) {
        guard let iterator = cmark_iter_new(document) else { return }
        defer { cmark_iter_free(iterator) }
        while true {
            let event = cmark_iter_next(iterator)
            if event == CMARK_EVENT_DONE { return }
            guard event == CMARK_EVENT_ENTER, let node = cmark_iter_get_node(iterator) else { continue }
            let type = cmark_node_get_type(node)
            guard type == CMARK_NODE_LINK || type == CMARK_NODE_IMAGE, let url = cmark_node_get_url(node) else {
                continue
            }
            let address = String(cString: url)
            let marked = tokens.asAddress(address)
            if marked != address { cmark_node_set_url(node, marked) }
        }
    }

    private static func page(_ body: String) -> String {
        """
        <!DOCTYPE html>
        <html>
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        </head>
        <body style="font-family: sans-serif; line-height: 1.5; max-width: 40em">
        \(body)</body>
        </html>

        """
    }
}
