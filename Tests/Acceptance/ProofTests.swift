import Foundation
import Testing

extension BuiltProgram {
    @Suite("proof, story and forecast")
    struct Proofs {
        /// Changes rows of a queue behind its back.
        static func change(_ sql: String, _ home: Home) async throws {
            let script = """
                import sqlite3, sys
                db = sqlite3.connect(sys.argv[1])
                db.executescript(sys.argv[2])
                db.commit()
                """
            let changed = try await run(
                "python3", ["-c", script, "\(home.path)/queue.sqlite3", sql], in: home.folder)
            #expect(changed.code == 0, "\(changed.err)")
        }

        @Test("a capped run is proven while it goes on; a forged ledger, tally or state is not")
        func prove() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port, sessions: 5, limits: [(10, "2s"), (1000, "1h")])
            try home.campaign(people: People.csv(35))
            #expect(try await home.outpost("import", "spring").code == 0)
            let sending = try home.start(["send", "spring", "--wait"])
            try await eventually(within: 30, "some are sent") { office.accepted().count >= 5 }
            let live = try await home.outpost("prove", "--json")
            #expect(live.code == 0, "\(live.out)\(live.err)")
            #expect(try await sending.ended(within: 60).code == 0)

            let proof = try await home.outpost("prove", "spring", "--json")
            #expect(proof.code == 0, "\(proof.out)\(proof.err)")
            let json = try proof.object()
            #expect(json.values["proven"] as? Bool == true)
            #expect(json.int("attempts") == 35)
            #expect(json.int("grants") == 70)
            let cap = try #require(json.list("caps").first { $0.int("per_seconds") == 2 })
            #expect(cap.int("peak") == 10)
            #expect(cap.int("margin") == 0)
            #expect((cap.double("slack_seconds") ?? -1) >= 0)
            // What the server saw is never more than what is proven.
            #expect(Caps.tightest(office.accepted().map(\.time), 2) <= 10)
            let text = try await home.outpost("prove")
            #expect(text.code == 0)
            #expect(text.out.contains("Proven"))

            for (sql, words) in [
                ("UPDATE campaign SET sent = 34, failed = 1", "tally"),
                ("UPDATE campaign SET sent = 35, failed = 0; UPDATE recipient SET state = 4 WHERE id = 3", "is failed"),
                (
                    "UPDATE recipient SET state = 3 WHERE id = 3; DELETE FROM \"grant\" WHERE seq = 12",
                    "Grant 12 is missing"
                ),
            ] {
                try await Self.change(sql, home)
                let found = try await home.outpost("prove")
                #expect(found.code == 1, "\(sql): \(found.out)")
                #expect(found.out.contains(words), "\(found.out)")
            }
        }

        @Test("a queue that cannot be read is exit 65, one that is not there 66")
        func unreadable() async throws {
            let home = try Home()
            try home.configure(port: 25)
            #expect(try await home.outpost("prove").code == 66)
            try home.folder.write("home/queue.sqlite3", String(repeating: "no queue ", count: 1_000))
            let outcome = try await home.outpost("prove")
            #expect(outcome.code == 65, "\(outcome.code) \(outcome.err)")
            #expect(outcome.out == "")
        }

        @Test("an address's story tells each answer, the rule that judged it and what comes next; a typo is helped")
        func story() async throws {
            let office = try await Office(script: Office.Script.refuse)
            let home = try Home()
            try home.configure(port: office.port, account: "retry = \"1h*3\"\n")
            try home.campaign(people: "email,name\ngone@example.com,A\nbusy@example.com,B\nfine@example.com,C\n")
            #expect(try await home.outpost("send", "spring", within: 60).code == 75)
            let fine = try await home.outpost("explain", "Fine@Example.com")
            #expect(fine.code == 0, "\(fine.err)")
            #expect(fine.out.contains("line 4"))
            #expect(fine.out.contains("The server took it"))
            let busy = try await home.outpost("explain", "busy@example.com")
            #expect(busy.out.contains("try 2 of 4"), "\(busy.out)")
            #expect(busy.out.contains("general.later"))
            let gone = try await home.outpost("explain", "gone@example.com", "--json")
            let json = try gone.object()
            #expect(json.has("suppressed") && !json.isNull("suppressed"))
            let attempt = try #require(json.list("campaigns").first?.list("attempts").first)
            #expect(attempt.string("rule") == "general.no-such-user-code")
            #expect(attempt.int("code") == 550)
            let typo = try await home.outpost("explain", "fin@example.com")
            #expect(typo.code == 66)
            #expect(typo.err.contains("fine@example.com"), "\(typo.err)")
            let code = try await home.outpost("explain", "535")
            #expect(code.code == 0)
            #expect(code.out.contains("app password"))
            #expect(try await home.outpost("explain", "5500").code == 64)
        }

        @Test("a forecast adds up to the people, before and after the import, and says what would change it")
        func forecast() async throws {
            let home = try Home()
            try home.configure(port: 25, limits: [(100, "1h"), (500, "24h")])
            let folder = try home.campaign(people: People.csv(1_200))
            for target in [folder, "spring"] {
                if target == "spring" { #expect(try await home.outpost("import", folder).code == 0) }
                let outcome = try await home.outpost("forecast", target, "--json")
                #expect(outcome.code == 0, "\(outcome.err)")
                let json = try outcome.object()
                #expect(json.string("campaign") == "spring")
                let days = json.list("days")
                #expect((3...4).contains(days.count), "\(outcome.out)")
                #expect(days.reduce(0) { $0 + ($1.int("count") ?? 0) } == 1_200)
                #expect((json.values["limiting"] as? [String: Any])?["per_seconds"] as? Int == 86_400, "\(outcome.out)")
                let changes = json.list("what_if").compactMap { $0.string("change") }
                #expect(changes.contains("second_source") && changes.contains("cap_doubled"), "\(changes)")
            }
            let text = try await home.outpost("forecast", "spring")
            #expect(text.out.contains("~"))
            #expect(try await home.outpost("forecast", "nosuch").code == 66)
        }

        @Test("a forecast of a folder counts whom an import would take")
        func forecastOfFolder() async throws {
            let home = try Home()
            try home.configure(port: 25, limits: [(1, "1h")])
            let folder = try home.campaign(
                people: "email,name\na@example.org,A\nA@example.org,A\nb@example.org,B\nc@example.net,C\nnobody,D\n")
            #expect(try await home.outpost("suppress", "add", "b@example.org").code == 0)
            #expect(try await home.outpost("forecast", folder, "--json").object().int("people") == 2)
            #expect(try await home.outpost("suppress", "add", "*@example.net").code == 0)
            #expect(try await home.outpost("forecast", folder, "--json").object().int("people") == 1)
            try home.folder.write("spring/people.csv", "email,name\nnobody,D\n")
            #expect(try await home.outpost("forecast", folder).code == 65)
        }
    }
}
