import Glibc
import Testing

extension BuiltProgram {
    @Suite("stress")
    struct Stress {
        @Test(
            "a short load over many connections loses nothing, doubles nothing, says so as JSON and leaves nothing",
            arguments: [false, true])
        func short(_ tls: Bool) async throws {
            let home = try Home()
            let folder = try home.folder.make("tmp")
            var words = ["stress", "--connections", "40", "--messages", "1500", "--size", "4k", "--json"]
            if tls { words.append("--tls") }
            let outcome = try await home.start(words, environment: ["TMPDIR": folder]).ended(within: 120)
            #expect(outcome.code == 0, "\(outcome.code) \(outcome.out) \(outcome.err)")
            let report = try outcome.object()
            #expect(report.int("sent") == 1500 && report.int("accepted") == 1500 && report.int("begun") == 1500)
            #expect(report.int("lost") == 0 && report.int("doubled") == 0 && report.int("in_doubt") == 0)
            #expect((report.int("size_bytes") ?? 0) == 4000)
            let latency = ["p50", "p90", "p99", "p99_9", "max"].map { report.double("latency_ms_\($0)") ?? -1 }
            #expect(latency == latency.sorted() && latency[0] > 0, "\(latency)")
            #expect((report.double("messages_per_second") ?? 0) > 10)
            #expect((report.int("memory_bytes") ?? 0) > 1_000_000)
            #expect((report.int("postoffice_memory_bytes") ?? 0) > 1_000_000)
            #expect(Folder.files(folder).isEmpty)
            #expect(Folder.files(home.path).isEmpty)
        }

        @Test("one queue after the other adds up, and a kept folder holds the last one only")
        func queues() async throws {
            let home = try Home()
            let folder = home.folder.path + "/kept"
            let outcome = try await home.start(
                [
                    "stress", "--connections", "10", "--messages", "700", "--per-queue", "300", "--size", "1k",
                    "--keep", folder,
                    "--json",
                ]
            ).ended(within: 120)
            #expect(outcome.code == 0, "\(outcome.code) \(outcome.out) \(outcome.err)")
            let report = try outcome.object()
            #expect(report.int("sent") == 700 && report.int("accepted") == 700 && report.int("queues") == 3)
            #expect((report.int("disk_bytes") ?? 0) > 50_000)
            let kept = Folder.files(folder)
            #expect(kept.contains { $0.hasSuffix("queue-3/queue.sqlite3") }, "\(kept)")
            #expect(!kept.contains { $0.contains("queue-1") || $0.contains("queue-2") }, "\(kept)")
        }

        @Test("ctrl-c ends it early with the report, and nothing is left")
        func interrupted() async throws {
            let home = try Home()
            let folder = try home.folder.make("tmp")
            let running = try home.start(
                ["stress", "--connections", "20", "--duration", "10m", "--json"], environment: ["TMPDIR": folder])
            try await eventually(within: 30, "its queue is there") {
                Folder.files(folder).contains { $0.hasSuffix("queue.sqlite3-runners") } || !running.isRunning
            }
            try await Task.sleep(for: .seconds(2))
            running.signal(SIGINT)
            let outcome = try await running.ended(within: 60)
            #expect(outcome.code == 0, "\(outcome.code) \(outcome.out) \(outcome.err)")
            let report = try outcome.object()
            #expect(report.values["interrupted"] as? Bool == true)
            #expect(report.int("lost") == 0 && report.int("doubled") == 0 && (report.int("sent") ?? 0) > 0)
            #expect(Folder.files(folder).isEmpty)
        }

        @Test("ctrl-c twice ends it at once, and neither its post office nor its folder is left")
        func interruptedTwice() async throws {
            let home = try Home()
            let folder = try home.folder.make("tmp")
            let running = try home.start(
                ["stress", "--connections", "20", "--duration", "10m", "--json"], environment: ["TMPDIR": folder])
            try await eventually(within: 30, "its queue is there") {
                Folder.files(folder).contains { $0.hasSuffix("queue.sqlite3-runners") } || !running.isRunning
            }
            running.signal(SIGINT)
            running.signal(SIGTERM)
            _ = try await running.ended(within: 20)
            try await eventually(within: 10, "nothing of it runs any more") {
                try await run("pgrep", ["-f", folder], in: home.folder).out.isEmpty
            }
            #expect(Folder.files(folder).isEmpty)
        }

        @Test(
            "a wrong word is exit 64, and there is none that names a server",
            arguments: [
                ["--connections", "0"], ["--duration", "soon"], ["--size", "1"], ["--messages", "0"],
                ["--host", "example.org"], ["--port", "25"],
            ])
        func usage(_ words: [String]) async throws {
            let outcome = try await Home().start(["stress"] + words).ended(within: 20)
            #expect(outcome.code == 64, "\(outcome.code) \(outcome.err)")
            #expect(outcome.out == "")
        }
    }
}
