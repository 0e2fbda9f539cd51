import Foundation
import Testing

extension BuiltProgram {
    @Suite("large lists")
    struct LargeLists {
        @Test("the memory an import takes does not grow with the file")
        func memory() async throws {
            func peak(_ count: Int) async throws -> Int {
                let home = try Home()
                try home.configure(port: 25)
                try home.campaign(people: People.csv(count))
                let outcome = try await home.outpost("import", "spring", "--json", within: 120)
                #expect(outcome.code == 0, "\(outcome.err)")
                #expect(try outcome.object().int("new") == count)
                let tallies = try await home.tallies()
                #expect(tallies["pending"] == count && tallies.sum == count, "\(tallies)")
                return outcome.peakKilobytes
            }
            let small = try await peak(10_000)
            let large = try await peak(100_000)
            let huge = try await peak(300_000)
            // Between the first two SQLite fills its page cache of 16 MB; after that nothing may grow.
            #expect(large - small < 20_480, "\(small) KiB for 10,000 rows, \(large) KiB for 100,000")
            #expect(huge - large < 8_192, "\(large) KiB for 100,000 rows, \(huge) KiB for 300,000")
        }

        @Test("processes that begin the same campaign at the same time all find it, and each person once")
        func together() async throws {
            let home = try Home()
            try home.configure(port: 25)
            try home.campaign(people: People.csv(2000))
            // The queue, too, is made by the first of them.
            let all = try (0..<4).map { _ in try home.start(["import", "spring", "--json"]) }
            var new = 0
            for one in all {
                let outcome = try await one.ended()
                #expect(outcome.code == 0, "\(outcome.code) \(outcome.err)")
                let counts = try outcome.object()
                // What another one stored meanwhile may count as known or as a duplicate.
                let others = (counts.int("known") ?? 0) + (counts.int("duplicate") ?? 0)
                #expect((counts.int("new") ?? 0) + others == 2000, "\(outcome.out)")
                new += counts.int("new") ?? 0
            }
            #expect(new == 2000)
            #expect(try await home.tallies()["pending"] == 2000)
        }

        @Test("a row of ten megabytes is one bad row, not the end")
        func monster() async throws {
            let home = try Home()
            try home.configure(port: 25)
            let monster = "x@example.com,\"" + String(repeating: "很", count: 3_500_000) + "\"\n"
            try home.campaign(people: "email,name\na@example.com,A\n" + monster + "b@example.com,B\n")
            let outcome = try await home.outpost("import", "spring", "--json")
            #expect(outcome.code == 0 || outcome.code == 65, "\(outcome.code) \(outcome.err.prefix(500))")
            #expect(outcome.peakKilobytes < 200_000, "\(outcome.peakKilobytes) KiB")
            #expect(outcome.err.utf8.count < 10_000)
        }
    }

    @Suite("copies of a queue")
    struct Copies {
        @Test("a copied home does not send until its owner claims it")
        func copied() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(20))
            #expect(try await home.outpost("send", "spring", "--limit", "5").code == 75)
            #expect(office.mails().count == 5)
            let copied = try await run("cp", ["-a", home.path, home.folder.file("copy")], in: home.folder)
            #expect(copied.code == 0)

            let refused = try await home.outpost("--home", home.folder.file("copy"), "send", "spring")
            #expect(refused.code != 0)
            #expect(refused.err.contains("verify --claim"), "\(refused.err)")
            #expect(office.mails().count == 5, "the copy sent")
            // Looking is allowed.
            #expect(try await home.outpost("--home", home.folder.file("copy"), "status", "spring").code == 0)

            let claimed = try await home.outpost("--home", home.folder.file("copy"), "verify", "--claim")
            #expect(claimed.code == 0, "\(claimed.out)\(claimed.err)")
            let sent = try await home.outpost("--home", home.folder.file("copy"), "send", "spring")
            #expect(sent.code == 0, "\(sent.err)")
            #expect(office.mails().count == 20)
        }

        @Test("a backup is whole, private and refuses to send, too")
        func backup() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(20))
            #expect(try await home.outpost("send", "spring", "--limit", "5").code == 75)
            let file = home.folder.file("backup.sqlite3")
            let outcome = try await home.outpost("backup", file)
            #expect(outcome.code == 0, "\(outcome.err)")
            #expect(Folder.mode(file) == 0o600)
            let restored = try home.folder.make("restored")
            try home.folder.write("restored/config.toml", home.folder.text("home/config.toml"))
            try FileManager.default.copyItem(atPath: file, toPath: "\(restored)/queue.sqlite3")
            let tallies = try await home.outpost("--home", restored, "status", "spring", "--json")
            #expect(try tallies.object().int("sent") == 5)
            #expect(try await home.outpost("--home", restored, "send", "spring").code != 0)
            #expect(office.mails().count == 5)
        }

        @Test("verify finds a row that was changed behind its back, exit 1")
        func tampered() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(20))
            #expect(try await home.outpost("send", "spring").code == 0)
            #expect(try await home.outpost("verify").code == 0)
            let change = """
                import sqlite3, sys
                db = sqlite3.connect(sys.argv[1])
                db.execute("DELETE FROM attempt WHERE id = (SELECT max(id) FROM attempt)")
                db.commit()
                """
            let changed = try await run("python3", ["-c", change, "\(home.path)/queue.sqlite3"], in: home.folder)
            #expect(changed.code == 0, "\(changed.err)")
            let verified = try await home.outpost("verify")
            #expect(verified.code == 1, "\(verified.code) \(verified.out)\(verified.err)")
        }
    }
}
