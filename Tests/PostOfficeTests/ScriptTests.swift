import Clock
import Testing

@testable import PostOffice
@testable import Transport

@Suite struct ScriptTests {
    @Test(
        "a rule answers at its stage and nothing else changes",
        arguments: [
            ("at rcpt to *@nouser.test reply 550 5.1.1 No such user", "x@NOUSER.test", "550 5.1.1 No such user"),
            ("at rcpt to *@nouser.test reply 550 5.1.1 No such user", "x@other.test", "250 2.0.0 Ok, message 1"),
            ("at mail from a@* reply 554 5.7.1 Not you", "b@b.test", "554 5.7.1 Not you"),
            ("at data reply 451 4.3.0 Later", "b@b.test", "451 4.3.0 Later"),
            ("at dot to b@* reply 554 5.7.1 Spam", "b@b.test", "554 5.7.1 Spam"),
            ("at dot rate 0% reply 554 Spam\n# at data drop\n\n", "b@b.test", "250 2.0.0 Ok, message 1"),
            ("at dot rate 100% reply 450 4.2.0 Busy", "b@b.test", "450 4.2.0 Busy"),
            ("at mail reply 421 4.7.0 Too many connections", "b@b.test", "421 4.7.0 Too many connections"),
            ("at mail reply 554 \\xE9\\x82\\xAE \\x4g\\x", "b@b.test", "554 邮 \\x4g\\x"),
            ("at data drop", "b@b.test", ""),
            ("at dot latency 30ms", "b@b.test", "250 2.0.0 Ok, message 1"),
            ("at rcpt stall 30ms\nat rcpt reply 450 4.1.1 Hm", "b@b.test", "450 4.1.1 Hm"),
            ("at data slow 4000 byte/s", "b@b.test", "250 2.0.0 Ok, message 1"),
        ])
    func rules(script: String, recipient: String, expected: String) async throws {
        let office = try office(script: script)
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        #expect(try await talker.deliver(to: recipient) == expected)
        office.stop()
    }

    @Test("latency passes before the answer to the dot, not after it")
    func latency() async throws {
        let office = try office(script: "at dot latency 80ms")
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        let begin = SystemClock().sinceBoot().microseconds
        #expect(try await talker.deliver().hasPrefix("250"))
        // Only the lower bound is certain on a busy machine.
        #expect(SystemClock().sinceBoot().microseconds - begin >= 80_000)
    }

    @Test("first, after and every count how often the rule's place was reached")
    func counting() async throws {
        for (chance, expected) in [
            ("first 2", "445555"), ("after 4", "555544"), ("every 3", "554554"),
        ] {
            let office = try office(script: "at dot \(chance) reply 450 4.0.0 No")
            let talker = try await Talker.open(office)
            _ = try await talker.say("EHLO x")
            var seen = ""
            for _ in 0..<6 { seen += try await talker.deliver().hasPrefix("450") ? "4" : "5" }
            #expect(seen == expected)
        }
    }

    @Test("the same seed gives the same chances, and about the share that was asked for")
    func seeded() async throws {
        func run(_ seed: Int) throws -> [Bool] {
            let referee = Referee(try Script("seed \(seed)\nat dot rate 20% reply 450 No"), clock: ManualClock())
            return (0..<2000).map { _ in
                if case .reply = referee.ruling(at: .dot).outcome { true } else { false }
            }
        }
        let first = try run(1)
        #expect(try run(1) == first)
        #expect(try run(2) != first)
        #expect((300..<500).contains(first.count { $0 }))
    }

