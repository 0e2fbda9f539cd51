import Clock
import Foundation
import Queue
import Testing

@testable import outpost

@Suite struct QueueConsoleSourceTests {
    /// A home of its own with a queue of one campaign of five people.
    final class Home: Sendable {
        let folder = NSTemporaryDirectory() + "console-tests-" + UUID().uuidString
        let places: Places
        let queue: Queue
        let campaign: Int64

        init() throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let folder = folder
            places = try Places(environment: { $0 == "OUTPOST_HOME" ? folder : nil })
            queue = try Queue.open(at: places.queue, access: .create)
            campaign = try queue.create(
                CampaignDraft(
                    name: "spring", account: "qq", columns: ["email"],
                    content: Array(
                        #"{"from":"Shop <shop@example.com>","subject":"x","headers":{},"attachments":[],"attachmentHashes":{}}"#
                            .utf8),
                    contentHash: "1")
            ).id
            let importer = try queue.importer(for: campaign)
            for number in 0..<5 {
                let address = "p\(number)@example.com"
                try importer.add(
                    ImportRow(email: address, key: address, domain: "example.com", fields: address, line: number + 2))
            }
            _ = try importer.finish()
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func source() throws -> QueueConsoleSource { try QueueConsoleSource(places: places) }

        func runner() async throws -> Runner {
            try await queue.startRunner(campaign, account: "qq", source: "default", limits: [], doubt: .hold)
        }
    }

