import Foundation
import Glibc
import Testing

extension BuiltProgram {
    /// What the machine does to the queue while it sends: each ends with a clear word and the contract's exit code, and
    /// after the cure the campaign goes on with nobody lost and nobody doubled.
    @Suite("faults of disk, file and clock")
    struct Faults {
        private static let people = 300

        private func begin(_ office: Office, in home: Home, people: Int = Self.people) async throws {
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(people))
            let imported = try await home.outpost("import", "spring")
            try #require(imported.code == 0, "\(imported.err)")
        }

        /// A shell that sets the ground up and then becomes the program.
        private func shell(_ script: String, _ home: Home) throws -> Running {
            try Running(
                "sh", ["-c", script], environment: Program.environment(["OUTPOST_HOME": home.path]),
                folder: home.folder)
        }

        /// Sends what is left, and asks the post office whether each person got the message once.
        private func cured(_ office: Office, _ home: Home, people: Int = Self.people) async throws {
            let verified = try await home.outpost("verify")
            #expect(verified.code == 0, "\(verified.out)\(verified.err)")
            let last = try await home.outpost("send", "spring", "--progress", "none", within: 120)
            let tallies = try await home.tallies()
            #expect(last.code == (tallies["in_doubt"] == 0 ? 0 : 75), "\(last.code) \(last.err)")
            #expect(tallies.sum == people && tallies["sent"] + tallies["in_doubt"] == people, "\(tallies)")
            let accepted = office.accepted().map(\.email)
            #expect(Set(accepted).count == accepted.count, "somebody was sent it twice")
            #expect(accepted.count >= tallies["sent"] && accepted.count <= people)
            let sent = try await home.list("recipients", "spring", "--state", "sent").compactMap { $0.string("email") }
            #expect(Set(sent).isSubset(of: Set(accepted)), "said to be sent, never accepted")
            // A doubt is one that was on the wire when the disk failed: at most a few a session.
            #expect(tallies["in_doubt"] <= 4 * 16, "\(tallies)")
        }

        /// A test that this machine cannot run says so, and passes.
        private func skip(_ reason: String) {
            FileHandle.standardError.write(Data("skipped: \(reason)\n".utf8))
        }

        private func unmount(_ path: String) {
            let umount = Process()
            umount.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            umount.arguments = ["umount", "-l", path]
            umount.standardError = FileHandle.nullDevice
            guard (try? umount.run()) != nil else { return }
            umount.waitUntilExit()
        }

        private func isClear(_ outcome: Outcome, _ words: String..., place: SourceLocation = #_sourceLocation) {
            let text = outcome.err.lowercased()
            #expect(words.contains { text.contains($0) }, "\(outcome.code): \(outcome.err)", sourceLocation: place)
            #expect(!text.contains("fatal error"), "\(outcome.err)", sourceLocation: place)
        }

        @Test("a disk that is full stops the sending with 74; with room again it goes on")
        func full() async throws {
            let office = try await Office(script: "at dot latency 5ms\n")
            let home = try Home()
            try await begin(office, in: home)
            // A file may grow by so much and no further: what a full disk looks like to a process, without its signal.
            let log = home.path + "/queue.sqlite3-wal"
            let size = max(Folder.bytes(log).count, Folder.bytes(home.path + "/queue.sqlite3").count)
            let blocks = size / 512 + 900
            let running = try shell(
                "trap '' XFSZ; ulimit -f \(blocks); exec '\(Program.path)' send spring --progress none", home)
            let outcome = try await running.ended(within: 60)
            #expect(outcome.code == 74, "\(outcome.code) \(outcome.err)")
            isClear(outcome, "space", "written", "large")
            let accepted = office.accepted().count
            #expect(accepted > 0 && accepted < Self.people, "\(accepted)")
            try await Task.sleep(for: .milliseconds(300))
            #expect(office.accepted().count == accepted, "sent after the end")
            try await cured(office, home)
        }

