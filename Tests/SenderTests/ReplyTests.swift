import Testing

@testable import Sender

private func parse(_ text: String, chunk: Int = .max) -> (steps: [ReplyBuffer.Step], replies: [Reply]) {
    var buffer = ReplyBuffer()
    var steps: [ReplyBuffer.Step] = []
    var replies: [Reply] = []
    var rest = Array(text.utf8)[...]
    repeat {
        let part = Array(rest.prefix(chunk))
        rest = rest.dropFirst(part.count)
        part.withUnsafeBytes { buffer.append($0) }
        reading: while true {
            let step = buffer.next()
            if case .reply(let code) = step {
                steps.append(step)
                replies.append(buffer.take(code))
            } else {
                if step != .needMore { steps.append(step) }
                break reading
            }
        }
    } while !rest.isEmpty
    return (steps, replies)
}

@Suite("Replies of a server")
struct ReplyTests {
    @Test("a reply in one piece or byte by byte is the same", arguments: [1, 2, 3, 7, 1000])
    func chunks(_ size: Int) {
        let text =
            "250-mx.example\r\n250-PIPELINING\r\n250 SIZE 100\r\n354 go\r\n550-5.1.1 No such\r\n550 5.1.1 user\r\n"
        let (steps, replies) = parse(text, chunk: size)
        #expect(steps == [.reply(250), .reply(354), .reply(550)])
        #expect(replies[0].text == "mx.example PIPELINING SIZE 100")
        #expect(replies[2] == Reply(code: 550, enhanced: "5.1.1", text: "No such user"))
        #expect(replies[2].line == "550 5.1.1 No such user")
    }

    @Test("a bare code, a bare LF and an empty text are taken")
    func shortForms() {
        #expect(parse("250\r\n").replies == [Reply(code: 250, text: "")])
        #expect(parse("220 hi\n250 \r\n").replies.map(\.text) == ["hi", ""])
    }

    @Test(
        "what is not a reply is garbage",
        arguments: ["hello\r\n", "25\r\n", "2x0 a\r\n", "950 a\r\n", "250*a\r\n", "\r\n", "250-a\r\n550 b\r\n"])
    func garbage(_ text: String) {
        guard case .garbage = parse(text).steps.last else {
            Issue.record("taken for a reply: \(text)")
            return
        }
    }

    @Test(
        "of a line far too long the beginning decides, and the reply after it is read",
        arguments: [1000, 4096, 1 << 20])
    func longLine(_ chunk: Int) {
        let (steps, replies) = parse(
            "250 2.0.0 " + String(repeating: "y", count: 100_000) + "\r\n550 no\r\n", chunk: chunk)
        #expect(steps == [.reply(250), .reply(550)])
        #expect(replies.first?.enhanced == "2.0.0" && replies.last?.text == "no")
    }

    @Test("a line or a reply without end is garbage, not memory")
    func endless() {
        guard case .garbage = parse(String(repeating: "2", count: 3 << 20), chunk: 4096).steps.last else {
            Issue.record("an endless line was waited for")
            return
        }
        guard case .garbage = parse(String(repeating: "250-x\r\n", count: 200)).steps.last else {
            Issue.record("an endless reply was waited for")
            return
        }
    }

    @Test("control codes, bidi marks and broken UTF-8 do not survive")
    func harmless() {
        let reply = parse("550 \u{1b}[31mred\u{7}\u{202e}x\u{85}\r\n").replies[0]
        #expect(reply.text == " [31mred xx".replacing(" x", with: " ") || !reply.text.contains("\u{1b}"))
        for scalar in reply.text.unicodeScalars {
            #expect(scalar.value >= 32 && scalar.value != 127 && scalar.value != 0x202E && scalar.value != 0x85)
        }
        var buffer = ReplyBuffer()
        Array("550 a".utf8 + [0xFF, 0xC3, 13, 10]).withUnsafeBytes { buffer.append($0) }
        #expect(buffer.next() == .reply(550))
        #expect(buffer.take(550).text.hasPrefix("a\u{FFFD}"))
    }

    private func text(_ bytes: [UInt8]) -> String {
        var buffer = ReplyBuffer()
        (Array("550 5.7.1 ".utf8) + bytes + [13, 10]).withUnsafeBytes { buffer.append($0) }
        #expect(buffer.next() == .reply(550))
        return buffer.take(550).text
    }

