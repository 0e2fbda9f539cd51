import Clock
import Testing

@testable import Mail

@Suite("Markdown")
struct MarkdownTests {
    private func render(_ source: String, _ columns: [String], _ values: [String]) throws -> (
        text: String, html: String
    ) {
        let content = CampaignContent(from: "a@x.com", subject: "s", markdown: source)
        let plan = try MessagePlan(content, columns: columns)
        let input = RenderInput(
            email: "b@x.com", fields: values.joined(separator: "\u{1F}"), messageID: "<1@x.com>",
            date: Timestamp(seconds: 0))
        let preview = try plan.preview(input)
        return (preview.text ?? "", preview.html ?? "")
    }

    @Test("headings, emphasis, lists, links, code, quotes and tables make HTML and text that reads well")
    func rendition() throws {
        let source = """
            # Hello {{name}}

            Some **bold**, *fine* and ~~old~~ words,
            [a link](https://example.com/a) and <https://example.com/b>.

            - one
            - two
              1. inner
              2. more

            > quoted {{name}}
            > text

                code {{name}}

            | a | b |
            |---|---|
            | 1 | {{name}} |

            ---
            End
            """
        let (text, html) = try render(source, ["email", "name"], ["b@x.com", "Ann"])
        #expect(
            text == """
                Hello Ann
                \(String(repeating: "=", count: text.split(separator: "\n")[1].count))

                Some *bold*, _fine_ and ~old~ words,
                a link (https://example.com/a) and https://example.com/b.

                - one
                - two
                  1. inner
                  2. more

                > quoted Ann
                > text

                    code Ann

                a | b
                --- | ---
                1 | Ann

                ----------------------------------------

                End

                """)
        #expect(html.contains("<h1>Hello Ann</h1>"))
        #expect(html.contains("<del>old</del>"))
        #expect(html.contains("<a href=\"https://example.com/a\">a link</a>"))
        #expect(html.contains("<td>Ann</td>"))
        #expect(html.contains("charset=\"utf-8\""))
    }

    @Test("a field's own Markdown and HTML are neutral, wherever it stands")
    func neutral() throws {
        let evil = "<script>x</script> **b** [l](http://evil.example) `c` | {{name}}"
        let (text, html) = try render(
            "Hi {{name}}\n\n`{{name}}`\n\n# {{name}}\n\n> {{name}}", ["email", "name"], ["b@x.com", evil])
        #expect(text.hasPrefix("Hi \(evil)\n"))
        #expect(!html.contains("<script>"))
        #expect(!html.contains("<strong>"))
        #expect(!html.contains("href"))
        #expect(html.contains("Hi &lt;script&gt;x&lt;/script&gt; **b** [l](http://evil.example) `c` | {{name}}</p>"))
    }

    @Test("fields in link addresses are percent-encoded")
    func addresses() throws {
        let source = "[a](https://x.com/{{name}}/p?e={{email}}) [b]({{name}}) https://x.com/u?e={{email}}"
        let (text, html) = try render(source, ["email", "name"], ["a+b@x.com", "\"><b> &é"])
        #expect(html.contains("href=\"https://x.com/%22%3E%3Cb%3E%20&amp;%C3%A9/p?e=a%2Bb%40x.com\""))
        #expect(html.contains("href=\"%22%3E%3Cb%3E%20&amp;%C3%A9\""))
        #expect(html.contains("href=\"https://x.com/u?e=a%2Bb%40x.com\""))
        #expect(text.contains("/p?e=a%2Bb%40x.com)"))
        #expect(text.contains(" https://x.com/u?e=a%2Bb%40x.com\n"))
    }

    @Test("sections work around paragraphs and within lines; triple braces give HTML as it is")
    func sections() throws {
        let source = "Hi{{#name}} {{name}}{{/name}}\n\n{{#vip}}\n\nThank you, *{{vip}}*\n\n{{/vip}}\n\nBye {{{name}}}"
        let full = try render(source, ["email", "name", "vip"], ["", "<i>A</i>", "gold"])
        #expect(full.text == "Hi <i>A</i>\n\nThank you, _gold_\n\nBye <i>A</i>\n")
        #expect(full.html.contains("<p>Thank you, <em>gold</em></p>"))
        #expect(full.html.contains("<p>Hi &lt;i&gt;A&lt;/i&gt;</p>"))
        #expect(full.html.contains("<p>Bye <i>A</i></p>"))
        let none = try render(source, ["email", "name", "vip"], ["", "A", ""])
        #expect(none.text == "Hi A\n\nBye A\n")
        #expect(!none.html.contains("Thank") && !none.html.contains("<p></p>"))
    }

    @Test("faults name the Markdown file's own line and column")
    func faults() {
        let content = CampaignContent(
            from: "a@x.com", subject: "s", markdown: "# Hi\n\n*x* {{nam}}", sourceNames: .init(markdown: "message.md"))
        let error = #expect(throws: ContentError.self) { try MessagePlan(content, columns: ["email", "name"]) }
        #expect(
            error?.description == "message.md, line 3, column 5: no column is named \"nam\"; did you mean \"name\"?")
    }

    @Test("text that looks like a token, and braces, come through")
    func tokens() throws {
        let (text, html) = try render("zq zqT0E \\{\\{name}} {{name}} {", ["email", "name"], ["", "A"])
        #expect(text == "zq zqT0E {{name}} A {\n")
        #expect(html.contains("<p>zq zqT0E {{name}} A {</p>"))
    }

    @Test("many threads may compile Markdown at once")
    func threads() async throws {
        let columns = ["email", "name"]
        let html = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<64 {
                group.addTask {
                    try self.render("see https://x.com/u?e={{email}} ~~old~~", columns, ["a+b@x.com", ""]).html
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(html.count == 1)
        #expect(html.first?.contains("href=\"https://x.com/u?e=a%2Bb%40x.com\"") == true)
        #expect(html.first?.contains("<del>old</del>") == true)
    }
}