        @Test("a device without space for the queue: an import and a send say so with 74 or 73, and lose nothing")
        func noSpace() async throws {
            let office = try await Office()
            let folder = try Folder()
            let home = try Home()
            try home.folder.make("home")
            // A mount of its own needs a privilege that not every machine gives.
            let mounted = try await run(
                "mount", ["-t", "tmpfs", "-o", "size=400k", "tmpfs", home.path], in: folder)
            guard mounted.code == 0 else {
                skip("no small file system can be mounted here (\(mounted.err))")
                return
            }
            defer { unmount(home.path) }
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(4_000))
            let imported = try await home.outpost("import", "spring")
            #expect(imported.code == 74 || imported.code == 73, "\(imported.code) \(imported.err)")
            isClear(imported, "space", "written")
            let tried = try await home.outpost("send", "spring", "--progress", "none")
            #expect(tried.code == 74 || tried.code == 73, "\(tried.code) \(tried.err)")
            #expect(office.begun().isEmpty)
            let grown = try await run("mount", ["-o", "remount,size=64m", home.path], in: folder)
            try #require(grown.code == 0, "\(grown.err)")
            try home.campaign(people: People.csv(200))
            _ = try await home.outpost("verify")
            let sent = try await home.outpost("send", "spring", "--progress", "none", within: 120)
            #expect(sent.code == 0, "\(sent.code) \(sent.err)")
            let accepted = office.accepted().map(\.email)
            let tallies = try await home.tallies()
            #expect(Set(accepted).count == accepted.count && accepted.count == tallies["sent"], "\(tallies)")
        }

        @Test("a small disk that others fill in the middle of a run: 74, nobody lost, and with room again it goes on")
        func filled() async throws {
            let office = try await Office(script: "at dot latency 2ms\n")
            let folder = try Folder()
            let home = try Home()
            try home.folder.make("home")
            let mounted = try await run("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", home.path], in: folder)
            guard mounted.code == 0 else {
                skip("no small file system can be mounted here (\(mounted.err))")
                return
            }
            defer { unmount(home.path) }
            // With a cap that lets one begin at a time, these people write twice the disk's size of log.
            try home.configure(port: office.port, limits: [(1_000, "10s")])
            try home.campaign(people: People.csv(1_000))
            #expect(try await home.outpost("import", "spring").code == 0)
            let running = try shell("exec '\(Program.path)' send spring --progress none", home)
            while office.accepted().count < 300 { try await Task.sleep(for: .milliseconds(20)) }
            _ = try await run("sh", ["-c", "cat /dev/zero >'\(home.path)/filler'"], in: folder)
            let outcome = try await running.ended(within: 60)
            #expect(outcome.code == 74, "\(outcome.code) \(outcome.err)")
            isClear(outcome, "no space is left")
            let before = office.accepted().count
            #expect(before < 1_000)
            _ = try await run("rm", [home.path + "/filler"], in: folder)
            try await cured(office, home, people: 1_000)
            let proven = try await home.outpost("prove")
            #expect(proven.code == 0, "\(proven.out)\(proven.err)")
        }

        @Test("a queue that cannot be written is refused with 74 before anything is sent")
        func readOnly() async throws {
            let office = try await Office()
            let home = try Home()
            try await begin(office, in: home, people: 20)
            // Root may write whatever its bits say; a read-only mount holds for root too.
            let isRoot = geteuid() == 0
            if isRoot {
                let bound = try await run("mount", ["--bind", home.path, home.path], in: home.folder)
                let closed = try await run("mount", ["-o", "remount,bind,ro", home.path], in: home.folder)
                guard bound.code == 0, closed.code == 0 else {
                    unmount(home.path)
                    skip("nothing can be mounted read-only here (\(bound.err)\(closed.err))")
                    return
                }
            } else {
                for name in ["queue.sqlite3", "queue.sqlite3-wal", "queue.sqlite3-shm"] {
                    chmod(home.path + "/" + name, 0o400)
                }
                chmod(home.path, 0o500)
            }
            let outcome = try await home.outpost("send", "spring", "--progress", "none")
            let shown = try await home.outpost("status", "spring", "--json")
            if isRoot { unmount(home.path) }
            chmod(home.path, 0o700)
            for name in ["queue.sqlite3", "queue.sqlite3-wal", "queue.sqlite3-shm"] {
                chmod(home.path + "/" + name, 0o600)
            }
            #expect(outcome.code == 74, "\(outcome.code) \(outcome.err)")
            isClear(outcome, "written", "read-only")
            #expect(office.begun().isEmpty)
            // Whoever only looks gets an answer or the same word: SQLite cannot always read a log it may not open.
            #expect(shown.code == 0 || shown.code == 74, "\(shown.code) \(shown.err)")
            try await cured(office, home, people: 20)
        }

        @Test("a page of rubbish in the middle of the queue: 65, nothing is sent, and verify says it too")
        func corrupt() async throws {
            let office = try await Office()
            let home = try Home()
            try await begin(office, in: home, people: 2_000)
            let path = home.path + "/queue.sqlite3"
            let good = try await whole(path, home)
            // Every page from the middle on, so that it matters whichever is read.
            var bad = good
            let from = bad.count / 2 / 4096 * 4096
            for index in from..<bad.count { bad[index] = UInt8(truncatingIfNeeded: index &* 131) }
            try overwrite(path, with: bad)
            let outcome = try await home.outpost("send", "spring", "--progress", "none")
            #expect(outcome.code == 65, "\(outcome.code) \(outcome.err)")
            isClear(outcome, "damaged", "malformed")
            let verified = try await home.outpost("verify")
            #expect(verified.code == 1, "\(verified.code) \(verified.err)")
            #expect(try await !home.outpost("verify", "--json").objects().isEmpty)
            let begun = office.begun().count
            try await Task.sleep(for: .milliseconds(300))
            #expect(office.begun().count == begun)
            #expect(begun == 0, "\(begun) were begun on a damaged queue")
            try overwrite(path, with: good)
            try await cured(office, home, people: 2_000)
        }

        @Test("one page of rubbish, wherever it is: never a wrong word, never a second message", arguments: 1...6)
        func onePage(_ part: Int) async throws {
            let office = try await Office()
            let home = try Home()
            try await begin(office, in: home, people: 1_000)
            let path = home.path + "/queue.sqlite3"
            let good = try await whole(path, home)
            let page = good.count / 4096 * part / 7
            var bad = good
            for index in page * 4096..<(page + 1) * 4096 { bad[index] = UInt8(truncatingIfNeeded: index &* 131) }
            try overwrite(path, with: bad)
            let outcome = try await home.outpost("send", "spring", "--progress", "none")
            // It may lie where this campaign never looks.
            #expect([0, 65, 74].contains(outcome.code), "page \(page): \(outcome.code) \(outcome.err)")
            let verified = try await home.outpost("verify")
            #expect(verified.code == 1 || verified.code == 65, "page \(page): \(verified.code) \(verified.err)")
            let accepted = office.accepted().map(\.email)
            #expect(Set(accepted).count == accepted.count)
        }

        /// The queue's bytes, with all that was committed in the file itself.
        private func whole(_ path: String, _ home: Home) async throws -> [UInt8] {
            let script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA wal_checkpoint(TRUNCATE)')"
            let checkpoint = try Running(
                "python3", ["-c", script, path], environment: Program.environment([:]), folder: home.folder)
            try #require(try await checkpoint.ended().code == 0, "\(checkpoint.err)")
            return Folder.bytes(path)
        }

        private func overwrite(_ path: String, with bytes: [UInt8]) throws {
            // In place: another inode would be another file to the restore guard.
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try file.write(contentsOf: Data(bytes))
            try file.truncate(atOffset: UInt64(bytes.count))
            try file.close()
            for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
        }

        private static let holder = """
            import sqlite3, sys, time
            db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
            db.execute('BEGIN EXCLUSIVE')
            print('held', flush=True)
            time.sleep(float(sys.argv[2]))
            db.execute('ROLLBACK')
            """

        private func hold(_ home: Home, _ seconds: Double) async throws -> Running {
            let holder = try Running(
                "python3", ["-c", Self.holder, home.path + "/queue.sqlite3", "\(seconds)"],
                environment: Program.environment([:]), folder: home.folder)
            try await eventually("the queue is locked: \(holder.err)") {
                holder.out.contains("held") || !holder.isRunning
            }
            return holder
        }

        @Test("another program that holds the queue for 3 s is waited for")
        func lockedShortly() async throws {
            let office = try await Office()
            let home = try Home()
            try await begin(office, in: home, people: 50)
            let holder = try await hold(home, 3)
            let outcome = try await home.outpost("send", "spring", "--progress", "none")
            #expect(outcome.code == 0, "\(outcome.code) \(outcome.err)")
            #expect(try await holder.ended().code == 0)
            try await cured(office, home, people: 50)
        }

        @Test("one that does not let go: a clear word and 75, and nothing was sent")
        func lockedLong() async throws {
            let office = try await Office()
            let home = try Home()
            try await begin(office, in: home, people: 50)
            let holder = try await hold(home, 60)
            let outcome = try await home.outpost("send", "spring", "--progress", "none", within: 50)
            #expect(outcome.code == 75, "\(outcome.code) \(outcome.err)")
            isClear(outcome, "locked")
            #expect(office.begun().isEmpty)
            #expect(holder.isRunning)
            holder.signal(SIGKILL)
            try await cured(office, home, people: 50)
        }

        @Test("locked in the middle of a campaign: it waits, then ends with 75, and goes on later")
        func lockedMeanwhile() async throws {
            let office = try await Office(script: "at dot latency 20ms\n")
            let home = try Home()
            try await begin(office, in: home)
            let running = try home.start(["send", "spring", "--progress", "none"])
            try await eventually("a message is accepted") { office.accepted().count > 5 || !running.isRunning }
            let holder = try await hold(home, 100)
            // All that is tried on the way out waits together for 15 s; one wait after another would take 45 s and more.
            let outcome = try await running.ended(within: 40)
            #expect(outcome.code == 75, "\(outcome.code) \(outcome.err)")
            isClear(outcome, "locked")
            let accepted = office.accepted().count
            holder.signal(SIGKILL)
            #expect(accepted < Self.people)
            try await Task.sleep(for: .milliseconds(300))
            #expect(office.accepted().count == accepted)
            try await cured(office, home)
        }

        @Test("a clock in 1970 sends nothing, says why, and the campaign goes on once it is right")
        func unsetClock() async throws {
            guard access("/usr/bin/faketime", X_OK) == 0 else {
                skip("faketime is not installed")
                return
            }
            let office = try await Office()
            let home = try Home()
            try await begin(office, in: home)
            let outcome = try await shell(
                "exec env FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 faketime '1970-01-02 03:04:05' "
                    + "'\(Program.path)' send spring --progress none", home
            ).ended(within: 60)
            #expect(outcome.code == 75, "\(outcome.code) \(outcome.err)")
            isClear(outcome, "1970-01-02")
            #expect(office.accepted().isEmpty)
            try await cured(office, home)
        }

        @Test(
            "a clock in 2024 or in 2100 sends nobody twice, and passes no cap when it is right again",
            arguments: ["2024-01-02 03:04:05", "2100-01-01 00:00:00"])
        func clock(_ date: String) async throws {
            guard access("/usr/bin/faketime", X_OK) == 0 else {
                skip("faketime is not installed")
                return
            }
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port, limits: [(30, "1h")])
            try home.campaign(people: People.csv(100))
            func faked(_ arguments: String) async throws -> Outcome {
                // The wall clock alone: time since boot goes its own way, as when somebody sets the clock.
                try await shell(
                    "exec env FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 faketime '\(date)' "
                        + "'\(Program.path)' \(arguments)", home
                ).ended(within: 60)
            }
            let first = try await faked("send spring --limit 20 --progress none")
            #expect(first.code == 75, "\(first.code) \(first.err)")
            #expect(office.accepted().count == 20)
            // Back to the present, and there again: ten are left of the hour's thirty, whatever the wall says.
            let second = try await home.outpost("send", "spring", "--progress", "none")
            #expect(second.code == 75, "\(second.code) \(second.err)")
            #expect(office.accepted().count == 30)
            let third = try await faked("send spring --progress none")
            #expect(third.code == 75, "\(third.code) \(third.err)")
            let accepted = office.accepted().map(\.email)
            #expect(accepted.count == 30 && Set(accepted).count == 30)
            let status = try await faked("status spring --json")
            #expect(status.code == 0, "\(status.err)")
            #expect(try Tallies(json: status.object())["sent"] == 30)
            #expect(try await home.outpost("verify").code == 0)
        }
    }
}
