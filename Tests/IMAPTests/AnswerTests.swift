import Testing

@testable import IMAP

@Suite("IMAP answers")
struct AnswerTests {
    private func answer(_ line: String, _ literals: String...) -> IMAPResponse {
        var parser = IMAPParser(Array(line.utf8), literals: literals.map { Array($0.utf8) })
        return IMAPResponse(values: parser.values())
    }

    @Test("a fetch with a literal in the middle keeps what stands behind it")
    func fetch() {
        let fetch = answer(
            #"7 FETCH (UID 12 BODY[HEADER.FIELDS (MESSAGE-ID)]<0> {20} INTERNALDATE "30-Nov-2026 08:00:00 +0000")"#,
            "Message-ID: <a)(b>\r\n")
        #expect(fetch.name == "FETCH")
        #expect(fetch.item("UID")?.string == "12")
        #expect(fetch.item("BODY")?.string == "Message-ID: <a)(b>\r\n")
        #expect(fetch.item("INTERNALDATE")?.string == "30-Nov-2026 08:00:00 +0000")
    }

    @Test("folders: attributes, separator, a quoted name with quotes in it, a name as a literal")
    func list() {
        let quoted = answer(#"LIST (\HasNoChildren \Sent) "/" "a \"b\" \\c""#)
        #expect(quoted.name == "LIST")
        #expect(quoted.values[1].items.map(\.string) == ["\\HasNoChildren", "\\Sent"])
        #expect(quoted.values[3].string == #"a "b" \c"#)
        #expect(answer("LIST () NIL {3}", "x y").values[3].string == "x y")
    }

    @Test(
        "garbage is taken apart without a trap",
        arguments: [
            "", "(", ")", "((((", "\"", "\"\\", "{", "{5}", "{x}", "BODY[", "BODY[(", "1 FETCH (BODY {9})", "* * *",
        ])
    func garbage(_ line: String) {
        let taken = answer(line)
        #expect(taken.item("BODY")?.bytes == nil || line.contains("{9}"))
    }

    @Test("brackets that never close are taken apart without a trap", arguments: [("(", 50_000), ("[", 5_000)])
    func deep(_ bracket: String, _ count: Int) {
        #expect(answer(String(repeating: bracket, count: count) + ") (").item("BODY") == nil)
    }

    @Test(
        "names of folders in modified UTF-7, there and back",
        arguments: [
            ("已发送", "&XfJT0ZAB-"), ("Sent Messages", "Sent Messages"), ("A&B", "A&-B"),
            ("[Gmail]/Sent", "[Gmail]/Sent"),
            ("其他文件夹/📮", "&UXZO1mWHTvZZOQ-/&2D3c7g-"), ("é", "&AOk-"), ("", ""),
        ])
    func names(_ name: String, _ wire: String) {
        #expect(String(decoding: FolderName.encoded(name), as: UTF8.self) == wire)
        #expect(FolderName.decoded(Array(wire.utf8)) == name)
    }

    @Test("a name that is no modified UTF-7 is shown as it is", arguments: ["&", "a&b", "&!!-", "已发送"])
    func oddNames(_ name: String) { #expect(FolderName.decoded(Array(name.utf8)) == name) }
}
