import Testing

@testable import Mail

@Suite("Encodings")
struct EncodingTests {
    private let alphabets = [
        "abc .=\n\t", "Grüße, Łódź = … \n", "王小明你好。 a\n", "=_?.-\n\u{1}\u{7F}x", "😀é e\u{301}\u{200B} ",
    ]

    private func quoted(_ text: String) -> [UInt8] {
        var escaped = ByteWriter(capacity: 16)
        var lines = ByteWriter(capacity: 16)
        Array(text.utf8).withUnsafeBufferPointer { QuotedPrintable.escape($0, to: &escaped) }
        var line = QuotedPrintable.Line()
        line.putLines(UnsafeBufferPointer(start: escaped.base, count: escaped.count), to: &lines)
        line.end(to: &lines)
        return lines.array()
    }

    @Test("quoted-printable comes back as it was, in short lines, dots doubled")
    func quotedPrintable() throws {
        var random = SeededRandom(11)
        for round in 0..<2000 {
            let text = random.text(alphabets[round % alphabets.count], 0...400)
            var lines = try ParsedMail.lines(quoted(text))
            for index in lines.indices where lines[index].first == UInt8(ascii: ".") {
                #expect(lines[index].dropFirst().first == UInt8(ascii: "."))
                lines[index].removeFirst()
            }
            #expect(lines.allSatisfy { $0.count <= 76 })
            let back = try ParsedMail.quoted(lines)
            #expect(String(decoding: back.filter { $0 != 0x0D }, as: UTF8.self) == text)
        }
    }

    @Test(
        "quoted-printable at the edges of a line",
        arguments: [
            ("a ", "a=20\r\n"), ("a\t", "a=09\r\n"), ("=", "=3D\r\n"), ("", "\r\n"), (".", "..\r\n"),
            ("é", "=C3=A9\r\n"), (" \n ", "=20\r\n=20\r\n"),
            (String(repeating: "x", count: 75), String(repeating: "x", count: 75) + "\r\n"),
            (String(repeating: "x", count: 76), String(repeating: "x", count: 75) + "=\r\nx\r\n"),
            (String(repeating: "x", count: 74) + "é", String(repeating: "x", count: 74) + "=\r\n=C3=A9\r\n"),
            (String(repeating: "x", count: 74) + " ", String(repeating: "x", count: 74) + "=\r\n=20\r\n"),
            (String(repeating: "x", count: 75) + ".y", String(repeating: "x", count: 75) + "=\r\n..y\r\n"),
        ])
    func quotedEdges(text: String, wire: String) {
        #expect(String(decoding: quoted(text), as: UTF8.self) == wire)
    }

    @Test("Base64 comes back as it was, at every length, in lines of 76")
    func base64() throws {
        var random = SeededRandom(12)
        for count in Array(0...200) + [5700, 5701] {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            var writer = ByteWriter(capacity: 8)
            bytes.withUnsafeBufferPointer { Base64.writeLines($0, to: &writer) }
            let wire = writer.array()
            #expect(wire.count == Base64.lineSize(count))
            let lines = try ParsedMail.lines(wire)
            #expect(lines.allSatisfy { $0.count <= 76 && !$0.isEmpty })
            #expect(try ParsedMail.base64(lines.flatMap { $0 }) == bytes)
        }
    }

