import Clock
import Queue
import Testing

@testable import outpost

@Suite struct WaitsTests {
    private func model(_ waits: CampaignWaits = ConsoleFixture.waits, _ columns: Int = 120, _ rows: Int = 40)
        -> ConsoleModel
    {
        var model = ConsoleFixture.model(columns, rows, open: "七月新闻简报")
        model.type(.character("3"))
        _ = model.update(.waits(waits), at: ConsoleFixture.now)
        return model
    }

    @Test("3 asks for the waits of the campaign at hand; going back asks for none")
    func opening() {
        var model = ConsoleFixture.model(80, 24)
        #expect(model.type(.down, .character("3")) == [.watch("invoice-run"), .waits("invoice-run")])
        #expect(model.place == .waits)
        #expect(model.type(.escape) == [.waits(nil)])
        #expect(model.place == .campaigns)
    }

    @Test("1, 2 and 3 go between the campaign, its people and its waits; what is shown already says so")
    func numbers() {
        var model = model()
        #expect(model.type(.character("2")).first == .waits(nil))
        #expect(model.place == .people)
        model.type(.character("3"))
        #expect(model.place == .waits)
        #expect(model.type(.character("3")).isEmpty)
        #expect(model.flash?.text == "that is what is shown")
        model.type(.character("1"))
        #expect(model.place == .live)
        #expect(model.live == "七月新闻简报")
        model.type(.character("1"))
        #expect(model.flash?.text == "that is what is shown")
    }

    @Test("L asks, and only y lifts the rest under the cursor; Enter and what is typed at once do nothing")
    func lift() {
        var model = model()
        model.type(.down)
        #expect(model.type(.character("L")).isEmpty)
        #expect(model.view().text.contains("mail1 → mx.b.test:25"))
        #expect(model.update(.key(.character("y")), at: model.now).isEmpty)
        #expect(model.type(.enter).isEmpty)
        #expect(model.overlay != nil)
        #expect(model.type(.character("y")) == [.lift(9)])
        #expect(model.overlay == nil)
        #expect(model.type(.character("L"), .escape, .character("y")).isEmpty)
        #expect(model.type(.character("L"), .character("n")).isEmpty)
        #expect(model.overlay == nil)
    }

    @Test("without a rest L says so, and the keys move in the spells")
    func noRests() {
        var waits = ConsoleFixture.waits
        waits.rests = []
        var model = model(waits)
        #expect(model.type(.character("L")).isEmpty)
        #expect(model.flash?.text == "no server is being left alone")
        model.type(.down, .down)
        #expect(model.waits?.selectedSpell?.id == 4)
        #expect(model.view().text.contains("no process was sending"))
    }

    @Test("where there is room for one of the two, Tab shows the spells instead of the sums, with rests or without")
    func narrow() {
        for rests in [ConsoleFixture.rests, []] {
            var waits = ConsoleFixture.waits
            waits.rests = rests
            var model = model(waits, 40, 10)
            #expect(model.view().text.contains("74.0%"))
            model.type(.tab)
            #expect(!model.view().text.contains("74.0%"))
            #expect(model.view().text.contains("13:37:31"))
            model.type(.tab)
            #expect(model.view().text.contains("74.0%"))
        }
    }

    @Test("a rest counts down by the second, and leaves the list when its time is over")
    func countdown() throws {
        var model = model()
        #expect(model.view().text.contains(" 3:33 "))
        let deadline = try #require(model.deadline)
        #expect(deadline - model.now.boot <= 1_000_000)
        let later = Moment(wall: ConsoleFixture.later(1), boot: model.now.boot + 1_000_000)
        _ = model.update(.tick, at: later)
        #expect(model.view().text.contains(" 3:32 "))
        _ = model.update(.tick, at: Moment(wall: ConsoleFixture.later(213), boot: model.now.boot + 213_000_000))
        #expect(!model.view().text.contains("smtp.qq.com:465"))
        #expect(model.view().text.contains("mx.b.test:25"))
        #expect(model.type(.character("L"), .character("y")) == [.lift(9)])
    }

    @Test("the answer and who waits are told in full, without what could act on the terminal")
    func inFull() {
        let text = model().view().text
        #expect(text.contains("qq-frequency: 550 Connection frequency limited https://help.example/?id=1"))
        #expect(text.contains("waiting: 七月新闻简报 (35 473 left), invoice-run (2 400 left)"))
        #expect(text.contains("until 14:06:04, then one session tries"))
        #expect(text.contains("3 in a row, nothing sent in between"))
    }

