import Testing

extension BuiltProgram {
    @Suite("what a server refuses")
    struct Refusals {
        @Test("a refused login is exit 77, tried no more than once a session, and costs no recipient an attempt")
        func login() async throws {
            let office = try await Office(tls: "starttls", user: "sender", password: "correct horse")
            let home = try Home()
            let secret = try home.folder.write("home/secret", "wrong zebra\n")
            try home.configure(
                port: office.port, tls: "starttls", caFile: office.caFile, user: "sender", passwordFile: secret,
                sessions: 3)
            try home.campaign(people: People.csv(10))
            let outcome = try await home.outpost("send", "spring", "--wait", within: 60)
            #expect(outcome.code == 77, "\(outcome.code) \(outcome.err)")
            #expect(!outcome.err.contains("wrong zebra"))
            #expect((1...3).contains(office.refusedLogins()), "\(office.refusedLogins()) tries")
            let tallies = try await home.tallies()
            #expect(tallies["failed"] == 0 && tallies["in_doubt"] == 0 && tallies["sent"] == 0, "\(tallies)")
            #expect(tallies["pending"] + tallies["deferred"] == 10)
            for recipient in try await home.list("recipients", "spring") { #expect(recipient.int("attempts") == 0) }
            // With the right password the same people get it.
            try home.folder.write("home/secret", "correct horse\n")
            #expect(try await home.outpost("send", "spring", "--wait").code == 0)
            #expect(office.mails().count == 10)
        }

        @Test("a login without TLS crosses to this machine alone; refused it is exit 77 as well")
        func plainLogin() async throws {
            let office = try await Office(user: "sender", password: "correct horse")
            let home = try Home()
            let secret = try home.folder.write("home/secret", "wrong zebra\n")
            try home.configure(port: office.port, user: "sender", passwordFile: secret, sessions: 1)
            try home.campaign(people: People.csv(3))
            #expect(try await home.outpost("send", "spring").code == 77)
            #expect(office.refusedLogins() == 1)
            try home.folder.write("home/secret", "correct horse\n")
            #expect(try await home.outpost("send", "spring").code == 0)
            #expect(office.mails().count == 3)
        }

        @Test("\"550 Connection frequency limited\" rests the route; nobody fails")
        func throttled() async throws {
            let office = try await Office(script: Office.Script.throttle(after: 10))
            let home = try Home()
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(25))
            let outcome = try await home.outpost("send", "spring", within: 60)
            #expect(outcome.code == 75, "\(outcome.code) \(outcome.err)")
            let tallies = try await home.tallies()
            #expect(tallies["failed"] == 0 && tallies["suppressed"] == 0 && tallies["in_doubt"] == 0, "\(tallies)")
            #expect(tallies["sent"] == 10 && tallies["deferred"] + tallies["pending"] == 15, "\(tallies)")
            // The rest holds over a restart: the server is left in peace.
            let knocks = office.refusals()
            #expect(try await home.outpost("send", "spring", within: 60).code == 75)
            #expect(office.refusals() - knocks <= 4, "\(office.refusals() - knocks) more refusals")
        }

        @Test(
            "a list that is refused is paused after fifty answers, however many runs those are spread over, and ten after each order to go on"
        )
        func list() async throws {
            let office = try await Office(script: "at rcpt reply 550 5.1.1 No such user\n")
            let home = try Home()
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(300))
            var last = ""
            for _ in 0..<3 { last = try await home.outpost("send", "spring", "--limit", "30", within: 60).err }
            #expect(last.contains("answers were final refusals"), "\(last)")
            let failed = try await home.tallies()["failed"]
            #expect((50...60).contains(failed), "\(failed)")
            #expect(try await home.outpost("send", "spring").code == 75)
            #expect(try await home.tallies()["failed"] == failed)
            #expect(try await home.outpost("resume", "spring").code == 0)
            #expect(try await home.outpost("send", "spring", within: 60).code == 75)
            #expect(try await home.tallies()["failed"] - failed <= 20)
        }

        @Test("a recipient refused for good fails alone, one refused for now is tried again")
        func recipients() async throws {
            let office = try await Office(script: Office.Script.refuse)
            let home = try Home()
            try home.configure(port: office.port, account: "retry = \"1s*3\"\n")
            try home.campaign(people: "email,name\ngone@example.com,A\nbusy@example.com,B\nfine@example.com,C\n")
            let outcome = try await home.outpost("send", "spring", "--wait", within: 60)
            #expect(outcome.code == 0, "\(outcome.code) \(outcome.err)")
            let tallies = try await home.tallies()
            #expect(tallies["sent"] == 1 && tallies["failed"] == 2, "\(tallies)")
            let busy = try await home.list("log").filter { $0.string("email") == "busy@example.com" }
            #expect(busy.count == 4 && busy.map { $0.string("outcome") }.last == "failed")
            #expect(busy.first?.string("outcome") == "deferred" && busy.first?.int("code") == 450)
            let gone = try await home.list("log").filter { $0.string("email") == "gone@example.com" }
            #expect(gone.count == 1 && gone[0].int("code") == 550)
            #expect(try await home.outpost("retry", "spring").code == 0)
            #expect(try await home.tallies()["failed"] == 0)
        }

        @Test("a server that is not there is exit 69, named, and costs nobody anything")
        func unreachable() async throws {
            let home = try Home()
            // Port 1 of loopback: nothing listens there, and nobody but root could.
            try home.configure(port: 1)
            try home.campaign(people: People.csv(5))
            let outcome = try await home.outpost("send", "spring", within: 60)
            #expect(outcome.code == 69, "\(outcome.code) \(outcome.err)")
            #expect(outcome.err.contains("127.0.0.1"), "\(outcome.err)")
            let tallies = try await home.tallies()
            #expect(tallies["pending"] + tallies["deferred"] == 5 && tallies["failed"] == 0, "\(tallies)")
        }

        @Test("a certificate that nobody vouches for is refused, and no login crosses")
        func certificate() async throws {
            let office = try await Office(tls: "starttls", user: "sender", password: "correct horse")
            let home = try Home()
            let secret = try home.folder.write("home/secret", "correct horse\n")
            try home.configure(port: office.port, tls: "starttls", user: "sender", passwordFile: secret)
            try home.campaign(people: People.csv(5))
            let outcome = try await home.outpost("send", "spring", within: 60)
            #expect(outcome.code == 69 || outcome.code == 75, "\(outcome.code) \(outcome.err)")
            #expect(outcome.err.lowercased().contains("certificate"), "\(outcome.err)")
            #expect(office.mails().isEmpty)
            #expect(office.logins() == 0)
        }

        @Test("a server without STARTTLS gets no plain-text mail instead")
        func downgrade() async throws {
            let office = try await Office(tls: "none")
            let home = try Home()
            try home.configure(port: office.port, tls: "starttls")
            try home.campaign(people: People.csv(5))
            let outcome = try await home.outpost("send", "spring", within: 60)
            #expect(outcome.code != 0, "\(outcome.err)")
            #expect(office.mails().isEmpty)
        }
    }
}
