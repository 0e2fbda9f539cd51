import Clock
import Testing

@testable import PostOffice
@testable import Transport

@Suite struct RecordTests {
    @Test("a stored message has the author's bytes below its envelope")
    func maildir() async throws {
        let folder = try Folder()
        let office = try office { $0.maildir = folder.path + "/mail" }
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        let texts: [(wire: String, stored: String)] = [
            ("Subject: a\r\n\r\n..dot\r\n...\r\n....x\r\nend\r\n", "Subject: a\r\n\r\n.dot\r\n..\r\n...x\r\nend\r\n"),
            ("..first\r\n", ".first\r\n"),
            ("", ""),
            ("你好\r\n\r\nlone\n..lf and \r cr\r\n", "你好\r\n\r\nlone\n..lf and \r cr\r\n"),
            (String(repeating: "z", count: 200_000) + "\r\n", String(repeating: "z", count: 200_000) + "\r\n"),
        ]
        var expected: [[UInt8]] = []
        for (index, text) in texts.enumerated() {
            #expect(try await talker.deliver(to: "r\(index)@b.test", body: text.wire).hasPrefix("250"))
            let head = "X-Envelope-From: <a@a.test>\r\nX-Envelope-To: <r\(index)@b.test>\r\n"
            expected.append(Array((head + text.stored).utf8))
        }
        let files = Folder.list(folder.path + "/mail/new").map { Folder.read(folder.path + "/mail/new/" + $0) }
        #expect(files.count == texts.count)
        for bytes in expected { #expect(files.contains(bytes)) }
        #expect(Folder.list(folder.path + "/mail/tmp").isEmpty)
    }

    @Test("8-bit and NUL bytes are stored as they came")
    func binary() async throws {
        let folder = try Folder()
        let office = try office { $0.maildir = folder.path + "/mail" }
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        for command in ["MAIL FROM:<a@a.test>", "RCPT TO:<b@b.test>", "DATA"] { _ = try await talker.say(command) }
        let body = (0...255).map { UInt8($0) }.filter { $0 != 46 } + [13, 10]
        try await talker.send(body + [46, 13, 10])
        #expect(try await talker.reply().hasPrefix("250"))
        let name = try #require(Folder.list(folder.path + "/mail/new").first)
        #expect(Folder.read(folder.path + "/mail/new/" + name).suffix(body.count) == body[...])
    }

    @Test("the log says everything, before the client is told")
    func log() async throws {
        let folder = try Folder()
        let path = folder.path + "/log"
        let office = try office(script: "at rcpt to x@* reply 550 5.1.1 \"No\"") { $0.log = path }
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        for count in 1...20 {
            _ = try await talker.deliver(body: "Subject: x\r\nMessage-Id:\r\n <id\(count)@a.test>\r\n\r\nx\r\n")
            // The answer is here: its line must be in the file already.
            let accepted = Folder.lines(path).filter { $0.contains("\"event\":\"accepted\"") }
            #expect(accepted.count == count)
            #expect(accepted.last?.contains("\"message_id\":\"<id\(count)@a.test>\"") == true)
        }
        _ = try await talker.deliver(to: "x@b.test")
        let lines = Folder.lines(path)
        for event in ["connect", "mail", "rcpt", "data-start", "accepted", "rejected"] {
            #expect(lines.contains { $0.contains("\"event\":\"\(event)\"") }, "\(event)")
        }
        let refusal = try #require(lines.last { $0.contains("\"rejected\"") })
        for part in [
            "\"from\":\"a@a.test\"", "\"to\":\"x@b.test\"", "\"code\":550", "\"reply\":\"5.1.1 \\\"No\\\"\"",
            "\"session\":1",
            "\"stage\":\"rcpt\"",
        ] { #expect(refusal.contains(part), "\(part)") }
        for line in lines { #expect(line.hasPrefix("{\"time\":\"2") && line.hasSuffix("}")) }
    }

    @Test("hostile bytes in an address stay inside their JSON string")
    func hostileLog() async throws {
        var line = EventLine("mail", at: .init(seconds: 1), session: 1, peer: Array("p".utf8))
        line.text("from", [UInt8(ascii: "\""), UInt8(ascii: "\\"), 27, 10, 0xff, 0xe4, 0xbd, 0xa0])
        line.end()
        let text = String(decoding: line.bytes, as: UTF8.self)
        #expect(text.hasSuffix(",\"from\":\"\\\"\\\\\\u001b\\u000a\u{fffd}你\"}\n"))
        #expect(text.hasPrefix("{\"time\":\"1970-01-01T00:00:01.000Z\",\"us\":1000000,\"event\":\"mail\","))
    }

    @Test("several recipients of one message are one acceptance with all their names")
    func several() async throws {
        let folder = try Folder()
        let office = try office { $0.log = folder.path + "/log" }
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        for command in ["MAIL FROM:<a@a.test>", "RCPT TO:<b@b.test>", "RCPT TO:<c@c.test>", "DATA"] {
            _ = try await talker.say(command)
        }
        try await talker.send(".\r\n")
        #expect(try await talker.reply().hasPrefix("250"))
        #expect(
            Folder.lines(folder.path + "/log").contains { $0.contains("\"to\":\"b@b.test, c@c.test\",\"code\":250") })
        #expect(office.counts().accepted == 1)
    }

    @Test("200 clients at once lose nothing")
    func crowd() async throws {
        let office = try office()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<200 {
                group.addTask {
                    let talker = try await Talker.open(office)
                    _ = try await talker.say("EHLO x")
                    for turn in 0..<3 { _ = try await talker.deliver(to: "r\(index)-\(turn)@b.test") }
                    _ = try await talker.say("QUIT")
                }
            }
            try await group.waitForAll()
        }
        #expect(office.counts().accepted == 600)
        #expect(office.counts().connections == 200)
    }

    @Test("a log or a Maildir that cannot be made is named")
    func unwritable() {
        for (key, path) in [(\PostOfficeOptions.log, "/dev/null/log"), (\.maildir, "/dev/null/mail")] {
            #expect {
                _ = try office { $0[keyPath: key] = path }
            } throws: {
                "\($0)".contains(path)
            }
        }
    }
}