    @Test("without a queue there are no campaigns, and no queue is made")
    func noQueue() throws {
        let folder = NSTemporaryDirectory() + "console-tests-" + UUID().uuidString
        let source = try QueueConsoleSource(
            places: Places(environment: { $0 == "OUTPOST_HOME" ? folder : nil }))
        #expect(try source.snapshot(selected: nil) == Snapshot())
        #expect(try source.changeCounter() == 0)
        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    @Test("a draft is not started; its terms say how many, from whom and under which caps")
    func draft() throws {
        let home = try Home()
        let source = try home.source()
        let snapshot = try source.snapshot(selected: "spring")
        let row = try #require(snapshot.campaigns.first)
        #expect(row.activity == .draft)
        #expect(row.standstill == .notStarted)
        #expect(row.tallies.pending == 5)
        #expect(snapshot.open?.from == "Shop <shop@example.com>")
        #expect(snapshot.open?.limits.map(\.count) == [100, 500])
        let terms = try source.terms("spring")
        #expect(terms.people == 5)
        #expect(terms.caps == "source 100 / 1h, source 500 / 24h")
        #expect(!terms.isResumed)
        #expect(throws: Failure.self) { try source.terms("summer") }
    }

    @Test("what shall be sent and nobody sends is idle and says so")
    func idle() async throws {
        let home = try Home()
        try await home.runner().stop()
        let row = try #require(try home.source().snapshot(selected: nil).campaigns.first)
        #expect(row.activity == .idle)
        #expect(row.standstill == .noRunner)
    }

    @Test("a runner at work, its sessions and its attempts are shown; the counter tells of every commit")
    func running() async throws {
        let home = try Home()
        let source = try home.source()
        let before = try source.changeCounter()
        let runner = try await home.runner()
        let leased = try await runner.lease(2).recipients
        let begun = try await runner.exchange(
            settle: [],
            begin: leased.map {
                BeginRequest(recipient: $0.id, server: "s:25", messageID: "<\($0.id)@x>", domain: "example.com")
            })
        guard case .begun(let attempt)? = begun.first else {
            Issue.record("not begun")
            return
        }
        _ = try await runner.exchange(
            settle: [
                Settlement(attempt: attempt, outcome: .sent, code: 250, enhanced: "2.0.0", reply: "OK queued", bytes: 9)
            ], begin: [])
        _ = try await runner.status(
            RunnerStatus(sessions: [
                SessionStatus(number: 1, server: "s:25", state: "DATA", since: SystemClock().now())
            ]))
        #expect(try source.changeCounter() != before)
        let snapshot = try source.snapshot(selected: "spring")
        let row = try #require(snapshot.campaigns.first)
        #expect(row.activity == .running)
        #expect(row.tallies.sent == 1)
        #expect(row.tallies.sending == 1)
        #expect(row.tallies.total == 5)
        let open = try #require(snapshot.open)
        #expect(open.sessions.first?.step == "DATA")
        #expect(open.attempts.map(\.mark) == [.open, .sent])
        #expect(open.pulse.last == 1 || open.pulse.dropLast().last == 1)
        #expect(open.destinations.first?.domain == "example.com")
        try await runner.stop()
    }

    @Test(
        "each reason of a runner is told in the console's words",
        arguments: [
            ("everybody left waits for another try", Standstill.retry(until: later)),
            ("the server asked for less: 421 slow down", .rest(until: later, why: "421 slow down")),
            ("no connection: refused", .said("no connection: refused", until: later)),
            ("something new", .said("something new", until: later)),
        ])
    func reasons(_ words: String, _ standstill: Standstill) async throws {
        let home = try Home()
        let runner = try await home.runner()
        _ = try await runner.status(RunnerStatus(waitingFor: words, until: Self.later))
        let row = try #require(try home.source().snapshot(selected: nil).campaigns.first)
        #expect(row.activity == .waiting)
        #expect(row.standstill == standstill)
        try await runner.stop()
    }

    @Test("pause is an order in the queue, with its reason and time; it can be taken back")
    func pause() async throws {
        let home = try Home()
        let runner = try await home.runner()
        let source = try home.source()
        try source.pause("spring")
        let row = try #require(try source.snapshot(selected: nil).campaigns.first)
        #expect(row.activity == .paused)
        guard case .paused(let why, let at)? = row.standstill else {
            Issue.record("no reason")
            return
        }
        #expect(why == "in the console (\(Author.name))" && Author.name.contains("@"))
        #expect(try source.snapshot(selected: "spring").open?.events.first?.text == "paused: \(why)")
        #expect(at != nil)
        #expect(try await runner.status(RunnerStatus()).state == .paused)
        // A runner lives, so no other is started.
        try source.resume("spring")
        #expect(try await runner.status(RunnerStatus()).state == .sending)
        #expect(source.ownRunners().isEmpty)
        #expect(throws: Failure.self) { try source.pause("summer") }
        try await runner.stop()
    }

    @Test("a queue that is moved away is not written to any more, and is read again when one is back")
    func gone() throws {
        let home = try Home()
        let source = try home.source()
        #expect(try source.snapshot(selected: nil).campaigns.count == 1)
        #expect(try source.lift(1) == 0)
        let before = try source.changeCounter()
        let files = ["", "-wal", "-shm", "-identity", "-runners"].filter {
            FileManager.default.fileExists(atPath: home.places.queue + $0)
        }
        for file in files {
            try FileManager.default.moveItem(atPath: home.places.queue + file, toPath: home.folder + "/away" + file)
        }
        let error = #expect(throws: Failure.self) { try source.changeCounter() }
        #expect(error?.what.contains(home.places.queue) == true)
        #expect(throws: Failure.self) { try source.lift(1) }
        #expect(throws: Failure.self) { try source.changeCounter() }
        // Another one in its place.
        for file in files {
            try FileManager.default.copyItem(atPath: home.folder + "/away" + file, toPath: home.places.queue + file)
        }
        #expect(try source.changeCounter() >> 40 > before >> 40)
        #expect(try source.snapshot(selected: nil).campaigns.count == 1)
    }

    @Test("a process that was started and could not begin says why, also where nothing was sent yet")
    func couldNotBegin() throws {
        let home = try Home()
        let campaign = try #require(try home.queue.campaign(named: "spring"))
        let config = try Config(TOMLFile(text: "", path: home.places.config), presets: PresetCatalogue(folder: ""))
        for (code, word) in [(Int32(74), "disk full"), (77, "login"), (78, "config.toml")] {
            let row = try CampaignView(
                campaign, home.queue, config, nil, SystemClock(), endings: ["spring": code]
            ).row()
            guard case .said(let text, _)? = row.standstill else {
                Issue.record("no reason for \(code)")
                continue
            }
            #expect(text.contains(word))
        }
        let row = try CampaignView(campaign, home.queue, config, nil, SystemClock(), endings: ["spring": 75]).row()
        #expect(row.standstill == .notStarted)
    }

    @Test("a broken config.toml is a warning on the screen, not the end of it")
    func brokenConfig() throws {
        let home = try Home()
        try Data("nonsense = [".utf8).write(to: URL(filePath: home.places.config))
        let snapshot = try home.source().snapshot(selected: "spring")
        #expect(snapshot.campaigns.count == 1)
        #expect(snapshot.warnings.count == 1)
    }

    static let later = Timestamp(seconds: 4_000_000_000)
}
