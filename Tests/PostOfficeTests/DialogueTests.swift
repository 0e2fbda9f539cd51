import Testing

@testable import PostOffice
@testable import Transport

@Suite struct DialogueTests {
    @Test(
        "each command gets the reply its place in the dialogue deserves",
        arguments: [
            (["MAIL FROM:<a@a.test>"], "503"),
            (["EHLO"], "501"),
            (["NONSENSE"], "500"),
            (["EHLO x", "RCPT TO:<b@b.test>"], "503"),
            (["EHLO x", "DATA"], "503"),
            (["EHLO x", "MAIL FROM:<a@a.test>", "DATA"], "554"),
            (["EHLO x", "MAIL FROM:<a@a.test>", "MAIL FROM:<a@a.test>"], "503"),
            (["EHLO x", "MAIL FROM:<>"], "250"),
            (["EHLO x", "MAIL FROM: <a@a.test>"], "250"),
            (["EHLO x", "mail from:<a@a.test>", "rcpt to:<b@b.test>"], "250"),
            (["EHLO x", "MAIL FROM:<a@a.test> SIZE=100 BODY=8BITMIME SMTPUTF8"], "250"),
            (["EHLO x", "MAIL FROM:<a@a.test> SIZE=99999999999"], "552"),
            (["EHLO x", "MAIL FROM:<a@a.test> SIZE=abc"], "555"),
            (["EHLO x", "MAIL FROM:<a@a.test> BODY=BINARYMIME"], "555"),
            (["EHLO x", "MAIL FROM:<a@a.test> WHAT=1"], "555"),
            (["EHLO x", "MAIL FROM:<a@a.test>X"], "501"),
            (["EHLO x", "MAIL FROM:a@a.test"], "501"),
            (["EHLO x", "MAIL FROM:<nobody>"], "501"),
            (["EHLO x", "MAIL FROM:<用户@例子.test>"], "553"),
            (["EHLO x", "MAIL FROM:<用户@例子.test> SMTPUTF8"], "250"),
            (["EHLO x", "MAIL FROM:<a@a.test>", "RCPT TO:<>"], "501"),
            (["EHLO x", "MAIL FROM:<a@a.test>", "RCPT TO:<postmaster>"], "250"),
            (["EHLO x", "MAIL FROM:<a@a.test>", "RCPT TO:<\"a b>c\"@b.test>"], "250"),
            (["EHLO x", "MAIL FROM:<a@a.test>", "RSET", "RCPT TO:<b@b.test>"], "503"),
            (["EHLO x", "MAIL FROM:<a@a.test>", "EHLO x", "RCPT TO:<b@b.test>"], "503"),
            (["EHLO x", "STARTTLS"], "502"),
            (["EHLO x", "AUTH PLAIN AGEAYg=="], "502"),
            (["HELO x"], "250"),
            (["NOOP"], "250"),
            (["VRFY bob"], "252"),
            (["EHLO x", "MAIL FROM:<a\u{1}b@a.test>"], "500"),
            (["QUIT"], "221"),
        ])
    func table(commands: [String], expected: String) async throws {
        let office = try office()
        let talker = try await Talker.open(office)
        var last = ""
        for command in commands { last = try await talker.say(command) }
        #expect(last.hasPrefix(expected), "\(commands) → \(last)")
        office.stop()
    }