    @Test("Tab goes to the spells and back; each list keeps its place, and new spells do not move it")
    func spells() {
        var model = model()
        model.type(.down, .tab, .down, .down)
        #expect(model.waits?.restCursor.id == 9)
        #expect(model.waits?.selectedSpell?.id == 4)
        var more = ConsoleFixture.waits
        more.time?.spells.insert(
            CampaignTime.Line(
                id: 7, cause: .sending, runner: 4, since: ConsoleFixture.later(0), until: nil, microseconds: 0), at: 0)
        _ = model.update(.waits(more), at: model.now)
        #expect(model.waits?.selectedSpell?.id == 4)
        model.type(.home)
        more.time?.spells.insert(
            CampaignTime.Line(
                id: 8, cause: .sending, runner: 4, since: ConsoleFixture.later(0), until: nil, microseconds: 0), at: 0)
        _ = model.update(.waits(more), at: model.now)
        #expect(model.waits?.selectedSpell?.id == 8)
        model.type(.tab)
        #expect(model.waits?.selectedRest(model.now.wall)?.id == 9)
    }

    @Test("frozen figures stay; the answer for another campaign is dropped")
    func frozen() {
        var model = model()
        model.type(.character("f"))
        var changed = ConsoleFixture.waits
        changed.rests = []
        _ = model.update(.waits(changed), at: model.now)
        #expect(model.waits?.found?.rests.count == 2)
        model.type(.character("f"))
        changed.campaign = "autumn"
        _ = model.update(.waits(changed), at: model.now)
        #expect(model.waits?.found?.rests.count == 2)
    }

    @Test("shares add up to the whole, whatever is cut off", arguments: [1, 7, 100, 1000, 86_400] as [Int64])
    func apportion(_ total: Int64) {
        for parts: [Int64] in [[1, 1, 1], [999_999, 1, 333_333], [1 << 50, 3, 0, 1 << 49], [5]] {
            let shares = Figures.apportion(parts, total)
            #expect(shares.reduce(0, +) == total)
            let sum = parts.reduce(0, +)
            for (share, part) in zip(shares, parts) {
                let exact = Double(part) / Double(sum) * Double(total)
                #expect(abs(Double(share) - exact) < 1)
            }
        }
        #expect(Figures.apportion([0, 0], total) == [0, 0])
    }

    @Test("the lines of the time add up to it, also when there is not room for all")
    func adding() throws {
        for rows in [14, 17, 20, 24, 40] {
            let model = model(ConsoleFixture.waits, 80, rows)
            let percents = model.view().text.split(separator: "\n").compactMap { line -> Int? in
                guard let word = line.split(separator: " ").last(where: { $0.hasSuffix("%") }) else { return nil }
                return Int(word.dropLast().filter { $0 != "." })
            }
            #expect(percents.isEmpty || percents.reduce(0, +) == 1000, "\(rows) rows: \(percents)")
        }
    }

    @Test("a rest and who waits for it come from the queue; lifting it from the console reaches every runner")
    func fromQueue() async throws {
        let home = try QueueConsoleSourceTests.Home()
        let source = try home.source()
        #expect(try source.waits("spring") == CampaignWaits(campaign: "spring"))
        #expect(throws: Failure.self) { try source.waits("summer") }
        let runner = try await home.runner()
        let now = SystemClock().now()
        let route = RouteName(account: "qq", source: "default", server: "s:25")
        try await runner.rest(
            Rest(
                account: "qq", source: "default", server: "s:25", until: now + .seconds(600), since: now, rule: "slow",
                reply: "421 slow down"))
        _ = try await runner.status(
            RunnerStatus(waitingFor: "the server asked for less: 421", cause: WaitCause(.rest, "421")), route: route)
        let found = try source.waits("spring")
        let rest = try #require(found.rests.first)
        #expect(rest.reply == "421 slow down")
        #expect(rest.waiting == [.init(campaign: "spring", left: 5)])
        let time = try #require(found.time)
        #expect(time.parts.reduce(0) { $0 + $1.microseconds } == time.microseconds)
        #expect(time.spells.first?.until == nil)

        let inbox = try #require(Inbox())
        let watcher = Watcher(source: source, inbox: inbox, clock: SystemClock())
        defer { watcher.stop() }
        watcher.watchWaits("spring")
        for id in [rest.id, rest.id] { watcher.carryOut(.lift(id)) }
        var told: [String] = []
        var last: CampaignWaits?
        while told.count < 2 {
            for event in inbox.take() {
                switch event {
                case .done(let text), .refused(let text), .trouble(let text): told.append(text)
                case .waits(let waits): last = waits
                default: break
                }
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(
            told == ["1 lifted. One session tries now; what it is told decides.", "that rest is over already"])
        #expect(try home.queue.rests().isEmpty)
        #expect(try await runner.status(RunnerStatus(), route: route).rest?.isLifted == true)
        #expect(last != nil)
        try await runner.stop()
    }
}
