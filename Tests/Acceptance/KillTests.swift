import Glibc
import Testing

extension BuiltProgram {
    @Suite("kill -9")
    struct Killed {
        @Test("ten kills in the middle of a campaign lose nobody and double nobody")
        func tenKills() async throws {
            let people = 600
            let sessions = 4
            let office = try await Office(
                tls: "starttls", user: "sender", password: "correct horse", script: Office.Script.slow)
            let home = try Home()
            let secret = try home.folder.write("home/secret", "correct horse\n")
            try home.configure(
                port: office.port, tls: "starttls", caFile: office.caFile, user: "sender", passwordFile: secret,
                sessions: sessions)
            try home.campaign(people: People.csv(people))
            #expect(try await home.outpost("import", "spring").code == 0)

            var kills = 0
            var generator = SystemRandomNumberGenerator()
            while kills < 10 {
                let before = office.accepted().count
                let runner = try home.start(["send", "spring", "--in-doubt", "hold", "--progress", "none"])
                // Not before it works, so that each kill meets messages on the wire.
                try await eventually(within: 30, "a message of run \(kills + 1) accepted") {
                    office.accepted().count > before || !runner.isRunning
                }
                try #require(runner.isRunning, "it ended before kill \(kills + 1): \(runner.err)")
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...120, using: &generator)))
                runner.signal(SIGKILL)
                let end = try await runner.ended()
                #expect(end.signal == SIGKILL)
                kills += 1
            }
            let last = try await home.outpost("send", "spring", "--in-doubt", "hold", within: 120)
            let tallies = try await home.tallies()
            #expect(last.code == (tallies["in_doubt"] == 0 ? 0 : 75), "\(last.code) \(last.err)")
            #expect(tallies.total == people && tallies.sum == people, "\(tallies)")
            #expect(tallies["sent"] + tallies["in_doubt"] == people, "\(tallies)")
            let verified = try await home.outpost("verify")
            #expect(verified.code == 0, "\(verified.out)\(verified.err)")

            let doubt = try await reckon(home, office, tallies)
            // A doubt needs a kill that caught it: at most what was begun on each session then.
            #expect(doubt.count <= kills * sessions * 8, "\(doubt.count) in doubt after \(kills) kills")

            // The owner decides: those the post office took are sent, the rest is sent now.
            if !doubt.isEmpty {
                let settled = try await home.outpost("settle", "spring", "--in-doubt", "sent")
                #expect(settled.code == 0, "\(settled.err)")
                let after = try await home.tallies()
                #expect(after["in_doubt"] == 0 && after["sent"] == people && after.sum == people, "\(after)")
            }
        }

        @Test(
            "whom a killed process had is in doubt for whoever settles or cancels next, without another send",
            arguments: [["settle", "spring", "--in-doubt", "sent"], ["cancel", "spring"]])
        func settledAtOnce(_ order: [String]) async throws {
            let office = try await Office(script: "at dot stall 60s\n")
            let home = try Home()
            try home.configure(port: office.port, sessions: 1)
            try home.campaign(people: People.csv(3))
            let runner = try home.start(["send", "spring"])
            try await eventually(within: 30, "a message on the wire") { !office.begun().isEmpty }
            runner.signal(SIGKILL)
            _ = try await runner.ended()
            // Until then `status` says what is so: nobody sends it, and who did.
            let status = try await home.outpost("status", "spring", "--json").object()
            let lost = status.list("lost_runners")
            #expect(status.string("state") == "sending" && status.int("runners") == 0 && status.int("sending") == 1)
            #expect(lost.map { $0.int("process") } == [Int(runner.pid)], "\(status)")
            let text = try await home.outpost("status", "spring").out
            #expect(text.contains("spring  not running"), "\(text)")
            #expect(text.contains("\(runner.pid) on ") && text.contains("ended without a word"), "\(text)")
            #expect(text.contains("by no process: in doubt as soon as"), "\(text)")
            let outcome = try await home.start(order).ended()
            #expect(outcome.code == 0, "\(outcome.err)")
            let tallies = try await home.tallies()
            #expect(tallies["sending"] == 0 && tallies.sum == 3, "\(tallies)")
            if order[0] == "settle" {
                #expect(tallies["sent"] > 0 && tallies["in_doubt"] == 0, "\(tallies)")
            } else {
                #expect(tallies["in_doubt"] > 0 && tallies["pending"] == 0, "\(tallies)")
                #expect(outcome.err.contains("settle spring"), "\(outcome.err)")
            }
            #expect(try await home.outpost("verify").code == 0)
        }

        @Test(
            "killed within commits, at a write of the log or at its sync, twenty times: nobody is lost, nobody doubled",
            .enabled(if: Strace.works))
        func withinCommits() async throws {
            let people = 500
            let office = try await Office(script: Office.Script.slow)
            let home = try Home()
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(people))
            #expect(try await home.outpost("import", "spring").code == 0)
            var kills = 0
            var places = (writes: 0, syncs: 0)
            var generator = SystemRandomNumberGenerator()
            while kills < 20 {
                let (call, most) = kills % 3 == 2 ? ("fdatasync", 5) : ("pwrite64", 50)
                let trace = home.folder.file("trace")
                let runner = try Strace.start(
                    home, killing: call, at: Int.random(in: 1...most, using: &generator), log: trace,
                    ["send", "spring", "--in-doubt", "hold", "--progress", "none"])
                let end = try await runner.ended()
                try #require(end.signal == SIGKILL, "it ended with \(end.code) before kill \(kills + 1): \(end.err)")
                kills += 1
                // The call that never came back is the one it was killed in.
                let last = Folder.text(trace).split(separator: "\n").last { $0.hasSuffix("= ?") } ?? ""
                try #require(last.contains(call), "killed elsewhere than in \(call): \(last)")
                if call == "fdatasync" { places.syncs += 1 } else { places.writes += 1 }
            }
            #expect(places.writes >= 10 && places.syncs >= 5)
            let last = try await home.outpost("send", "spring", "--in-doubt", "hold", within: 120)
            let tallies = try await home.tallies()
            #expect(last.code == (tallies["in_doubt"] == 0 ? 0 : 75), "\(last.code) \(last.err)")
            #expect(tallies.total == people && tallies.sum == people, "\(tallies)")
            #expect(tallies["sent"] + tallies["in_doubt"] == people, "\(tallies)")
            let verified = try await home.outpost("verify", "--deep")
            #expect(verified.code == 0, "\(verified.out)\(verified.err)")
            _ = try await reckon(home, office, tallies)
        }

        @Test("a connection lost before the message left is nobody's harm: tried again by itself")
        func droppedEarly() async throws {
            let office = try await Office(script: Office.Script.dropAtData(every: 5))
            let home = try Home()
            try home.configure(port: office.port, account: "retry = \"1s*9\"\n")
            try home.campaign(people: People.csv(40))
            let outcome = try await home.outpost("send", "spring", "--wait", within: 120)
            #expect(outcome.code == 0, "\(outcome.code) \(outcome.err)")
            let tallies = try await home.tallies()
            #expect(tallies["sent"] == 40 && tallies["in_doubt"] == 0, "\(tallies)")
            let accepted = office.accepted().map(\.email)
            #expect(accepted.count == 40 && Set(accepted).count == 40)
            #expect(try await home.list("log").contains { $0.string("outcome") == "aborted" })
        }

        @Test(
            "a connection lost after the final dot is in doubt, held over restarts, and resent on request alone",
            arguments: [true, false])
        func droppedLate(_ stored: Bool) async throws {
            let office = try await Office(script: Office.Script.dropAtDot(every: 5, stored: stored))
            let home = try Home()
            try home.configure(port: office.port, account: "retry = \"1s*9\"\n")
            try home.campaign(people: People.csv(40))
            let outcome = try await home.outpost("send", "spring", "--in-doubt", "hold", within: 60)
            #expect(outcome.code == 75, "\(outcome.code) \(outcome.err)")
            let tallies = try await home.tallies()
            #expect(tallies["in_doubt"] == 8 && tallies["sent"] == 32, "\(tallies)")
            let accepted = office.accepted().map(\.email)
            #expect(accepted.count == (stored ? 40 : 32) && Set(accepted).count == accepted.count)
            let held = Set(
                try await home.list("recipients", "spring", "--state", "in_doubt").compactMap { $0.string("email") })
            #expect(held.count == 8)
            #expect(held.isSubset(of: Set(accepted)) == stored)
            _ = try await home.outpost("send", "spring", within: 60)
            #expect(try await home.tallies()["in_doubt"] == 8)
            #expect(office.accepted().count == accepted.count)
            #expect(try await home.outpost("settle", "spring", "--in-doubt", "resend").code == 0)
            #expect(try await home.tallies()["in_doubt"] == 0)
            _ = try await home.outpost("send", "spring", within: 60)
            #expect(office.begun().count == 48)
        }

        /// Holds the queue against what the post office says; answers who is in doubt.
        private func reckon(_ home: Home, _ office: Office, _ tallies: Tallies) async throws -> Set<String> {
            // The post office's own log: nobody twice; whoever is `sent` was accepted; whoever was accepted is `sent` or in doubt.
            let accepted = office.accepted().map(\.email)
            let acceptedOnce = Set(accepted)
            #expect(accepted.count == acceptedOnce.count, "doubled: \(doubled(accepted))")
            let sent = Set(
                try await home.list("recipients", "spring", "--state", "sent").compactMap { $0.string("email") })
            let doubt = Set(
                try await home.list("recipients", "spring", "--state", "in_doubt").compactMap { $0.string("email") })
            #expect(sent.count == tallies["sent"] && doubt.count == tallies["in_doubt"])
            #expect(
                sent.isSubset(of: acceptedOnce), "said to be sent, never accepted: \(sent.subtracting(acceptedOnce))")
            #expect(acceptedOnce.isSubset(of: sent.union(doubt)))
            // The log explains each of them.
            let attempts = try await home.list("log", "spring")
            let outcomes = Dictionary(grouping: attempts) { $0.string("email") ?? "" }
            for email in sent {
                #expect(outcomes[email]?.filter { $0.string("outcome") == "sent" }.count == 1, "\(email)")
            }
            for email in doubt {
                #expect(outcomes[email]?.contains { $0.string("outcome") == "in_doubt" } == true, "\(email)")
            }
            return doubt
        }

        private func doubled(_ emails: [String]) -> [String] {
            Dictionary(grouping: emails, by: { $0 }).filter { $0.value.count > 1 }.map(\.key)
        }
    }
}
