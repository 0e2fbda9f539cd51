import Clock
import Testing

@testable import Queue

extension BeginAnswer {
    var closedUntil: Timestamp? { if case .closed(let until) = self { until } else { nil } }
    var pacedUntil: Timestamp? { if case .paced(let until) = self { until } else { nil } }
    /// When to ask again, whatever the reason.
    var until: Timestamp? { cappedUntil ?? closedUntil ?? pacedUntil }
}

@Suite struct RuleTests {
    /// Leases one and begins it; gives it back when it may not be begun.
    static func next(_ runner: Runner) async throws -> BeginAnswer? {
        guard let leased = try await runner.lease(1).recipients.first else { return nil }
        let answer = try #require(try await runner.exchange(settle: [], begin: [leased.request]).first)
        if answer.attempt == nil { try await runner.release([leased.id]) }
        return answer
    }

    @Test("nothing begins outside the window of the account or the campaign, whoever sends")
    func window() async throws {
        let clock = ManualClock(Timestamp(iso8601: "2027-01-04T07:59:59Z")!)
        let bed = try Bed(clock: clock)
        let id = try bed.campaign(recipients: 10)
        let window = SendingWindow(days: .workdays, from: 540, to: 541, zone: "Europe/Berlin")
        let runners = [
            try await bed.queue.startRunner(
                id, account: "qq", source: "default", limits: [], doubt: .hold, window: window),
            try await bed.queue.startRunner(
                id, account: "qq", source: "default", limits: [], doubt: .hold, window: window),
        ]
        for runner in runners {
            #expect(try await Self.next(runner)?.closedUntil == Timestamp(iso8601: "2027-01-04T08:00:00Z"))
        }
        clock.advance(.seconds(1))
        let attempt = try #require(try await Self.next(runners[0])?.attempt)
        clock.advance(.seconds(60))
        #expect(try await Self.next(runners[1])?.closedUntil == Timestamp(iso8601: "2027-01-05T08:00:00Z"))
        // What is in flight finishes.
        try await runners[0].settle(attempt, .sent)
        #expect(try bed.tallies(id).sent == 1 && bed.queue.verify(deep: true) == [])
    }

    @Test("a campaign's schedule is frozen with it, and holds for a runner that knows nothing of it")
    func frozen() async throws {
        let clock = ManualClock(Timestamp(iso8601: "2027-01-04T00:00:00Z")!)
        let bed = try Bed(clock: clock)
        var window = SendingWindow.nonWorking10To16
        window.zone = "Asia/Shanghai"
        let schedule = Schedule(at: Timestamp(iso8601: "2027-01-09T03:00:00Z"), window: window)
        let campaign = try bed.queue.create(
            CampaignDraft(
                name: "c", account: "qq", columns: ["email"], content: [], contentHash: "", schedule: schedule))
        try bed.fill(campaign.id, 0..<3)
        #expect(campaign.schedule == schedule)
        #expect(try bed.crashedCopy().campaign(named: "c")?.schedule == schedule)
        let runner = try await bed.runner(campaign.id)
        // Saturday at ten the window opens, and at eleven the campaign's hour comes.
        #expect(try await Self.next(runner)?.closedUntil == schedule.at)
        clock.advance(schedule.at! - clock.now())
        #expect(try await Self.next(runner)?.attempt != nil)
        clock.advance(.seconds(5 * 3600))
        #expect(try await Self.next(runner)?.closedUntil == Timestamp(iso8601: "2027-01-10T02:00:00Z"))
    }

    @Test("an hour missed by more than 30 minutes is missed, unless sending has begun")
    func missed() {
        let at = Timestamp(seconds: 1_800_000_000)
        let schedule = Schedule(at: at)
        #expect(!schedule.isMissed(startedAt: nil, now: at + .seconds(1800)))
        #expect(schedule.isMissed(startedAt: nil, now: at + .seconds(1801)))
        #expect(!schedule.isMissed(startedAt: at, now: at + .seconds(9_000)))
        #expect(!Schedule().isMissed(startedAt: nil, now: at))
    }

