import Foundation
import Testing

extension BuiltProgram {
    /// Queues that are lost, restored behind their time, or taken away while they send: nobody is doubled in silence, and no
    /// cap is passed.
    @Suite("lost, restored and removed queues")
    struct LostQueues {
        private func begin(_ home: Home, port: UInt16, people: Int = 100, cap: Int = 1_000_000) throws {
            try home.configure(port: port, limits: [(cap, "1h")])
            try home.campaign(people: People.csv(people))
        }

        @Test(
            "a queue file that was deleted or emptied is not begun anew beside its identity", arguments: [true, false])
        func lost(isDeleted: Bool) async throws {
            let office = try await Office()
            let home = try Home()
            try begin(home, port: office.port)
            #expect(try await home.outpost("send", "spring", "--limit", "5").code == 75)
            let queue = home.path + "/queue.sqlite3"
            let aside = home.folder.file("aside")
            try FileManager.default.copyItem(atPath: queue, toPath: aside)
            try FileManager.default.removeItem(atPath: queue)
            if !isDeleted { try Data().write(to: URL(fileURLWithPath: queue)) }
            for words in [["send", "spring"], ["import", "spring"], ["status"], ["verify"]] {
                let refused = try await home.start(words).ended()
                #expect(refused.code == 66, "\(words): \(refused.code) \(refused.err)")
                #expect(refused.err.contains("verify --claim") && refused.err.contains("-identity"), "\(refused.err)")
            }
            #expect(office.mails().count == 5)
            // Claimed, it begins anew, and says what that means; nobody knows what the caps have left.
            let claimed = try await home.outpost("verify", "--claim")
            #expect(claimed.code == 0 && claimed.err.contains("missing or empty"), "\(claimed.err)")
            let sent = try await home.outpost("send", "spring")
            #expect(sent.code == 75 && office.mails().count == 5, "\(sent.code) \(sent.err)")
            #expect(sent.err.contains("--fresh-caps"), "\(sent.err)")
        }

        @Test("a restored backup passes no cap after its claim, and says what is unknown")
        func restored() async throws {
            let office = try await Office()
            let home = try Home()
            try begin(home, port: office.port, cap: 20)
            #expect(try await home.outpost("send", "spring", "--limit", "2").code == 75)
            let backup = home.folder.file("backup")
            #expect(try await home.outpost("backup", backup).code == 0)
            #expect(try await home.outpost("send", "spring").code == 75)
            #expect(office.mails().count == 20)
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: home.path + "/queue.sqlite3" + suffix)
            }
            try FileManager.default.copyItem(atPath: backup, toPath: home.path + "/queue.sqlite3")

            // Unclaimed, and whoever asks is told.
            let verified = try await home.outpost("verify", "--json")
            #expect(
                verified.code == 0 && verified.out.contains("\"check\":\"claim\",\"status\":\"warn\""),
                "\(verified.out)")
            let status = try await home.outpost("status", "spring")
            #expect(status.out.contains("verify --claim") && !status.out.contains("outpost send"), "\(status.out)")
            let object = try await home.outpost("status", "spring", "--json").object()
            #expect(object.string("unclaimed") != nil)
            #expect(try await home.outpost("list").err.contains("verify --claim"))
            #expect(try await home.outpost("forecast", "spring").err.contains("verify --claim"))

            let claimed = try await home.outpost("verify", "--claim")
            #expect(claimed.code == 0, "\(claimed.err)")
            #expect(claimed.err.contains("up to 98 people") && claimed.err.contains("--fresh-caps"), "\(claimed.err)")
            let sent = try await home.outpost("send", "spring")
            #expect(sent.code == 75 && office.mails().count == 20, "\(sent.code) \(sent.err)")
            #expect(sent.err.contains("claimed"), "\(sent.err)")
            let limits = try await home.list("limits")
            #expect(limits.allSatisfy { $0.int("used") == $0.int("count") && $0.string("unknown_until") != nil })
            let proof = try await home.outpost("prove")
            #expect(proof.code == 0 && proof.out.contains("Claimed at"), "\(proof.out)")
            // Whoever knows better says so.
            #expect(try await home.outpost("verify", "--claim", "--fresh-caps").code == 0)
            #expect(try await home.outpost("send", "spring").code == 75)
            #expect(office.mails().count == 38)
            let after = try await home.outpost("prove")
            #expect(after.code == 0 && after.out.contains("with fresh caps"), "\(after.out)")
        }

        @Test("a queue that is deleted under a send: 74, with the file's name, and nothing is sent any more")
        func deleted() async throws {
            let office = try await Office(script: "at dot latency 200ms\n")
            let home = try Home()
            try begin(home, port: office.port, people: 2_000)
            let running = try home.start(["send", "spring", "--progress", "none"])
            for _ in 0..<500 where office.accepted().count < 20 { try await Task.sleep(for: .milliseconds(20)) }
            try #require(office.accepted().count >= 20)
            for suffix in ["", "-wal", "-shm", "-runners", "-identity"] {
                try? FileManager.default.removeItem(atPath: home.path + "/queue.sqlite3" + suffix)
            }
            let ended = try await running.ended(within: 30)
            #expect(ended.code == 74, "\(ended.code) \(ended.err)")
            #expect(ended.err.contains("queue.sqlite3 was deleted"), "\(ended.err)")
            #expect(office.accepted().count < 2_000)
        }
    }
}
