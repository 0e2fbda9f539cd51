/// A campaign's texts as templates, whichever of `text`, `html` and `markdown` it has.
struct BodyTemplates {
    private(set) var text: Template?
    private(set) var html: Template?
    let textName: String
    let htmlName: String

    init(_ content: CampaignContent, columns: ColumnNames, faults: inout [ContentFault]) {
        let markdownName = content.sourceNames?.markdown ?? "markdown"
        textName = content.sourceNames?.text ?? (content.text == nil ? markdownName : "text")
        htmlName = content.sourceNames?.html ?? (content.html == nil ? markdownName : "html")
        if let source = content.markdown {
            let markdown = Markdown(source, part: markdownName, columns: columns, faults: &faults)
            text = markdown.text
            html = markdown.html
        }
        if let source = content.text {
            text = Template(source, part: textName, form: .plain, columns: columns, faults: &faults)
        }
        if let source = content.html {
            html = Template(source, part: htmlName, form: .html, columns: columns, faults: &faults)
        }
        if text == nil, html == nil {
            faults.append(ContentFault("message", "there is none; give the campaign a text, html or markdown file"))
        }
        for (name, source) in [(textName, content.text), (htmlName, content.html), (markdownName, content.markdown)] {
            if let source, source.utf8.contains(0) {
                faults.append(ContentFault(name, "it holds a NUL byte; save it as UTF-8 text"))
            }
        }
    }
}
