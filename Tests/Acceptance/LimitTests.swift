import Foundation
import Testing

extension BuiltProgram {
    /// What the system lets the process have.
    @Suite("limits of the process")
    struct ProcessLimits {
        private func outpost(_ limit: String, _ home: Home, _ arguments: String) async throws -> Outcome {
            try await Running(
                "sh", ["-c", "ulimit \(limit); exec '\(Program.path)' \(arguments)"],
                environment: Program.environment(["OUTPOST_HOME": home.path]), folder: home.folder
            ).ended(within: 60)
        }

        @Test("more sessions than open files are said once, and as many as there are files for are used")
        func files() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(60))
            let outcome = try await outpost("-n 40", home, "send spring --sessions 60 --progress none")
            #expect(outcome.code == 0, "\(outcome.err)")
            #expect(outcome.err.components(separatedBy: "60 sessions need more open files than the 40").count == 2)
            #expect(office.mails().count == 60)
        }

        @Test("a file that may not grow is named, with the reason, and it goes on where it stopped")
        func size() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(300))
            #expect(try await home.outpost("import", "spring").code == 0)
            let backup = try await outpost("-f 100", home, "backup copy.sqlite3")
            #expect(backup.code == 74, "\(backup.code) \(backup.err)")
            #expect(backup.err.contains("/copy.sqlite3"), "\(backup.err)")
            #expect(backup.err.contains("no file may be larger than 51200 bytes"), "\(backup.err)")
            let sent = try await outpost("-f 100", home, "send spring --progress none")
            #expect(sent.code == 74, "\(sent.code) \(sent.err)")
            #expect(sent.err.contains("queue.sqlite3-wal: no file may be larger than 51200 bytes"), "\(sent.err)")
            let last = try await home.outpost("send", "spring", "--in-doubt", "assume-sent", "--progress", "none")
            #expect(last.code == 0, "\(last.err)")
            let accepted = office.accepted().map(\.email)
            #expect(Set(accepted).count == accepted.count && (295...300).contains(accepted.count), "\(accepted.count)")
        }
    }
}