    @Test("a warm-up that is full has room when its next day begins, not only when the window has passed")
    func nextDay() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 10)
        let limit = Limit.warmup(account: "qq", [1, 2, 9])
        let start = bed.clock.now()
        let runner = try await bed.runner(id, limits: [limit])
        for (count, late) in [(1, 86_700), (2, 0)] {
            for _ in 0..<count {
                let attempt = try #require(try await Self.next(runner)?.attempt)
                try await runner.settle(attempt, .sent)
            }
            bed.clock.advance(.seconds(late))
        }
        let use = try bed.queue.limitUse([limit], account: "qq", source: "default", domains: []).first
        #expect(use?.used == 2 && use?.count == 2 && use?.nextFree == start + .seconds(2 * 86_400))
        #expect(try await Self.next(runner)?.cappedUntil == use?.nextFree)
    }

    @Test("a warm-up is the cap of its day, counted from the account's first grant, then no cap")
    func warmup() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 100)
        let limit = Limit.warmup(account: "qq", [2, 5, 9])
        var runner = try await bed.runner(id, limits: [limit])
        func sendAll() async throws -> Int {
            var sent = 0
            while let attempt = try await Self.next(runner)?.attempt {
                try await runner.settle(attempt, .sent)
                sent += 1
            }
            return sent
        }
        func use() throws -> LimitUse? {
            try bed.queue.limitUse([limit], account: "qq", source: "default", domains: []).first
        }
        #expect(try use()?.count == 2 && use()?.warmupDay == 1)
        let start = bed.clock.now()
        #expect(try await sendAll() == 2)
        #expect(try await Self.next(runner)?.cappedUntil == start + .seconds(86_400))
        #expect(try use()?.used == 2)
        bed.clock.advance(.seconds(86_399))
        #expect(try await sendAll() == 0)
        // Another process, and other settings: the day is the ledger's.
        try await runner.stop()
        runner = try await bed.runner(id, limits: [limit])
        bed.clock.advance(.seconds(1))
        #expect(runner.limits.map(\.count) == [2])
        #expect(try await sendAll() == 5)
        #expect(try use()?.count == 5 && use()?.warmupDay == 2)
        bed.clock.advance(.seconds(43_200))
        #expect(try await Self.next(runner)?.cappedUntil == bed.clock.now() + .seconds(43_200))
        bed.clock.advance(.seconds(43_200))
        #expect(try await sendAll() == 9)
        bed.clock.advance(.seconds(86_400))
        #expect(try use() == nil)
        #expect(try await sendAll() == 84)
        try await runner.stop()
        runner = try await bed.runner(try bed.campaign("other", recipients: 3), limits: [limit])
        #expect(runner.limits == [])
        #expect(try await sendAll() == 3)
    }

    @Test("a warm-up's next day frees what the last one's window still holds")
    func warmupOverlap() async throws {
        let bed = try Bed()
        let runner = try await bed.runner(
            try bed.campaign(recipients: 20), limits: [Limit.warmup(account: "qq", [2, 5])])
        var first = try #require(try await Self.next(runner)?.attempt)
        try await runner.settle(first, .sent)
        bed.clock.advance(.seconds(80_000))
        first = try #require(try await Self.next(runner)?.attempt)
        try await runner.settle(first, .sent)
        #expect(try await Self.next(runner)?.cappedUntil == bed.clock.now() + .seconds(6_400))
        bed.clock.advance(.seconds(6_400))
        // One of yesterday is still in the window of today's five.
        for _ in 0..<4 { try await runner.settle(try #require(try await Self.next(runner)?.attempt), .sent) }
        #expect(try await Self.next(runner)?.cappedUntil != nil)
    }

    @Test("pace even spreads over the tightest window, over two processes, with jitter and without passing a cap")
    func even() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 400)
        let limits = [
            Limit(scope: .source, count: 60, per: .seconds(600)),
            Limit(scope: .account, count: 100, per: .seconds(2_000)),
        ]
        var runners: [Runner] = []
        for _ in 0..<2 {
            runners.append(
                try await bed.queue.startRunner(
                    id, account: "qq", source: "default", limits: limits, doubt: .hold, isEven: true))
        }
        var begun: [Int64] = []
        let start = bed.clock.now()
        while bed.clock.now() - start < .seconds(6_000) {
            var again = bed.clock.now() + .seconds(60)
            for runner in runners.shuffled() {
                guard let answer = try await Self.next(runner) else { continue }
                if let attempt = answer.attempt {
                    begun.append((bed.clock.now() - start).inMicroseconds)
                    try await runner.settle(attempt, .sent)
                } else if let until = answer.until {
                    #expect(until - bed.clock.now() <= .seconds(24) || answer.cappedUntil != nil)
                    again = min(again, until)
                }
            }
            // A little late, as any timer is.
            bed.clock.advance(max(.microseconds(1), again - bed.clock.now()) + .milliseconds(30))
        }
        let gaps = zip(begun.dropFirst(), begun).map { $0 - $1 }
        // 20 seconds apart, ±20 %.
        #expect(gaps.allSatisfy { $0 >= 15_900_000 })
        #expect(gaps.filter { $0 > 24_600_000 }.count < 10)
        #expect(Set(gaps).count > 5, "no jitter")
        #expect(begun.count >= 285 && begun.count <= 301, "\(begun.count)")
        for (index, time) in begun.enumerated() {
            #expect(begun[...index].filter { $0 > time - 2_000_000_000 }.count <= 100)
        }
        #expect(try bed.queue.verify(deep: true) == [])
    }
}
