import Testing

@testable import Mail

@Suite("Addresses")
struct AddressTests {
    @Test(
        "well-formed mailboxes are taken apart",
        arguments: [
            ("a@example.com", nil, "a", "example.com", "a@example.com"),
            ("  a@example.com ", nil, "a", "example.com", "a@example.com"),
            ("First.Last+tag@Example.COM", nil, "First.Last+tag", "Example.COM", "first.last+tag@example.com"),
            ("Shop <shop@example.com>", "Shop", "shop", "example.com", "shop@example.com"),
            ("<shop@example.com>", nil, "shop", "example.com", "shop@example.com"),
            ("\"Doe, \\\"J\\\"\" <j@example.com>", "Doe, \"J\"", "j", "example.com", "j@example.com"),
            ("王小明 <wang@例子.测试>", "王小明", "wang", "例子.测试", "wang@xn--fsqu00a.xn--0zwm56d"),
            ("ann@BÜCHER.example", nil, "ann", "BÜCHER.example", "ann@xn--bcher-kva.example"),
            ("ann@xn--bcher-kva.example", nil, "ann", "xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
            ("\"john doe\"@example.com", nil, "\"john doe\"", "example.com", "\"john doe\"@example.com"),
            ("\"a@b\"@example.com", nil, "\"a@b\"", "example.com", "\"a@b\"@example.com"),
            ("a@[192.0.2.1]", nil, "a", "[192.0.2.1]", "a@[192.0.2.1]"),
            ("a@[IPv6:2001:db8::1]", nil, "a", "[IPv6:2001:db8::1]", "a@[ipv6:2001:db8::1]"),
            ("a@localhost", nil, "a", "localhost", "a@localhost"),
            (
                "o'brien!#$%&*+/=?^_`{|}~-@example.com", nil, "o'brien!#$%&*+/=?^_`{|}~-", "example.com",
                "o'brien!#$%&*+/=?^_`{|}~-@example.com"
            ),
        ] as [(String, String?, String, String, String)])
    func wellFormed(text: String, name: String?, local: String, domain: String, key: String) throws {
        let mailbox = try Mailbox(parsing: text)
        #expect(mailbox.displayName == name)
        #expect(mailbox.localPart == local)
        #expect(mailbox.domain == domain)
        #expect(mailbox.key == key)
        #expect(try Mailbox.key(of: text) == key)
    }

    @Test(
        "what is no address is refused with its reason",
        arguments: [
            ("", .empty), ("   ", .empty), ("<>", .empty), ("plain", .noAt), ("@example.com", .noLocalPart),
            ("a@", .noDomain), ("a@b@example.com", .severalAts), ("a b@example.com", .space),
            ("a@exam ple.com", .space), ("a@example.com\n", .controlCharacter),
            ("a@example.com\r\nBcc: x@example.com", .controlCharacter), ("a\0@example.com", .controlCharacter),
            ("a\u{7F}@example.com", .controlCharacter), ("a\u{85}@example.com", .controlCharacter),
            (".a@example.com", .dotInLocalPart), ("a.@example.com", .dotInLocalPart),
            ("a..b@example.com", .dotInLocalPart), ("a@gmail", .noDotInDomain("gmail")),
            ("Name <a@example.com", .unbalancedAngle), ("a@example.com>", .unbalancedAngle),
            ("\"Name <a@example.com>", .unbalancedQuote), ("a@example.com, b@example.com", .severalAddresses),
            ("a@example.com;b@example.com", .severalAddresses), ("a(comment)@example.com", .comment),
            ("a[b]@example.com", .badCharacter("[")), ("a\"b@example.com", .badCharacter("\"")),
            ("a@x.com <b@x.com>", .severalAddresses),
        ] as [(String, AddressError.Reason)])
    func refused(text: String, reason: AddressError.Reason) {
        #expect(throws: AddressError(reason)) { try Mailbox(parsing: text) }
        #expect(Mailbox.fastKey(of: text) == nil)
        #expect(!AddressError(reason).description.isEmpty)
    }

    @Test(
        "a wrong domain is refused",
        arguments: [
            "a@-x.com", "a@x-.com", "a@x..com", "a@.x.com", "a@x.com.", "a@x_y.com", "a@192.0.2.1", "a@x.123",
            "a@[300.1.1.1]", "a@[IPv6:zz]", "a@[1.2.3.4", "a@x!.com", "a@xn--.com", "a@\u{200B}.com",
            "a@" + String(repeating: "x", count: 64) + ".com",
        ])
    func wrongDomain(text: String) {
        #expect(throws: AddressError.self) { try Mailbox(parsing: text) }
        #expect(Mailbox.fastKey(of: text) == nil)
    }

    @Test("lengths are held to the byte")
    func lengths() throws {
        let local = String(repeating: "l", count: 64)
        #expect(try Mailbox(parsing: local + "@example.com").localPart == local)
        #expect(throws: AddressError(.localPartTooLong(65))) { try Mailbox(parsing: "l\(local)@example.com") }
        let label = String(repeating: "d", count: 60)
        let domain = "\(label).\(label).\(label)." + String(repeating: "e", count: 4) + ".com"
        let short = String(repeating: "l", count: 254 - 1 - domain.utf8.count)
        #expect(try Mailbox(parsing: "\(short)@\(domain)").address.utf8.count == 254)
        #expect(throws: AddressError(.addressTooLong(255))) { try Mailbox(parsing: "l\(short)@\(domain)") }
        #expect(Mailbox.fastKey(of: "l\(short)@\(domain)") == nil)
    }

    @Test("only a local part outside ASCII needs SMTPUTF8")
    func smtpUTF8() throws {
        #expect(try Mailbox(parsing: "用户@example.com").needsSMTPUTF8)
        let international = try Mailbox(parsing: "user@bücher.example")
        #expect(!international.needsSMTPUTF8)
        #expect(international.envelopeAddress == "user@xn--bcher-kva.example")
    }

    @Test("the fast path says the same as the full parser, or nothing")
    func fastPathAgrees() throws {
        var random = SeededRandom(1)
        let alphabet = Array("ab.Z9-_@x+ \"<>é\u{1}[n".unicodeScalars)
        var ordinary = 0
        for _ in 0..<60_000 {
            var text = ""
            for _ in 0..<Int.random(in: 1...9, using: &random) {
                text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
            }
            if Bool.random(using: &random) { text += "@e.com" }
            guard let fast = Mailbox.fastKey(of: text) else { continue }
            ordinary += 1
            var parser = MailboxParser(Array(text.utf8))
            let full = try parser.parse()
            #expect(full.key == fast, "\(text)")
        }
        #expect(ordinary > 1000)
    }

    @Test("bytes that are no UTF-8 are refused")
    func notUTF8() {
        var parser = MailboxParser([0x61, 0xFF, 0x40, 0x62, 0x2E, 0x63, 0x6F])
        #expect(throws: AddressError(.notUTF8)) { try parser.parse() }
    }
}
