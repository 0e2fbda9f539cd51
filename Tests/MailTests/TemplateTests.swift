import Mustache
import Testing

@testable import Mail

@Suite("Templates")
struct TemplateTests {
    private func faults(_ source: String, columns: [String] = ["email", "name", "first name", "城市"]) -> [String] {
        var faults: [ContentFault] = []
        _ = Template(source, part: "message.txt", form: .plain, columns: ColumnNames(columns), faults: &faults)
        return faults.map(\.description)
    }

    @Test("every fault is found, with its place and the name that was meant")
    func allFaults() {
        let found = faults(
            "Hi {{nmae}},\n王 {{{ frist name }}}\n{{城}}{{>part}}\n{{/name}}{{}}{{#name}}\n{{zzzzzz}} {{name")
        #expect(
            found == [
                "message.txt, line 1, column 4: no column is named \"nmae\"; did you mean \"name\"?",
                "message.txt, line 2, column 3: no column is named \"frist name\"; did you mean \"first name\"?",
                "message.txt, line 3, column 1: no column is named \"城\"; did you mean \"城市\"?",
                "message.txt, line 3, column 6: {{>…}} (partials, blocks, other delimiters) is not supported; "
                    + "use {{column}} and {{#column}}…{{/column}}",
                "message.txt, line 4, column 1: {{/name}} closes a section that was not opened",
                "message.txt, line 4, column 10: an empty placeholder; put a column's name in it",
                "message.txt, line 5, column 1: no column is named \"zzzzzz\"; the columns are \"email\", \"name\", "
                    + "\"first name\", \"城市\"",
                "message.txt, line 5, column 12: {{ is not closed",
            ])
        #expect(faults("{{#name}}x").first?.contains("{{#name}} is not closed") == true)
        #expect(faults("{{#name}}x{{/email}}").first?.contains("{{/email}} where {{/name}} is due") == true)
        #expect(faults("{{name}} {{ first name }} {{城市}} {{&email}} {{!anything}} } }} {") == [])
    }

    @Test("{{email}} finds the address column whatever it is called")
    func emailAlias() {
        #expect(faults("{{email}} {{邮箱}}", columns: ["邮箱"]) == [])
        #expect(faults("{{email}}", columns: ["name"]).count == 1)
    }

    private func text(_ source: String, _ form: FieldForm, _ columns: [String], _ values: [String]) throws -> String {
        var faults: [ContentFault] = []
        var slots: [FieldUse] = []
        let template = Template(source, part: "t", form: form, columns: ColumnNames(columns), faults: &faults)
        let part = PartProgram(template, part: "t", subtype: "plain", slots: &slots, faults: &faults)
        try #require(faults.isEmpty, "\(faults)")
        return Array(values.joined(separator: "\u{1F}").utf8).withUnsafeBufferPointer { bytes in
            let row = FieldRow(bytes, columns: columns.count)
            return part.text(FieldValues(slots, row: row), row)
        }
    }

    @Test("the compiled form says what the library says, for many random templates")
    func sameAsLibrary() throws {
        var random = SeededRandom(21)
        let columns = ["a", "b", "c"]
        for round in 0..<1500 {
            var source = ""
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                let name = columns[Int.random(in: 0..<3, using: &random)]
                switch Int.random(in: 0...4, using: &random) {
                case 0: source += "{{\(name)}}"
                case 1: source += "{{{ \(name) }}}"
                case 2: source += "{{& \(name)}}"
                default: source += random.text("xy <>&'\"\n}=.é王", 0...10)
                }
            }
            // The library drops blanks at the very end of a template.
            source += "."
            let values = columns.map { _ in random.text("v<&>\"' é\n{}", 0...6) }
            let context = Dictionary(uniqueKeysWithValues: zip(columns, values))
            let html = round.isMultiple(of: 2)
            // The dot keeps the pragma from taking the template's first line end with it.
            let library = try MustacheTemplate(string: "{{% CONTENT_TYPE:\(html ? "HTML" : "TEXT")}}." + source)
            let expected = library.render(context).dropFirst()
            let found = try text(source, html ? .html : .plain, columns, values)
            // A part always ends its last line.
            #expect(found == expected + "\n", "\(String(reflecting: source)) \(values)")
        }
    }

    @Test("sections stand only when their column is not empty")
    func sections() throws {
        let source = "Hi{{#name}} {{.}}{{/name}}{{^name}} friend{{/name}}!\n{{#城市}}\nIn {{城市}}\n{{/城市}}\nBye\n"
        let columns = ["name", "城市"]
        #expect(try text(source, .plain, columns, ["Ann", "Oslo"]) == "Hi Ann!\nIn Oslo\nBye\n")
        #expect(try text(source, .plain, columns, ["", ""]) == "Hi friend!\nBye\n")
        #expect(try text(source, .html, columns, ["<b>", "&"]) == "Hi &lt;b&gt;!\nIn &amp;\nBye\n")
        #expect(try text("{{#name}}{ {{name}}{{/name}} }}", .plain, columns, ["{{x}}", ""]) == "{ {{x}} }}\n")
    }

    @Test("many section columns give the same text as few: by the library, message by message")
    func manySections() throws {
        let columns = (0..<8).map { "c\($0)" }
        let source = columns.map { "{{#\($0)}}\n[{{\($0)}}]\n{{/\($0)}}\n{{^\($0)}}-{{/\($0)}}" }.joined()
        for mask in [0, 1, 0x55, 0xFF] {
            let values = (0..<8).map { mask >> $0 & 1 == 1 ? "v\($0)" : "" }
            let whole = try text(source, .plain, columns, values)
            let parts = try (0..<8).map { index in
                let name = columns[index]
                return try text(
                    "{{#\(name)}}\n[{{\(name)}}]\n{{/\(name)}}\n{{^\(name)}}-{{/\(name)}}", .plain, columns, values)
            }
            #expect(whole.filter { $0 != "\n" } == parts.joined().filter { $0 != "\n" })
            #expect(whole.contains("[v0]") == (mask & 1 == 1))
        }
    }

    @Test("a combining mark behind a bracket does not keep it from being escaped")
    func combining() throws {
        let sectioned = "{{#a}}{{a}}{{/a}}"
        for source in ["{{a}}", sectioned] {
            #expect(try text(source, .html, ["a"], ["<\u{301}script>"]).hasPrefix("&lt;\u{301}script&gt;"))
        }
    }
}