    @Test(
        "known vectors of RFC 4648",
        arguments: [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")])
    func vectors(text: String, encoded: String) {
        var writer = ByteWriter(capacity: 8)
        Array(text.utf8).withUnsafeBufferPointer { Base64.write($0, to: &writer) }
        #expect(String(decoding: writer.array(), as: UTF8.self) == encoded)
    }

    @Test("header text comes back as it was, folded, no character cut")
    func headerText() throws {
        var random = SeededRandom(13)
        let alphabets = ["ab c,:?=", "Grüße Łódź a b c d", "王小明 你好a", "=?utf-8?Q? x", "😀 a"]
        for round in 0..<2000 {
            let text = random.text(alphabets[round % alphabets.count], 1...200)
            var writer = ByteWriter(capacity: 8)
            HeaderLine.writeText("Subject", Array(text.utf8), to: &writer)
            let lines = try ParsedMail.lines(writer.array())
            for line in lines {
                #expect(line.contains { $0 != 0x20 }, "an empty fold")
                #expect(!line.contains { $0 >= 0x80 })
                if line.starts(with: " =?utf-8?".utf8) { #expect(line.count <= 76) }
            }
            let value = lines.map { String(decoding: $0, as: UTF8.self) }.joined().dropFirst("Subject: ".count)
            let expected = String(decoding: HeaderLine.cleaned(Array(text.utf8)), as: UTF8.self)
            #expect(try ParsedMail.decodedHeader(String(value)) == expected)
        }
    }

    @Test("plain header text is folded at 78 and stays readable; a word too long for a line is encoded")
    func folding() throws {
        let text = Array(repeating: "word", count: 60).joined(separator: " ")
        var writer = ByteWriter(capacity: 8)
        HeaderLine.writeText("Subject", Array(text.utf8), to: &writer)
        let lines = try ParsedMail.lines(writer.array())
        #expect(lines.count > 3 && lines.allSatisfy { $0.count <= 78 })
        #expect(lines.map { String(decoding: $0, as: UTF8.self) }.joined() == "Subject: " + text)
        var long = ByteWriter(capacity: 8)
        HeaderLine.writeText("Subject", [UInt8](repeating: 0x78, count: 2000), to: &long)
        #expect(try ParsedMail.lines(long.array()).allSatisfy { $0.count <= 76 })
    }

    @Test("line ends and control characters never leave a header value")
    func injection() throws {
        var writer = ByteWriter(capacity: 8)
        HeaderLine.writeText("Subject", Array("Hi\r\nBcc: x@example.com\n\0\u{1B}[2J".utf8), to: &writer)
        #expect(String(decoding: writer.array(), as: UTF8.self) == "Subject: Hi  Bcc: x@example.com   [2J\r\n")
    }

    @Test(
        "display names are quoted or encoded as they need",
        arguments: [
            ("Ann", "From: Ann <a@x.com>"), ("Ann Lee", "From: Ann Lee <a@x.com>"),
            ("Lee, A.", "From: \"Lee, A.\" <a@x.com>"), ("a\"b\\c", "From: \"a\\\"b\\\\c\" <a@x.com>"),
            ("王小明", "From: =?utf-8?B?546L5bCP5piO?= <a@x.com>"),
        ])
    func displayNames(name: String, line: String) {
        var writer = ByteWriter(capacity: 8)
        let mailbox = Mailbox(displayName: name, localPart: "a", domain: "x.com", asciiDomain: "x.com")
        HeaderLine.writeMailbox("From", mailbox, to: &writer)
        #expect(String(decoding: writer.array(), as: UTF8.self) == line + "\r\n")
    }

    @Test("file names outside ASCII, and long ones, follow RFC 2231")
    func fileNames() {
        func parameter(_ name: String) -> String {
            var writer = ByteWriter(capacity: 8)
            FileNameParameter.write("filename", name, to: &writer)
            return String(decoding: writer.array(), as: UTF8.self)
        }
        #expect(parameter("a b.pdf") == ";\r\n filename=\"a b.pdf\"")
        #expect(parameter("价.pdf") == ";\r\n filename*=utf-8''%E4%BB%B7.pdf")
        #expect(parameter("a\"\r\nX: y.pdf") == ";\r\n filename*=utf-8''a%22%20%20X%3A%20y.pdf")
        let long = parameter(String(repeating: "价", count: 20) + ".pdf")
        #expect(long.contains("filename*0*=utf-8''%E4") && long.contains("filename*3*="))
        #expect(long.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 78 })
    }
}
