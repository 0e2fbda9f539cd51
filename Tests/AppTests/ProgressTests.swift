import Clock
import Queue
import Sender
import Testing

@testable import outpost

@Suite("What a run shows")
struct ProgressTests {
    private func picture(_ change: (inout ProgressPicture) -> Void = { _ in }) -> ProgressPicture {
        let now = Timestamp(iso8601: "2026-01-02T12:00:00Z")!
        var picture = ProgressPicture(
            name: "春季活动", total: 12_480, sent: 6240, deferred: 12, failed: 3, inDoubt: 0, settled: 6243, rate: 2,
            tightest: nil, forecast: now + .seconds(600), waiting: nil, now: now)
        change(&picture)
        return picture
    }

    @Test("a bar is never wider than the terminal", arguments: [5, 20, 40, 80, 120, 300])
    func width(_ width: Int) {
        for reason in [
            nil, WaitReason.rest(until: picture().now, reply: "请稍后再试 " + String(repeating: "x", count: 200)),
        ] {
            let line = ProgressLine.bar(picture { $0.waiting = reason }, width: width)
            #expect(CellWidth.of(line) < max(11, width), "\(line)")
            #expect(!line.contains("\u{1B}"))
        }
    }

    @Test("a bar tells counts, share and rate, and is full at the end")
    func bar() {
        let line = ProgressLine.bar(picture(), width: 120)
        #expect(line.contains("  6240/12 480  50 %") && line.contains("2/s") && line.contains("12 deferred"))
        #expect(line.contains("####....") || line.contains("#."))
        #expect(ProgressLine.bar(picture { $0.settled = $0.total }, width: 120).hasPrefix("[########"))
        #expect(!ProgressLine.bar(picture { $0.settled = $0.total }, width: 120).contains("."))
    }

    @Test("a line says why nothing moves")
    func waiting() {
        let cap = WaitReason.cap(
            Limit(scope: .source, count: 100, per: .seconds(3600)), key: "default", until: picture().now + .seconds(60))
        let line = ProgressLine.plain(picture { $0.waiting = cap })
        #expect(line.contains("source default is at its cap of 100 / 1h"), "\(line)")
        #expect(!line.contains("2/s"))
    }
}

@Suite("How a run ends")
struct EndingTests {
    private func campaign(_ people: Int) throws -> Campaign {
        let queue = try Queue.open(at: temporaryFolder() + "/q.sqlite3", access: .create)
        let campaign = try queue.create(
            CampaignDraft(name: "c", account: "a", columns: ["email"], content: [], contentHash: "x"))
        let importer = try queue.importer(for: campaign.id)
        for index in 0..<people {
            try importer.add(
                ImportRow(
                    email: "p\(index)@example.com", key: "p\(index)@example.com", domain: "example.com",
                    fields: "p\(index)@example.com", line: index + 2))
        }
        _ = try importer.finish()
        return try #require(try queue.campaign(named: "c"))
    }

    @Test("each ending has the contract's exit code, one sentence and a next step where there is one")
    func codes() throws {
        let campaign = try campaign(2)
        let now = SystemClock().now()
        let limit = Limit(scope: .source, count: 1, per: .seconds(60))
        let cases: [(Ending, Int32?, outpost.ExitStatus)] = [
            (.finished, nil, .done), (.capped(limit, key: "default", until: now), nil, .workLeft),
            (.closed(until: now), nil, .workLeft), (.waiting(until: now), nil, .workLeft),
            (.resting(until: now, reply: "slow down"), nil, .workLeft),
            (.others(2), nil, .workLeft), (.paused, nil, .workLeft), (.cancelled, nil, .done),
            (.inDoubt(1), nil, .workLeft),
            (.loginRefused("535 no"), nil, .loginRefused), (.unreachable("refused"), nil, .unreachable),
            (.limitReached, nil, .workLeft), (.interrupted, 2, .interrupted), (.interrupted, 15, .terminated),
        ]
        for (ending, signal, status) in cases {
            let report = EndingReport(ending, campaign, signal: signal, now: now)
            #expect(report.status == status, "\(ending)")
            #expect(!report.what.isEmpty && !report.what.contains("{"), "\(report.what)")
            if status == .workLeft { #expect(report.next?.contains("outpost") == true, "\(ending)") }
        }
        let empty = try self.campaign(0)
        var run = Progress()
        run.failed = 45
        #expect(
            EndingReport(.limitReached, campaign, run: run, signal: nil, now: now).what
                == "As many as asked for were begun: 0 sent, 45 failed; 2 left.")
        #expect(EndingReport(.limitReached, empty, signal: nil, now: now).status == .done)
        // What another process has is no other try, and once that is through there is nothing left to say of it.
        let others = EndingReport(.others(2), campaign, signal: nil, now: now)
        #expect(others.what == "Another process is sending the last 2; nobody is left for this one.")
        #expect(others.next == "To see how far it is: outpost status c")
        let over = EndingReport(.others(2), empty, signal: nil, now: now)
        #expect(over.status == .done && over.what.hasPrefix("c is finished"))
    }

    @Test("errors of every room get the exit code the contract names")
    func boundary() {
        let cases: [(any Error, outpost.ExitStatus)] = [
            (QueueError.noSuchCampaign("x"), .notFound), (QueueError.missing(path: "/q"), .notFound),
            (QueueError.cannotCreate(path: "/q", detail: ""), .cannotCreate), (QueueError.full(path: "/q"), .ioError),
            (QueueError.unclaimed(reason: ""), .workLeft), (QueueError.corrupt(path: "", detail: ""), .badData),
            (SessionError.login(Reply(code: 535, text: "no")), .loginRefused),
            (SessionError.unprotected("x"), .unreachable), (Failure(.configuration, "x"), .configuration),
            (CancellationError(), .internalError),
        ]
        for (error, status) in cases { #expect(Boundary.failure(for: error).status == status, "\(error)") }
    }

    @Test("a status line has the contract's keys in the contract's order, and its tallies add up")
    func status() throws {
        let queue = try Queue.open(at: temporaryFolder() + "/q.sqlite3", access: .create)
        let campaign = try queue.create(
            CampaignDraft(name: "c", account: "a", columns: ["email"], content: [], contentHash: "x"))
        let config = try Config(TOMLFile(text: "", path: "c"), presets: PresetCatalogue(folder: nil))
        let line = try CampaignStatus(campaign, in: queue, config: config, by: nil).json.line
        let wanted =
            #"{"campaign":"c","state":"draft","total":0,"pending":0,"sending":0,"sent":0,"deferred":0,"failed":0,"#
            + #""suppressed":0,"in_doubt":0,"cancelled":0,"rate_per_second":0.0,"started":null,"finished":null,"#
            + #""forecast":null,"limits":[{"scope":"source","key":"default","per_seconds":3600,"count":100,"used":0,"#
            + #""next_free":null}"#
        #expect(line.hasPrefix(wanted), "\(line)")
    }
}
