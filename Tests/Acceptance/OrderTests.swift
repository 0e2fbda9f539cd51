import Glibc
import Testing

extension BuiltProgram {
    @Suite("orders to a running campaign")
    struct Orders {
        /// A campaign that takes its time, and a runner in the middle of it.
        static func running(_ body: (Office, Home, Running) async throws -> Void) async throws {
            let office = try await Office(script: Office.Script.slow)
            let home = try Home()
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(3000))
            #expect(try await home.outpost("import", "spring").code == 0)
            let runner = try home.start(["send", "spring", "--wait", "--progress", "plain"])
            try await eventually(within: 30, "messages flow") { office.accepted().count > 20 || !runner.isRunning }
            try #require(runner.isRunning, "\(runner.err)")
            try await body(office, home, runner)
            if runner.isRunning { try await runner.kill() }
        }

        @Test("pause from another process is obeyed within a second, resume goes on")
        func pause() async throws {
            try await Self.running { office, home, runner in
                #expect(try await home.outpost("pause", "spring").code == 0)
                try await Task.sleep(for: .seconds(1))
                let held = office.begun().count
                try await Task.sleep(for: .milliseconds(700))
                #expect(office.begun().count == held, "messages went on more than a second after the pause")
                let paused = try await home.tallies()
                #expect(paused.state == "paused" && paused["sending"] == 0 && paused.sum == 3000, "\(paused)")
                #expect(paused["sent"] == office.accepted().count)
                #expect(try await home.outpost("pause", "spring").code != 70)
                #expect(try await home.outpost("resume", "spring").code == 0)
                if !runner.isRunning {
                    let end = try await runner.ended()
                    #expect(end.code == 75, "a paused run leaves work: \(end.code) \(end.err)")
                    let again = try await home.outpost("send", "spring", "--limit", "5")
                    #expect(again.code == 75, "\(again.err)")
                } else {
                    try await eventually(within: 10, "sending goes on after resume") { office.begun().count > held }
                }
            }
        }

        @Test("who gave an order is told by status, explain and waits")
        func orderedBy() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(3))
            #expect(try await home.outpost("send", "spring", "--limit", "1").code == 75)
            #expect(try await home.outpost("status", "spring", "--json").object().isNull("ordered_by"))
            #expect(try await home.outpost("pause", "spring", "--reason", "lunch").code == 0)
            let status = try await home.outpost("status", "spring", "--json").object()
            let by = try #require(status.string("ordered_by"))
            #expect(by.contains("@") && status.string("order") == "pause" && status.string("reason") == "lunch")
            #expect(try await home.outpost("status", "spring").out.contains("paused by \(by), "))
            let waiting = People.email(2)
            #expect(try await home.outpost("explain", waiting).out.contains("paused (lunch, \(by))"))
            #expect(try await home.outpost("waits", "spring").out.contains("paused: lunch (\(by))"))
            #expect(try await home.outpost("resume", "spring").code == 0)
            #expect(try await home.outpost("status", "spring").out.contains("resumed by \(by), "))
        }

        @Test("cancel ends it within a second and for good")
        func cancel() async throws {
            try await Self.running { office, home, runner in
                #expect(try await home.outpost("cancel", "spring", "--yes").code == 0)
                let end = try await runner.ended(within: 10)
                #expect(end.code == 0 || end.code == 75, "\(end.code) \(end.err)")
                let tallies = try await home.tallies()
                #expect(
                    tallies.state == "cancelled" && tallies["pending"] == 0 && tallies["sending"] == 0, "\(tallies)")
                #expect(tallies["cancelled"] > 0 && tallies["sent"] + tallies["cancelled"] == 3000, "\(tallies)")
                #expect(tallies["sent"] == office.accepted().count)
                _ = try await home.outpost("send", "spring")
                #expect(office.accepted().count == tallies["sent"])
            }
        }

        @Test(
            "SIGTERM and SIGINT finish what is in flight, exit 143 and 130, and leave no doubt",
            arguments: [SIGTERM, SIGINT])
        func signals(_ signal: Int32) async throws {
            try await Self.running { office, home, runner in
                runner.signal(signal)
                let end = try await runner.ended(within: 10)
                #expect(end.code == 128 + signal, "\(end.code) \(end.err)")
                #expect(end.signal == nil, "it died of the signal")
                let tallies = try await home.tallies()
                #expect(tallies["in_doubt"] == 0 && tallies["sending"] == 0 && tallies.sum == 3000, "\(tallies)")
                #expect(tallies["sent"] == office.accepted().count)
                #expect(try await home.outpost("verify").code == 0)
            }
        }

        @Test("--limit stops after so many, --dry-run sends nothing")
        func limit() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(30))
            let dry = try await home.outpost("send", "spring", "--dry-run")
            #expect(dry.code == 0 || dry.code == 75, "\(dry.err)")
            #expect(office.mails().isEmpty)
            let part = try await home.outpost("send", "spring", "--limit", "11")
            #expect(part.code == 75, "\(part.code) \(part.err)")
            #expect(office.mails().count == 11)
            let tallies = try await home.tallies()
            #expect(tallies["sent"] == 11 && tallies["sending"] == 0 && tallies["in_doubt"] == 0, "\(tallies)")
            #expect(try await home.outpost("send", "spring").code == 0)
            #expect(office.mails().count == 30)
        }

        @Test("--progress json is one JSON object a line, on stderr, and stdout stays empty of it")
        func progress() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(30))
            let outcome = try await home.outpost("send", "spring", "--progress", "json")
            #expect(outcome.code == 0)
            let lines = try outcome.err.split(separator: "\n").map { try JSON(String($0)) }
            #expect(lines.contains { $0.int("sent") == 30 && $0.string("state") == "finished" }, "\(outcome.err)")
            #expect(lines.contains { $0.string("notice")?.hasPrefix("spring: in 30 = new 30") == true })
            #expect(lines.last?.string("ending")?.hasPrefix("spring is finished") == true)
            #expect(lines.last?.int("exit_code") == 0 && lines.last?.isNull("next") == true)
            #expect(!outcome.err.unicodeScalars.contains("\u{1b}"))

            // In the same words in every language, and so is why it could not even begin.
            let missing = try await home.outpost(
                "send", "sprin", "--progress", "json", environment: ["LC_ALL": "zh_CN.UTF-8"])
            #expect(missing.code == 66)
            let error = try JSON(missing.err)
            #expect(error.string("error") == "There is no campaign \"sprin\"." && error.int("exit_code") == 66)
            #expect(error.string("next") == "Did you mean \"spring\"?")
        }
    }
}
