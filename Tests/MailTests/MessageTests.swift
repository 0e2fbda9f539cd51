import Clock
import FoundationEssentials
import Testing

@testable import Mail

@Suite("Messages")
struct MessageTests {
    private let columns = ["email", "name", "code"]

    private func content(_ text: String? = "Hello {{name}}\n", _ html: String? = nil) -> CampaignContent {
        CampaignContent(from: "Shop <shop@example.com>", subject: "Hi {{name}}", text: text, html: html)
    }

    private func input(_ name: String = "Ann", code: String = "7", email: String = "a@x.com") -> RenderInput {
        RenderInput(
            email: email, fields: [email, name, code].joined(separator: "\u{1F}"), messageID: "<1.2@example.com>",
            date: Timestamp(seconds: 1_767_323_045))
    }

    private func wire(_ content: CampaignContent, _ input: RenderInput) throws -> String {
        String(decoding: try MessagePlan(content, columns: columns).render(input).wire, as: UTF8.self)
    }

    @Test("the smallest message, byte for byte")
    func smallest() throws {
        let message = try MessagePlan(content(), columns: columns).render(input())
        #expect(
            String(decoding: message.wire, as: UTF8.self)
                == [
                    "From: Shop <shop@example.com>", "To: a@x.com", "Subject: Hi Ann",
                    "Date: Fri, 2 Jan 2026 03:04:05 +0000", "Message-ID: <1.2@example.com>", "MIME-Version: 1.0",
                    "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 7bit", "", "Hello Ann", ".",
                    "",
                ].joined(separator: "\r\n"))
        #expect(message.envelopeFrom == "shop@example.com")
        #expect(message.envelopeTo == "a@x.com")
        #expect(message.size == message.wire.count - 3)
        #expect(!message.needs8BitMIME && !message.needsSMTPUTF8)
    }

    @Test("text and HTML come back as written, for any values, in any encoding")
    func roundTrip() throws {
        var random = SeededRandom(31)
        let alphabets = ["ab .=_\n-", "Grüße = Łódź.\n ", "王小明你好。\n", ".\n.", "a\r\nb\u{7F}\u{1}", "= _=\n"]
        for round in 0..<600 {
            let alphabet = alphabets[round % alphabets.count]
            func template() -> String {
                random.text(alphabet, 0...60) + "{{name}}" + random.text(alphabet, 0...200) + "{{code}}"
                    + random.text(alphabet, 0...60)
            }
            let values = (
                random.text(alphabets[Int.random(in: 0..<6, using: &random)], 0...100), random.text(alphabet, 0...9)
            )
            let given = content(template(), round.isMultiple(of: 3) ? nil : template())
            let message = try MessagePlan(given, columns: columns).render(input(values.0, code: values.1))
            let mail = try ParsedMail(wire: message.wire)
            let parts = mail.parts.isEmpty ? [mail] : mail.parts
            func filled(_ template: String, _ escape: Bool) -> String {
                func plain(_ text: String) -> String {
                    var text = text.utf8.elementsEqual([]) ? "" : text
                    text = String(decoding: TemplateScanner.withUnixLines(Array(text.utf8)), as: UTF8.self)
                    return escape
                        ? text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
                        : text
                }
                return String(decoding: TemplateScanner.withUnixLines(Array(template.utf8)), as: UTF8.self)
                    .replacing("{{name}}", with: plain(values.0)).replacing("{{code}}", with: plain(values.1))
            }
            func equal(_ found: String, _ expected: String) -> Bool {
                found.utf8.elementsEqual(expected.utf8) || (found + "\n").utf8.elementsEqual(expected.utf8)
                    || found.utf8.elementsEqual((expected + "\n").utf8)
            }
            #expect(equal(parts[0].text, filled(given.text ?? "", false)), "\(given) \(values)")
            if let html = given.html { #expect(equal(parts[1].text, filled(html, true)), "\(html) \(values)") }
            let subject = try ParsedMail.decodedHeader(mail["Subject"] ?? "")
            let clean = String(
                decoding: HeaderLine.cleaned(TemplateScanner.withUnixLines(Array("Hi \(values.0)".utf8))), as: UTF8.self
            )
            #expect(subject == clean)
        }
    }

    @Test("the encoding follows the content: 7bit, quoted-printable, Base64")
    func encodings() throws {
        func encoding(_ text: String, _ name: String) throws -> String? {
            let wire = try MessagePlan(content(text), columns: columns).render(input(name)).wire
            return try ParsedMail(wire: wire)["Content-Transfer-Encoding"]
        }
        #expect(try encoding("Hello {{name}}", "Ann") == "7bit")
        #expect(try encoding("Hello, dear and valued {{name}}", "Jürgen") == "quoted-printable")
        #expect(try encoding("您好，{{name}}，欢迎您", "王") == "base64")
        #expect(try encoding("{{name}}", "王小明") == "base64")
        #expect(try encoding(String(repeating: "x", count: 999), "Ann") == "quoted-printable")
        #expect(try encoding(String(repeating: "x", count: 990) + "{{name}}", "Ann") == "7bit")
        #expect(try encoding(String(repeating: "x", count: 990) + "{{name}}", "Annabella") == "quoted-printable")
    }

    @Test("nothing in a field can end the message, a part or a header")
    func hostileFields() throws {
        let evil = "x\r\n.\r\nMAIL FROM:<e@x>\n--=_aFFFF\nBcc: v@x.com\u{0}"
        let given = CampaignContent(
            from: "s@example.com", subject: "{{name}}", text: "{{name}}\n", html: "<p>{{name}}</p>\n",
            headers: ["X-Tag": "{{name}}"], unsubscribe: .init(url: "https://x.com/{{name}}"))
        let mail = try ParsedMail(wire: MessagePlan(given, columns: columns).render(input(evil)).wire)
        #expect(mail.headers.map(\.name).filter { $0 == "Bcc" }.isEmpty)
        #expect(mail.parts.count == 2)
        #expect(mail.parts[0].text.contains("\n.\nMAIL FROM:<e@x>\n--=_aFFFF\n"))
        #expect(try ParsedMail.decodedHeader(mail["X-Tag"] ?? "").contains("Bcc: v@x.com"))
        #expect(mail["List-Unsubscribe"]?.contains("Bcc%3A%20v%40x.com%00>") == true)
    }

    @Test("text that holds the boundary itself cannot break the message")
    func boundaryInText() throws {
        let plan = try MessagePlan(content("a {{name}}{{code}}\n", "<p>"), columns: columns)
        let boundary = try #require(
            String(decoding: plan.render(input()).wire, as: UTF8.self).split(separator: "\r\n")
                .first { $0.hasPrefix("--=_a") })
        #expect(boundary.utf8.count == 21)
        for (name, code) in [("\n\(boundary)\n", "x"), ("\n--=", String(boundary.dropFirst(3)))] {
            let mail = try ParsedMail(wire: plan.render(input(name, code: code)).wire)
            #expect(mail.parts.count == 2)
            #expect(mail.parts[0].text.contains(boundary))
        }
    }

    @Test("unsubscribe headers for mail programs (RFC 2369) and one click (RFC 8058)")
    func unsubscribe() throws {
        var given = content()
        given.unsubscribe = .init(
            url: "https://example.com/u?e={{email}}&c={{code}}", mailto: "leave@example.com?subject=bye {{code}}")
        let mail = try ParsedMail(wire: MessagePlan(given, columns: columns).render(input(email: "a+b@x.com")).wire)
        #expect(
            mail["List-Unsubscribe"]
                == "<https://example.com/u?e=a%2Bb%40x.com&c=7>, <mailto:leave@example.com?subject=bye%207>")
        #expect(mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click")
        given.unsubscribe = .init(mailto: "mailto:leave@example.com")
        let plain = try ParsedMail(wire: MessagePlan(given, columns: columns).render(input()).wire)
        #expect(plain["List-Unsubscribe"] == "<mailto:leave@example.com>")
        #expect(plain["List-Unsubscribe-Post"] == nil)
    }

    @Test("all faults of a campaign come at once")
    func allFaults() {
        let given = CampaignContent(
            from: "nobody", replyTo: "x", subject: "{{nam}}", text: "{{cod}}", headers: ["To": "x", "X Y": "z"],
            unsubscribe: .init(url: "ftp://x", mailto: "nix"), attachments: ["a.pdf", "{{nme}}.pdf"])
        let error = #expect(throws: ContentError.self) { try MessagePlan(given, columns: columns) }
        let parts = error?.faults.map(\.part)
        #expect(
            parts == [
                "from", "reply_to", "subject", "text", "header To", "header X Y", "unsubscribe url",
                "unsubscribe mailto", "attachment a.pdf", "attachment {{nme}}.pdf",
            ])
        let empty = #expect(throws: ContentError.self) { try MessagePlan(content(nil), columns: columns) }
        #expect(empty?.faults.map(\.part) == ["message"])
    }

    @Test("a row that does not fit, a bad address and a bad message ID are errors of that one message")
    func renderErrors() throws {
        let plan = try MessagePlan(content(), columns: columns)
        var wrong = input()
        wrong.fields = "a@x.com\u{1F}Ann"
        #expect(throws: RenderError.self) { try plan.render(wrong) }
        #expect(throws: RenderError.self) { try plan.render(input(email: "a@x.com>\r\nRCPT TO:<b@x.com")) }
        for identifier in ["", "x", "<a b@c>", "<a@b>\r\nX: y", "<a@b", "<a@@b>", "<<a@b>>"] {
            wrong = input()
            wrong.messageID = identifier
            #expect(throws: RenderError.self, "\(identifier)") { try plan.render(wrong) }
        }
    }

    @Test("addresses outside ASCII: the domain in A-labels; SMTPUTF8 only for the local part")
    func international() throws {
        let plan = try MessagePlan(content(), columns: columns)
        let domain = try plan.render(input(email: "ann@bücher.example"))
        #expect(domain.envelopeTo == "ann@xn--bcher-kva.example")
        #expect(!domain.needsSMTPUTF8)
        #expect(domain.wire.allSatisfy { $0 < 0x80 })
        let local = try plan.render(input(email: "用户@example.com"))
        #expect(local.needsSMTPUTF8 && local.needs8BitMIME)
        #expect(local.envelopeTo == "用户@example.com")
    }

    @Test("attachments: one for all is loaded once, one a recipient by its name; names and bytes come back")
    func attachments() throws {
        var given = content("Hi {{name}}", "<p>Hi")
        given.attachments = ["files/price list.pdf", "合同-{{code}}.docx"]
        let bytes = (0..<1000).map { UInt8($0 & 255) }
        let plan = try MessagePlan(given, columns: columns) { name in
            AttachmentBytes(name.hasSuffix(".pdf") ? bytes : Array(name.utf8))
        }
        #expect(plan.attachmentSize > 1333)
        let mail = try ParsedMail(wire: plan.render(input()).wire)
        #expect(mail["Content-Type"]?.hasPrefix("multipart/mixed") == true)
        #expect(mail.parts.count == 3)
        #expect(mail.parts[0].parts.count == 2)
        #expect(mail.parts[1].content == bytes)
        #expect(mail.parts[1]["Content-Type"] == "application/pdf; name=\"price list.pdf\"")
        #expect(mail.parts[1]["Content-Disposition"] == "attachment; filename=\"price list.pdf\"")
        #expect(mail.parts[2].content == Array("合同-7.docx".utf8))
        #expect(mail.parts[2]["Content-Disposition"] == "attachment; filename*=utf-8''%E5%90%88%E5%90%8C-7.docx")
        for code in ["../../etc/passwd", ".hidden", "a\\b"] {
            #expect(throws: RenderError.self) { try plan.render(input(code: code)) }
        }
        given.attachments = ["{{#code}}{{code}}{{/code}}.pdf"]
        let sectioned = try MessagePlan(given, columns: columns) { AttachmentBytes(Array($0.utf8)) }
        #expect(try ParsedMail(wire: sectioned.render(input()).wire).parts[1].content == Array("7.pdf".utf8))
        #expect(throws: RenderError.self) { try sectioned.render(input(code: "../x")) }
        let preview = try plan.preview(input())
        #expect(preview.attachments.map(\.size) == [1000, 13])
    }

    @Test("the hash is equal only where the rendered texts are")
    func hashes() throws {
        let plan = try MessagePlan(content("Hello {{name}}"), columns: columns)
        let ann = try plan.render(input("Ann", code: "1", email: "a@x.com"))
        let other = try plan.render(input("Ann", code: "2", email: "b@x.com"))
        let bob = try plan.render(input("Bob"))
        #expect(ann.hash == other.hash)
        #expect(ann.hash != bob.hash)
        #expect(try MessagePlan(content("Dear {{name}}"), columns: columns).render(input("Ann")).hash != ann.hash)
        let sections = try MessagePlan(content("{{#code}}x{{/code}}"), columns: columns)
        #expect(try sections.render(input(code: "1")).hash == sections.render(input(code: "2")).hash)
        #expect(try sections.render(input(code: "1")).hash != sections.render(input(code: "")).hash)
    }

    @Test("the same message has the same bytes; the preview and the unstuffed form say what is in it")
    func forms() throws {
        var given = content(".dot {{name}}\n..\n")
        given.replyTo = "王 <r@example.com>"
        let plan = try MessagePlan(given, columns: columns)
        let first = try plan.render(input("Zoë"))
        #expect(try plan.render(input("Zoë")).wire == first.wire)
        let plain = String(decoding: first.unstuffed, as: UTF8.self)
        #expect(plain.hasSuffix("\r\n\r\n.dot Zo=C3=AB\r\n..\r\n"))
        let preview = try plan.preview(input("Zoë"))
        #expect(
            preview.description == "From: Shop <shop@example.com>\nTo: a@x.com\nReply-To: 王 <r@example.com>\n"
                + "Subject: Hi Zoë\n\n.dot Zoë\n..\n")
    }

    @Test("a campaign's content has one JSON form and one hash, which file names do not touch")
    func contentForm() throws {
        var given = content("Hi", "<p>")
        given.headers = ["B": "2", "A": "1"]
        given.attachmentHashes = ["a.pdf": "00"]
        let bytes = try given.encoded()
        #expect(try CampaignContent(decoding: bytes) == given)
        #expect(try CampaignContent(decoding: bytes).encoded() == bytes)
        var named = given
        named.sourceNames = .init(text: "message.txt")
        #expect(try named.hash == given.hash)
        named.subject = "Hi {{name}}!"
        #expect(try named.hash != given.hash)
        #expect(
            try Digest.sha256(Array("abc".utf8))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }
}