    @Test(
        "Chinese in GBK and GB 18030 is read as what it says; what is neither that nor UTF-8 is repaired",
        arguments: [
            // 发信频率过高
            ([0xB7, 0xA2, 0xD0, 0xC5, 0xC6, 0xB5, 0xC2, 0xCA, 0xB9, 0xFD, 0xB8, 0xDF], "发信频率过高"),
            // GBK beyond GB 2312 among others, ASCII in between
            (Array("mail ".utf8) + [0xD3, 0xCA, 0xCF, 0xE4, 0x87, 0xE5] + Array(" full".utf8), "mail 邮箱囧 full"),
            // four bytes: 㐀, with two usual ones before
            ([0xD3, 0xCA, 0xCF, 0xE4, 0x81, 0x39, 0xEE, 0x39], "邮箱㐀"),
            // cut off within its last character, in GBK and in UTF-8
            ([0xD3, 0xCA, 0xCF, 0xE4, 0xD2], "邮箱"),
            (Array("邮箱已".utf8.dropLast()), "邮箱\u{FFFD}"),
            // a single character, of which a part would do for UTF-8 that is cut off
            (Array("OK ".utf8) + [0xE9, 0xA6], "OK 棣"),
            // U+0085 and U+202E in four bytes each are taken out
            (
                [0xD3, 0xCA, 0xCF, 0xE4, 0xD2, 0xD1, 0x81, 0x30, 0x81, 0x35, 0x81, 0x36, 0xA7, 0x31], "邮箱已"
            ),
            // Latin-1: für Empfänger
            (
                [0x66, 0xFC, 0x72, 0x20, 0x45, 0x6D, 0x70, 0x66, 0xE4, 0x6E, 0x67, 0x65, 0x72],
                "f\u{FFFD}r Empf\u{FFFD}nger"
            ),
            ([0xD3, 0xCA, 0xFF, 0xFF], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
        ] as [([UInt8], String)])
    func chinese(_ bytes: [UInt8], _ expected: String) { #expect(text(bytes) == expected) }

    @Test("of a long Chinese text in GBK no more is kept than of any other")
    func longChinese() {
        let kept = text(Array(repeatElement([0xD3, 0xCA], count: 1500).joined()))
        #expect(kept == String(repeating: "邮", count: Reply.longestText / 3))
    }

    @Test("a text is kept up to its bound")
    func bounded() {
        let long = parse("550 " + String(repeating: "y", count: 3000) + "\r\n").replies[0]
        #expect(long.text.utf8.count == Reply.longestText)
    }

    @Test(
        "an enhanced code is one only where its class is the reply's",
        arguments: [
            ("550 5.1.1 x", "5.1.1"), ("550 4.1.1 x", nil), ("250 2.0.0", "2.0.0"), ("250 2.0 ok", nil),
            ("451 4.7.650 slow", "4.7.650"), ("550 5.1.1x", nil), ("550 5.1234.1 x", nil),
        ] as [(String, String?)])
    func enhanced(_ line: String, _ code: String?) { #expect(parse(line + "\r\n").replies[0].enhanced == code) }

    @Test("what was received before a handshake is forgotten")
    func discard() {
        var buffer = ReplyBuffer()
        Array("250 injected\r\n".utf8).withUnsafeBytes { buffer.append($0) }
        buffer.discard()
        #expect(buffer.next() == .needMore)
    }
}

@Suite("What a server offers")
struct CapabilityTests {
    @Test("keywords are read whatever their case, old spellings too")
    func keywords() {
        let offer = Capabilities(lines: [
            "mx hello", "pipelining", "SIZE 1000", "AUTH PLAIN LOGIN", "AUTH=CRAM-MD5", "SMTPUTF8",
        ])
        #expect(offer.pipelining && offer.smtpUTF8 && !offer.startTLS && !offer.eightBitMIME)
        #expect(offer.size == 1000)
        #expect(offer.auth == ["PLAIN", "LOGIN", "CRAM-MD5"])
    }

    @Test("the greeting is not a keyword")
    func greeting() { #expect(!Capabilities(lines: ["STARTTLS"]).startTLS) }

    @Test("a mechanism is chosen from those both know")
    func choice() {
        #expect(Authentication.choose(offered: ["LOGIN", "PLAIN"], wanted: nil) == .plain)
        #expect(Authentication.choose(offered: ["LOGIN"], wanted: nil) == .login)
        #expect(Authentication.choose(offered: ["GSSAPI"], wanted: nil) == nil)
        #expect(Authentication.choose(offered: ["PLAIN"], wanted: .login) == nil)
    }

    @Test("PLAIN and LOGIN say what they should")
    func plainAndLogin() throws {
        #expect(
            Authentication(.plain, user: "tim", password: "tanstaaftanstaaf").command
                == "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm")
        var login = Authentication(.login, user: "a@b.cn", password: "密码")
        #expect(login.command == "AUTH LOGIN")
        #expect(try login.answer(to: "VXNlcm5hbWU6") == "YUBiLmNu")
        #expect(try login.answer(to: "UGFzc3dvcmQ6") == "5a+G56CB")
        #expect(try login.answer(to: "bW9yZT8=") == nil)
    }

    @Test("CRAM-MD5 answers as in RFC 2195 §2")
    func cram() throws {
        var login = Authentication(.cramMD5, user: "tim", password: "tanstaaftanstaaf")
        let challenge = Base64Text.encode(Array("<1896.697170952@postoffice.reston.mci.net>".utf8))
        let answer = try login.answer(to: challenge)
        #expect(
            answer.flatMap(Base64Text.decode).map { String(decoding: $0, as: UTF8.self) }
                == "tim b913a602c7eda7a495b4e6e7334d3890")
    }

    @Test("SCRAM-SHA-256 is as in RFC 7677 §3, and a server that does not know the password is found out")
    func scram() throws {
        var login = Authentication(.scramSHA256, user: "user", password: "pencil", nonce: "rOprNGfwEbeRWgbNEkqO")
        #expect(
            login.command == "AUTH SCRAM-SHA-256 " + Base64Text.encode(Array("n,,n=user,r=rOprNGfwEbeRWgbNEkqO".utf8)))
        let first =
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        let proof = try login.answer(to: Base64Text.encode(Array(first.utf8)))
        #expect(
            proof.flatMap(Base64Text.decode).map { String(decoding: $0, as: UTF8.self) }
                == "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
        var liar = login
        #expect(throws: Authentication.Broken.self) {
            try liar.answer(to: Base64Text.encode(Array("v=AAAA".utf8)))
        }
        #expect(
            try login.answer(
                to: Base64Text.encode(Array("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".utf8))) == "")
    }

    @Test(
        "a SCRAM challenge with another nonce, too few rounds or no salt is refused",
        arguments: ["r=other,s=AAAA,i=4096", "r=abcX,s=AAAA,i=1", "r=abcX,i=4096", "r=abc,s=AAAA,i=4096", ""])
    func scramLies(_ challenge: String) {
        var login = Authentication(.scramSHA256, user: "u", password: "p", nonce: "abc")
        #expect(throws: Authentication.Broken.self) {
            try login.answer(to: Base64Text.encode(Array(challenge.utf8)))
        }
    }

    @Test("base64 there and back", arguments: 0..<20)
    func base64(_ length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 77 &+ 13) }
        #expect(Base64Text.decode(Base64Text.encode(bytes)) == bytes)
    }
}