    @Test("EHLO says what is on offer, and only that")
    func capabilities() async throws {
        let open = try office()
        let full = try await Talker.open(open).say("EHLO x")
        for word in ["PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"] {
            #expect(full.contains(word))
        }
        #expect(!full.contains("STARTTLS"))
        #expect(!full.contains("AUTH"))
        let bare = try office {
            $0.pipelining = false
            $0.smtputf8 = false
            $0.eightBitMIME = false
        }
        let less = try await Talker.open(bare).say("EHLO x")
        for word in ["PIPELINING", "SMTPUTF8", "8BITMIME"] { #expect(!less.contains(word)) }
    }

    @Test("everything in one write is answered in order")
    func pipelined() async throws {
        let office = try office()
        let talker = try await Talker.open(office)
        try await talker.send(
            "EHLO x\r\nMAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nRCPT TO:<nonsense>\r\nDATA\r\nSubject: 1\r\n\r\nx\r\n.\r\n"
                + "MAIL FROM:<a@a.test>\r\nRCPT TO:<c@b.test>\r\nDATA\r\n.\r\nQUIT\r\n")
        var codes: [String] = []
        for _ in 0..<10 { codes.append(String(try await talker.reply().prefix(3))) }
        #expect(codes == ["250", "250", "250", "501", "354", "250", "250", "250", "354", "250"])
        #expect(try await talker.reply().hasPrefix("221"))
        #expect(try await talker.reply() == "")
        #expect(office.counts().accepted == 2)
    }

    @Test("a command that comes byte by byte is one command")
    func dribble() async throws {
        let office = try office()
        let talker = try await Talker.open(office)
        for byte in "EHLO somebody\r\n".utf8 { try await talker.send([byte]) }
        #expect(try await talker.reply().hasPrefix("250"))
    }

    @Test(
        "only CR LF . CR LF ends a message",
        arguments: [
            "a\n.\nb", "a\n.\r\nb", "a\r\n.\nb", "a\r.\rb", "a\r\n.\rb", "a\n\r\n..\n\r\nb", "a\r\n\n.\r\nb", "\n.\r\n",
        ])
    func smuggling(text: String) async throws {
        let office = try office()
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        let answer = try await talker.deliver(body: text + "\r\nMAIL FROM:<evil@a.test>\r\n")
        #expect(answer.hasPrefix("250 2.0.0 Ok, message 1"))
        #expect(try await talker.say("NOOP") == "250 2.0.0 Ok")
        #expect(office.counts().accepted == 1)
    }

    @Test("a message cut anywhere into two writes has the same end", arguments: 0..<28)
    func cut(at place: Int) async throws {
        let office = try office()
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        for command in ["MAIL FROM:<a@a.test>", "RCPT TO:<b@b.test>", "DATA"] { _ = try await talker.say(command) }
        let bytes = Array("S: x\r\n\r\n..\r\n.\r.\n.\r\r\n\r\n.\r\n".utf8)
        try await talker.send(Array(bytes[..<min(place, bytes.count)]))
        await talker.lane.sleep(for: .milliseconds(3))
        try await talker.send(Array(bytes[min(place, bytes.count)...]) + Array("NOOP\r\n".utf8))
        #expect(try await talker.reply().hasPrefix("250 2.0.0 Ok, message 1"))
        #expect(try await talker.reply() == "250 2.0.0 Ok")
    }

    @Test("lines without CR, and lines without end, are refused and the session goes on")
    func badLines() async throws {
        let office = try office()
        let talker = try await Talker.open(office)
        try await talker.send("NOOP\n")
        #expect(try await talker.reply().hasPrefix("500"))
        #expect(try await talker.say(String(repeating: "x", count: 5000)).hasPrefix("500 5.5.6"))
        #expect(try await talker.say(String(repeating: "x", count: 500_000)).hasPrefix("500 5.5.6"))
        #expect(try await talker.say("NOOP").hasPrefix("250"))
    }

    @Test("a client that only makes errors is sent away")
    func errors() async throws {
        let office = try office()
        let talker = try await Talker.open(office)
        var last = ""
        for _ in 0..<60 where !last.hasPrefix("421") { last = (try? await talker.say("WHAT")) ?? "421 gone" }
        #expect(last.hasPrefix("421"))
    }

    @Test("a message over the limit is refused, and the next one is taken", arguments: [false, true])
    func tooBig(stored: Bool) async throws {
        let folder = try Folder()
        let office = try office {
            $0.maxSize = 300_000
            if stored { $0.maildir = folder.path + "/mail" }
        }
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        let line = String(repeating: "y", count: 70) + "\r\n"
        #expect(try await talker.deliver(body: String(repeating: line, count: 30_000)).hasPrefix("552"))
        #expect(try await talker.deliver().hasPrefix("250"))
        #expect(office.counts().accepted == 1)
        if stored { #expect(Folder.list(folder.path + "/mail/new").count == 1) }
    }

    @Test("a message that was broken off is not counted")
    func brokenOff() async throws {
        let office = try office()
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        for command in ["MAIL FROM:<a@a.test>", "RCPT TO:<b@b.test>", "DATA"] { _ = try await talker.say(command) }
        try await talker.send("Subject: half")
        await talker.close()
        while office.sessions > 0 { await talker.lane.sleep(for: .milliseconds(5)) }
        #expect(office.counts().accepted == 0)
    }

    @Test("a silent client is told so and let go")
    func silent() async throws {
        let office = try office { $0.idleTimeout = .milliseconds(150) }
        let talker = try await Talker.open(office)
        #expect(try await talker.reply().hasPrefix("421 4.4.2"))
        #expect(try await talker.reply() == "")
    }

    @Test("stop ends what is open and run returns")
    func stopping() async throws {
        let office = try PostOffice(PostOfficeOptions())
        let running = Task { try await office.run() }
        let talker = try await Talker.open(office)
        office.stop()
        #expect(try await talker.reply() == "")
        try await running.value
    }
}
