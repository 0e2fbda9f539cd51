import Foundation
import Testing

extension BuiltProgram {
    @Suite("what a campaign waited for, and servers left in peace")
    struct Waits {
        /// A server that asks for less once, and a rule of one's own for its words.
        private func ground(_ rest: String, people: Int, limits: [(Int, String)]) async throws -> (Office, Home) {
            let office = try await Office(
                script: "at rcpt to person3@* first 1 reply 421 4.7.0 slow down please\nat dot latency 20ms\n")
            let home = try Home()
            try home.configure(port: office.port, sessions: 2, limits: limits.map { (count: $0.0, per: $0.1) })
            try home.folder.write(
                "home/replies/own.toml",
                """
                [[rule]]
                id = "own.slow-down"
                text = "slow down please"
                level = "route"
                action = "rest"
                rest = "\(rest)"

                """)
            try home.campaign(people: People.csv(people))
            #expect(try await home.outpost("import", "spring").code == 0)
            return (office, home)
        }

        @Test("caps, a rest, a pause and nobody at all: the parts add up to the time since it began")
        func addsUp() async throws {
            let (office, home) = try await ground("4s", people: 14, limits: [(5, "5s")])
            let first = try home.start(["send", "spring", "--wait", "--progress", "none"])
            try await eventually(within: 40, "the cap holds after the rest") { office.accepted().count >= 7 }
            try await Task.sleep(for: .seconds(2))
            #expect(try await home.outpost("pause", "spring", "--reason", "lunch").code == 0)
            _ = try await first.ended(within: 10)
            try await Task.sleep(for: .seconds(3))
            #expect(try await home.outpost("resume", "spring").code == 0)
            try await Task.sleep(for: .seconds(3))
            let last = try await home.outpost("send", "spring", "--wait", "--progress", "none", within: 60)
            #expect(last.code == 0, "\(last.code) \(last.err)")
            let report = try #require(try await home.list("waits", "spring").first)
            let whole = try #require(report.double("seconds"))
            let spells = report.list("spells").compactMap { $0.double("seconds") }
            let sums = Dictionary(
                grouping: report.list("sums"), by: { $0.string("kind") ?? "" }
            ).mapValues { $0.reduce(0) { $0 + ($1.double("seconds") ?? 0) } }
            #expect(abs(spells.reduce(0, +) - whole) < 1, "\(spells) \(whole)")
            #expect(abs(sums.values.reduce(0, +) - whole) < 1, "\(sums) \(whole)")
            for kind in ["cap", "rest", "paused", "no-runner", "sending"] { #expect(sums[kind] ?? 0 > 0, "\(sums)") }
            #expect((sums["paused"] ?? 0) >= 2.5, "\(sums)")
            #expect((sums["no-runner"] ?? 0) >= 2.5, "\(sums)")
            #expect((sums["rest"] ?? 0) >= 2.5, "\(sums)")
            // The whole is the time from the first start to the end, by the campaign's own marks.
            let status = try await home.outpost("status", "spring", "--json").object()
            let parser = ISO8601DateFormatter()
            parser.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
            let began = try #require(status.string("started").flatMap { parser.date(from: $0) })
            let ended = try #require(status.string("finished").flatMap { parser.date(from: $0) })
            #expect(abs(ended.timeIntervalSince(began) - whole) < 1, "\(status.values) \(whole)")
            let text = try await home.outpost("waits", "spring").out
            #expect(text.contains("paused: lunch") && text.contains("slow down please"), "\(text)")
            let rows = try await home.outpost("waits", "--csv").out.split(whereSeparator: \.isNewline)
            #expect(rows.count == spells.count + 1, "\(rows)")
        }

        @Test("a rest is listed with its cause, holds for every process, and is lifted for every process")
        func lifted() async throws {
            let (office, home) = try await ground("10m", people: 300, limits: [(1_000_000, "1h")])
            let runners = try (0..<2).map { _ in try home.start(["send", "spring", "--wait", "--progress", "none"]) }
            var found: [JSON] = []
            for _ in 0..<60 where found.isEmpty {
                found = try await home.list("rests")
                try await Task.sleep(for: .milliseconds(300))
            }
            let rest = try #require(found.first)
            #expect(rest.string("rule") == "own.slow-down" && rest.string("email") == People.email(3))
            #expect(rest.string("campaign") == "spring" && rest.string("account") == "main")
            #expect(rest.string("reply")?.contains("slow down please") == true && rest.int("in_a_row") == 1)
            try await Task.sleep(for: .seconds(1))
            let held = office.begun().count
            try await Task.sleep(for: .seconds(1))
            #expect(office.begun().count == held, "somebody went on while the server was to be left alone")
            for runner in runners { #expect(runner.isRunning) }
            let waits = try await home.list("waits", "spring").first
            #expect(waits?.list("sums").contains { $0.string("kind") == "rest" } == true, "\(waits?.values ?? [:])")
            #expect(try await home.outpost("rests", "lift", "nobody").code == 66)
            let lift = try await home.outpost("rests", "lift", "\(rest.int("id") ?? 0)")
            #expect(lift.code == 0, "\(lift.err)")
            try await eventually(within: 10, "sending goes on") { office.begun().count > held }
            let over = try await home.list("rests")
            #expect(over.first?.string("ending") == "lifted" && over.first?.values["in_force"] as? Bool == false)
            for runner in runners {
                // The one that was told to come back in ten minutes waits for its own time; the others get theirs.
                runner.signal(15)
                _ = try await runner.ended(within: 10)
            }
        }

        @Test("three processes stop within a second of a pause, and of a cancel", arguments: ["pause", "cancel"])
        func stopped(_ order: String) async throws {
            let office = try await Office(script: Office.Script.slow)
            let home = try Home()
            try home.configure(port: office.port, sessions: 2)
            try home.campaign(people: People.csv(5_000))
            #expect(try await home.outpost("import", "spring").code == 0)
            let runners = try (0..<3).map { _ in try home.start(["send", "spring", "--wait", "--progress", "none"]) }
            try await eventually(within: 30, "messages flow") { office.accepted().count > 60 }
            let given = order == "cancel" ? ["cancel", "spring", "--yes"] : ["pause", "spring"]
            #expect(try await home.start(given).ended().code == 0)
            try await Task.sleep(for: .seconds(1))
            let held = office.begun().count
            for runner in runners { _ = try await runner.ended(within: 10) }
            #expect(office.begun().count == held, "messages went on more than a second after the order")
            let tallies = try await home.tallies()
            #expect(tallies["sending"] == 0 && tallies["in_doubt"] == 0 && tallies.sum == 5_000, "\(tallies)")
            let accepted = office.accepted().map(\.email)
            #expect(accepted.count == tallies["sent"] && Set(accepted).count == accepted.count)
        }

        @Test("the rules by which answers are read are listed, the user's own first")
        func rules() async throws {
            let (_, home) = try await ground("4s", people: 1, limits: [(10, "1h")])
            let rules = try await home.list("rests", "rules")
            #expect(rules.first?.string("id") == "own.slow-down" && rules.last?.string("id") == "general.later")
            let grey = try await home.list("rests", "rules", "greylisted")
            #expect(!grey.isEmpty && grey.allSatisfy { $0.string("kind") == "greylisted" })
            #expect(try await home.outpost("rests", "rules", "own.slow").out.contains("4s"))
        }

        @Test("a schedule for greylisting at one provider holds there and nowhere else, and explain says so")
        func schedules() async throws {
            let office = try await Office(script: "at rcpt reply 450 4.2.0 Greylisted, see http://postgrey.example\n")
            let home = try Home()
            try home.configure(
                port: office.port,
                more: """
                    [[retry]]
                    scope = "domain"
                    key = "qq.com"
                    reply = "greylisted"
                    waits = "2h*2"
                    """)
            try home.campaign(people: "email,name\na@foxmail.com,A\nb@example.com,B\n")
            #expect(try await home.outpost("send", "spring", "--progress", "none").code == 75)
            let log = try await home.list("explain", "a@foxmail.com").first?.list("campaigns").first
            #expect(log?.string("retry") == "2h*2" && log?.string("retry_of") == "domain qq.com, greylisted")
            #expect(log?.int("tries_at_most") == 3)
            let other = try await home.list("explain", "b@example.com").first?.list("campaigns").first
            #expect(other?.int("tries_at_most") == 11 && other?.values["retry_of"] is NSNull)
            let parser = ISO8601DateFormatter()
            parser.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
            func wait(_ story: JSON?) -> Double {
                (story?.string("next_attempt").flatMap { parser.date(from: $0) })?.timeIntervalSinceNow ?? 0
            }
            #expect((6_000...8_000).contains(wait(log)), "\(wait(log))")
            #expect((250...320).contains(wait(other)), "\(wait(other))")
        }
    }
}
