import Testing

extension BuiltProgram {
    @Suite("caps")
    struct Caps {
        /// The most entries in any half-open window of `seconds`, wherever it begins.
        static func tightest(_ times: [Double], _ seconds: Double) -> Int {
            let times = times.sorted()
            var most = 0
            var first = 0
            for (index, time) in times.enumerated() {
                while time - times[first] >= seconds { first += 1 }
                most = max(most, index - first + 1)
            }
            return most
        }

        @Test("the window that is looked for is found")
        func oracle() {
            #expect(Self.tightest([0, 1, 2, 3, 4, 10], 5) == 5)
            #expect(Self.tightest([0, 5, 10], 5) == 1)
            #expect(Self.tightest([4.9, 0, 4.8, 5.1], 5) == 3)
        }

        @Test("20 in 5 s and 60 in 30 s hold in every rolling window, with two processes on one queue")
        func twoProcesses() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port, sessions: 5, limits: [(20, "5s"), (60, "30s")])
            try home.campaign(people: People.csv(75))
            #expect(try await home.outpost("import", "spring").code == 0)
            let first = try home.start(["send", "spring", "--wait"])
            let second = try home.start(["send", "spring", "--wait"])
            let (a, b) = try await (first.ended(within: 120), second.ended(within: 120))
            #expect(a.code == 0, "\(a.err)")
            #expect(b.code == 0, "\(b.err)")

            let accepted = office.accepted()
            #expect(accepted.count == 75)
            #expect(Set(accepted.map(\.email)).count == 75, "somebody got it twice")
            for times in [accepted.map(\.time), office.begun().map(\.time)] {
                #expect(times.count == 75)
                #expect(Self.tightest(times, 5) <= 20, "\(Self.tightest(times, 5)) in 5 s")
                #expect(Self.tightest(times, 30) <= 60, "\(Self.tightest(times, 30)) in 30 s")
            }
            // And the caps were used, not merely never passed.
            #expect(Self.tightest(accepted.map(\.time), 30) >= 55)
            let tallies = try await home.tallies()
            #expect(tallies["sent"] == 75, "\(tallies)")
        }

        @Test("a capped send without --wait is exit 75, says when, and a restart gets no fresh allowance")
        func restart() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port, limits: [(7, "1h")])
            try home.campaign(people: People.csv(20))
            let first = try await home.outpost("send", "spring")
            #expect(first.code == 75, "\(first.err)")
            #expect(office.mails().count == 7)
            let second = try await home.outpost("send", "spring")
            #expect(second.code == 75)
            #expect(office.mails().count == 7)
            let limit = try #require(try await home.list("limits").first { $0.int("count") == 7 })
            #expect(limit.int("used") == 7)
            #expect(limit.string("next_free")?.hasSuffix("Z") == true)
            // Another campaign from the same source has nothing left either.
            try home.campaign("autumn", people: People.csv(100..<105))
            #expect(try await home.outpost("send", "autumn").code == 75)
            #expect(office.mails().count == 7)
        }

        @Test("a campaign's own cap tightens, for a domain too")
        func domain() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(
                port: office.port, more: "[[limit]]\nscope = \"domain\"\ncount = 2\nper = \"1h\"\n")
            let rows = (0..<5).map { "a\($0)@one.example,A" } + (0..<5).map { "b\($0)@two.example,B" }
            try home.campaign(people: "email,name\n" + rows.joined(separator: "\n") + "\n")
            let outcome = try await home.outpost("send", "spring")
            #expect(outcome.code == 75, "\(outcome.err)")
            let emails = office.accepted().map(\.email)
            #expect(emails.filter { $0.hasSuffix("one.example") }.count == 2)
            #expect(emails.filter { $0.hasSuffix("two.example") }.count == 2)
        }

        @Test("a cap for a domain that comes later knows what was sent before, also when killed while it finds out")
        func late() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            let rows = (0..<2_600).map { "a\($0)@one.example,A" } + (0..<5).map { "b\($0)@two.example,B" }
            try home.campaign(people: "email,name\n" + rows.joined(separator: "\n") + "\n")
            #expect(try await home.outpost("send", "spring", "--limit", "2500", within: 120).code == 75)
            #expect(office.accepted().count == 2_500)
            try home.configure(
                port: office.port, more: "[[limit]]\nscope = \"domain\"\ncount = 2520\nper = \"1h\"\n")
            // About when it starts, recalls (three steps) and sends the first.
            for milliseconds in stride(from: 100, through: 1_000, by: 100) {
                let runner = try home.start(["send", "spring"])
                try await Task.sleep(for: .milliseconds(milliseconds))
                try await runner.kill()
            }
            let last = try await home.outpost("send", "spring")
            #expect(last.code == 75, "\(last.err)")
            let emails = office.accepted().map(\.email)
            #expect(Set(emails).count == emails.count, "somebody got it twice")
            let one = emails.count { $0.hasSuffix("one.example") }
            // Those in doubt count as well.
            let doubt = try await home.tallies()["in_doubt"]
            #expect(one <= 2_520 && one + doubt >= 2_520, "\(one) and \(doubt) in doubt")
            let limit = try #require(try await home.list("limits").first { $0.string("key") == "one.example" })
            #expect(limit.int("used") == 2_520)
            for check in ["prove", "verify"] {
                let outcome = try await home.outpost(check)
                #expect(outcome.code == 0, "\(check): \(outcome.out) \(outcome.err)")
            }
        }
    }
}