    @Test("drop-before loses the message, drop-after keeps it and says nothing")
    func drops() async throws {
        for (action, accepted) in [("drop-before", 0), ("drop-after", 1)] {
            let folder = try Folder()
            let office = try office(script: "at dot first 1 \(action)") { $0.log = folder.path + "/log" }
            let talker = try await Talker.open(office)
            _ = try await talker.say("EHLO x")
            #expect(try await talker.deliver(body: "Message-ID: <m1@a.test>\r\n\r\nx\r\n") == "")
            #expect(office.counts().accepted == accepted)
            #expect(office.counts().droppedByStage == [.dot: 1])
            let log = Folder.lines(folder.path + "/log")
            #expect(log.contains { $0.contains("\"event\":\"dropped\"") && $0.contains("\"stored\":\(accepted == 1)") })
            #expect(
                log.contains { $0.contains("\"event\":\"accepted\"") && $0.contains("\"answered\":false") }
                    == (accepted == 1))
            let again = try await Talker.open(office)
            _ = try await again.say("EHLO x")
            #expect(try await again.deliver().hasPrefix("250"))
        }
    }

    @Test("a banner that refuses takes nothing but QUIT; garbage is junk, and the session lives")
    func banners() async throws {
        let closed = try office(script: "at banner reply 554 5.7.1 Go away")
        let talker = try await Talker.open(closed, greeting: false)
        #expect(try await talker.reply() == "554 5.7.1 Go away")
        #expect(try await talker.say("EHLO x").hasPrefix("503"))
        #expect(try await talker.say("QUIT").hasPrefix("221"))

        let mad = try office(script: "at ehlo first 1 garbage")
        let second = try await Talker.open(mad)
        try await second.send("EHLO x\r\nQUIT\r\n")
        let junk = try await second.reply()
        #expect(!junk.hasPrefix("250"))
        #expect(junk.utf8.count > 200)
        #expect(junk.hasSuffix("221 2.0.0 Bye"))
    }

    @Test("a login may be refused by rule for one user")
    func auth() async throws {
        let office = try office(script: "at auth user b* reply 535 5.7.8 Locked") {
            $0.users = ["bob": "se cret"]
            $0.allowsPlaintextAuth = true
        }
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        #expect(try await talker.say("AUTH PLAIN AGJvYgBzZSBjcmV0") == "535 5.7.8 Locked")
        #expect(office.counts().logins == 0)
    }

    @Test("a cap is a rolling window over what was accepted")
    func cap() async throws {
        let clock = ManualClock()
        let office = try office(script: "cap 3 per 10s reply 550 Connection frequency limited") { $0.clock = clock }
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        for _ in 0..<3 {
            #expect(try await talker.deliver().hasPrefix("250"))
            clock.advance(.seconds(2))
        }
        #expect(try await talker.deliver() == "550 Connection frequency limited")
        // The wall clock may be set at will: the window is not moved by it.
        clock.step(.seconds(3600))
        #expect(try await talker.deliver().hasPrefix("550"))
        clock.advance(.seconds(4))
        #expect(try await talker.deliver().hasPrefix("250"))
        #expect(try await talker.deliver().hasPrefix("550"))
        #expect(office.counts().rejectedByStage == [.mail: 3])
    }

    @Test("messages under way count against a cap, and give their place back when they come to nothing")
    func reservations() async throws {
        let office = try office(script: "cap 2 per 1h")
        let one = try await Talker.open(office)
        let two = try await Talker.open(office)
        let three = try await Talker.open(office)
        for talker in [one, two, three] { _ = try await talker.say("EHLO x") }
        #expect(try await one.say("MAIL FROM:<a@a.test>").hasPrefix("250"))
        #expect(try await two.say("MAIL FROM:<a@a.test>").hasPrefix("250"))
        #expect(try await three.say("MAIL FROM:<a@a.test>").hasPrefix("550"))
        _ = try await one.say("RSET")
        #expect(try await three.say("MAIL FROM:<a@a.test>").hasPrefix("250"))
        await two.close()
        while office.sessions > 2 { await one.lane.sleep(for: .milliseconds(2)) }
        #expect(try await one.deliver().hasPrefix("250"))
    }

    @Test("a cap by domain is counted for each domain by itself")
    func capByDomain() async throws {
        let office = try office(script: "cap 1 per 1h by domain reply 450 4.7.1 Domain frequency limited")
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        #expect(try await talker.deliver(to: "a@one.test").hasPrefix("250"))
        #expect(try await talker.deliver(to: "b@one.test") == "450 4.7.1 Domain frequency limited")
        #expect(try await talker.deliver(to: "b@two.test").hasPrefix("250"))
    }

    @Test("a greylist puts a new recipient off until its time has passed")
    func greylist() async throws {
        let clock = ManualClock()
        let office = try office(script: "greylist 30s") { $0.clock = clock }
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        #expect(try await talker.deliver().hasPrefix("450"))
        clock.advance(.seconds(29))
        #expect(try await talker.deliver().hasPrefix("450"))
        clock.advance(.seconds(1))
        #expect(try await talker.deliver().hasPrefix("250"))
        #expect(try await talker.deliver(to: "new@b.test").hasPrefix("450"))
    }

    @Test("sessions at once are limited, and one that ends makes room")
    func sessions() async throws {
        let office = try office(script: "sessions 1 reply 421 4.7.0 Too many sessions")
        let first = try await Talker.open(office)
        let second = try await Talker.open(office, greeting: false)
        #expect(try await second.reply() == "421 4.7.0 Too many sessions")
        await second.close()
        #expect(try await first.say("QUIT").hasPrefix("221"))
        await first.close()
        while office.sessions > 0 { await first.lane.sleep(for: .milliseconds(2)) }
        _ = try await Talker.open(office)
    }

    @Test(
        "a line that cannot be read is named with its number and what is wrong",
        arguments: [
            "at", "at nowhere drop", "at rcpt", "at rcpt dance", "at rcpt to", "at rcpt reply", "at rcpt reply 99 x",
            "at rcpt rate 5 drop", "at rcpt rate 500% drop", "at rcpt first x drop", "at rcpt drop now",
            "at mail drop-after",
            "at mail slow 10 byte/s", "at dot latency 20", "at dot latency ms", "cap", "cap 5", "cap 5 per",
            "cap 5 in 1h",
            "cap 5 per 1h at dot", "cap 5 per 1h by moon", "cap 5 per 1h maybe", "greylist", "greylist 5", "seed x",
            "flood",
        ])
    func faults(line: String) {
        #expect {
            _ = try Script("# first\n\(line)\n")
        } throws: {
            guard let error = $0 as? PostOfficeError else { return false }
            return error.kind == .script(line: 2) && error.description.hasPrefix("script line 2: ")
        }
    }

    @Test(
        "a pattern's star stands for anything",
        arguments: [
            ("*", "", true), ("*@b.test", "x@B.TEST", true), ("*@b.test", "x@b.tests", false), ("a*c*e", "abcde", true),
            ("a*c*e", "abcdf", false), ("abc", "abc", true), ("abc", "ab", false), ("", "", true), ("", "a", false),
            ("**a", "ba", true), ("a*a", "a", false), ("*aab", "aaaab", true),
        ])
    func globs(pattern: String, text: String, fits: Bool) {
        #expect(Glob(pattern).matches(Array(text.utf8)) == fits)
    }
}