@Suite("The retry schedule")
struct RetryScheduleTests {
    @Test("the grammar gives one wait an attempt")
    func grammar() throws {
        let schedule = try RetrySchedule(parsing: "1m, 5m*2,30m , 1h*3")
        #expect(schedule.waits == [60, 300, 300, 1800, 3600, 3600, 3600].map { .seconds($0) })
        #expect(schedule.wait(after: 1, jitter: 0.5) == .seconds(60))
        #expect(schedule.wait(after: 7, jitter: 0.5) == .seconds(3600))
        #expect(schedule.wait(after: 8, jitter: 0.5) == nil)
        #expect(schedule.wait(after: 0, jitter: 0.5) == nil)
    }

    @Test("jitter spreads by a tenth and no more")
    func jitter() {
        let schedule = RetrySchedule([.seconds(100)])
        #expect(schedule.wait(after: 1, jitter: 0)! == .seconds(90))
        #expect(schedule.wait(after: 1, jitter: 0.999)! < .seconds(110))
    }

    @Test(
        "what is not a wait is named",
        arguments: ["", "1", "m", "1m,,2m", "1m*0", "1m*x", "-1m", "1w", "1m*2*3", "9999999m"])
    func faults(_ text: String) { #expect(throws: RetryGrammarError.self) { try RetrySchedule(parsing: text) } }
}
