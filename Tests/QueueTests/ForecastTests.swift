import Clock
import Testing

@testable import Queue

@Suite struct ForecastTests {
    private static let hour: Int64 = 3_600_000_000
    private static let day = 24 * hour
    private static func lane(_ count: Int, _ window: Int64) -> ForecastLane {
        ForecastLane(count: count, window: window, given: [])
    }

    @Test("a million at 500 a day take 1,999 whole days after the first 500, to the hour")
    func million() {
        let daily = Forecast(lanes: [Self.lane(500, Self.day)], step: 0)
        #expect(daily.finish(1_000_000, from: 0) == 1_999 * Self.day)
        #expect(daily.finish(1_000_001, from: 0) == 2_000 * Self.day)
        let both = Forecast(lanes: [Self.lane(100, Self.hour), Self.lane(500, Self.day)], step: 0)
        #expect(both.finish(1_000_000, from: 0) == 1_999 * Self.day + 4 * Self.hour)
        // At one a second the hour's cap is used up in 100 s, and so on.
        let paced = Forecast(lanes: [Self.lane(100, Self.hour), Self.lane(500, Self.day)], step: 1_000_000)
        let finish = paced.finish(1_000_000, from: 0)
        #expect(abs(finish - (1_999 * Self.day + 4 * Self.hour)) < Self.hour)
    }

    @Test("many millions cost by the day, not by the message", arguments: [1, 60, 1_000])
    func large(_ perMinute: Int) {
        let lanes = [Self.lane(perMinute, 60_000_000), Self.lane(perMinute * 700, Self.day)]
        var runs = 0
        let finish = Forecast(lanes: lanes, step: 0).course(10_000_000, from: 0) { _ in runs += 1 }
        #expect(runs <= Forecast.longest + 1)
        let days = (10_000_000 / (perMinute * 700))
        let expected = Int64(days) * Self.day
        #expect(abs(finish - expected) < 2 * Self.day + expected / 500, "\(finish) \(expected)")
        let one = Forecast(lanes: [Self.lane(1, 1_000_000)], step: 0).finish(10_000_000, from: 0)
        #expect(abs(one - 9_999_999 * 1_000_000) < 10_000_000)
        let huge = Forecast(lanes: [Self.lane(10_000_000, Self.day)], step: 0).finish(10_000_001, from: 0)
        #expect(huge == Self.day)
    }

    @Test("campaigns that are sent at once under one cap get the same share of it")
    func sharing() async throws {
        let bed = try Bed()
        let limits = [Limit(scope: .source, count: 10, per: .seconds(3_600))]
        let few = try bed.campaign("few", recipients: 20)
        let many = try bed.campaign("many", recipients: 50)
        func finish(_ campaign: Int64) throws -> Timestamp? {
            try bed.queue.forecast(campaign, limits: limits, account: "qq", source: "default", pace: nil)
        }
        let start = bed.clock.now()
        #expect(try finish(few) == start + .seconds(3_600) && finish(many) == start + .seconds(4 * 3_600))
        let runner = try await bed.runner(many, limits: limits)
        #expect(try finish(few) == start + .seconds(3 * 3_600) && finish(many) == start + .seconds(4 * 3_600))
        let other = try await bed.runner(few, limits: limits)
        #expect(try finish(many) == start + .seconds(6 * 3_600))
        #expect(
            try bed.queue.others(besides: many, account: "qq", source: "elsewhere")
                == [CampaignBeside(name: "few", left: 20)])
        try await runner.stop()
        #expect(try finish(few) == start + .seconds(3_600))
        try await other.stop()
    }

    /// The same by a plain loop over messages.
    private static func plain(_ count: Int, _ limits: [(count: Int, window: Int64)], _ step: Int64, _ given: [Int64])
        -> Int64
    {
        var times = given
        var time = -step
        for _ in 0..<count {
            time += step
            for limit in limits where times.count >= limit.count {
                time = max(time, times[times.count - limit.count] + limit.window)
            }
            times.append(time + step)
        }
        return time + step
    }

    @Test("runs of messages end when single ones do", arguments: 0..<40)
    func runs(_ seed: UInt64) {
        var random = SeededGenerator(seed)
        let limits = (0..<Int.random(in: 1...3, using: &random)).map { _ in
            (count: Int.random(in: 1...60, using: &random), window: Int64.random(in: 1...2_000, using: &random) * 1_000)
        }
        let step: Int64 = [0, 0, 1, 700, 9_000].randomElement(using: &random) ?? 0
        var given: [Int64] = []
        var past: Int64 = -1_500_000
        for _ in 0..<Int.random(in: 0...60, using: &random) where past < 0 {
            given.append(past)
            past += Int64.random(in: 0...60_000, using: &random)
        }
        // What was given obeyed the limits.
        given = limits.reduce(given) { kept, limit in
            var obeying: [Int64] = []
            for time in kept
            where obeying.count < limit.count || obeying[obeying.count - limit.count] <= time - limit.window {
                obeying.append(time)
            }
            return obeying
        }
        let count = Int.random(in: 1...500, using: &random)
        let lanes = limits.map { ForecastLane(count: $0.count, window: $0.window, given: given) }
        var told = 0
        let finish = Forecast(lanes: lanes, step: step).course(count, from: 0) { told += $0.count }
        let expected = Self.plain(count, limits, step, given)
        let slack = limits.map(\.window).max() ?? 0
        #expect(told == count)
        // A run keeps its pace; single messages may go a little sooner within a window.
        #expect(finish >= expected - slack && finish <= expected + slack, "seed \(seed): \(finish), not \(expected)")
    }

    /// A campaign really sent on a clock that jumps to whatever the queue says.
    private static func simulate(
        _ bed: Bed, _ id: Int64, _ runner: Runner, deferring share: Int, _ wait: Duration
    ) async throws -> Timestamp {
        var last = bed.clock.now()
        var number = 0
        while true {
            let answer = try await runner.lease(1)
            guard let leased = answer.recipients.first else {
                guard let due = answer.nextDue else { return last }
                bed.clock.advance(max(.microseconds(1), due - bed.clock.now()))
                continue
            }
            let begun = try #require(try await runner.exchange(settle: [], begin: [leased.request]).first)
            if let attempt = begun.attempt {
                number += 1
                last = bed.clock.now()
                if share > 0, number % share == 0 {
                    try await runner.settle(attempt, .deferred, retryAt: last + wait)
                } else {
                    try await runner.settle(attempt, .sent)
                }
            } else {
                try await runner.release([leased.id])
                bed.clock.advance(try #require(begun.until) - bed.clock.now())
            }
        }
    }

    @Test("the forecast of a small campaign is what sending it comes to", arguments: 0..<12)
    func really(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed)
        let bed = try Bed(clock: ManualClock(Timestamp(iso8601: "2027-03-25T11:17:00Z")!))
        let people = Int.random(in: 20...150, using: &random)
        var limits = [
            Limit(scope: .source, count: Int.random(in: 3...20, using: &random), per: .seconds(3_600)),
            Limit(scope: .account, count: Int.random(in: 20...60, using: &random), per: .seconds(86_400)),
        ]
        if seed % 3 == 0 { limits.append(Limit.warmup(account: "qq", [5, 12, 18, 25])) }
        let isEven = seed % 4 == 1
        let window =
            seed % 2 == 0
            ? SendingWindow(
                days: [.workdays, .weekday(6)], from: 60 * Int.random(in: 1...9, using: &random), to: 15 * 60,
                zone: ["Europe/Berlin", "America/New_York"][Int(seed / 2) % 2]) : nil
        let share = seed % 5 == 2 ? 4 : 0
        let id = try bed.campaign(recipients: people)
        let runner = try await bed.queue.startRunner(
            id, account: "qq", source: "default", limits: limits, doubt: .hold, window: window, isEven: isEven)
        let wait = Duration.seconds(900)
        if share > 0 {
            // Something must have been seen of the share; a quarter is put off.
            for number in 1...12 {
                guard let attempt = try await runner.beginNext().attempt else { break }
                try await runner.settle(
                    attempt, number % share == 0 ? .deferred : .sent, retryAt: bed.clock.now() + wait)
            }
        }
        let forecast = try #require(
            try bed.queue.forecast(
                id, limits: limits, account: "qq", source: "default", pace: 0, window: window, isEven: isEven,
                retries: [RetryShare(waits: Array(repeating: wait, count: 10))]))
        let real = try await Self.simulate(bed, id, runner, deferring: share, wait)
        // One window of the tightest cap by the hour, or of the day's where retries or jitter reach into another one.
        let slack = Duration.seconds(share > 0 || isEven ? 90_000 : 3_600)
        let off = forecast - real
        #expect(off < slack && off > .zero - slack, "seed \(seed): \(forecast.iso8601), really \(real.iso8601)")
        let tallies = try bed.tallies(id)
        #expect(tallies.sent == people, "seed \(seed)")
    }

    @Test("a share that was put off costs attempts and the waits at the end")
    func retries() {
        var forecast = Forecast(lanes: [Self.lane(10, Self.hour)], step: 0)
        forecast.deferredShare = 0.5
        forecast.retries = [RetryShare(waits: Array(repeating: .seconds(60), count: 3))]
        // 100, 50, 25, 12: 187 attempts, ten an hour.
        let finish = forecast.finish(100, from: 0)
        #expect(finish >= 17 * Self.hour && finish <= 20 * Self.hour, "\(finish)")
        forecast.lanes = []
        #expect(forecast.finish(100, from: 0) == 180_000_000)
        forecast.retries = []
        #expect(forecast.finish(100, from: 0) == 0)
    }

    @Test("who is put off goes by several lists of waits in their shares, and stays with its own")
    func mixture() {
        var forecast = Forecast(lanes: [], step: 0)
        forecast.deferredShare = 0.5
        forecast.retries = [
            RetryShare(waits: [.seconds(60), .seconds(60)], share: 0.75),
            RetryShare(waits: [.seconds(3_600)], share: 0.25),
        ]
        var tried: [Int64: Int] = [:]
        #expect(forecast.course(800, from: 0) { tried[$0.start / 1_000_000, default: 0] += $0.count } == Self.hour)
        #expect(tried == [0: 800, 60: 300, 120: 150, 3_600: 100])
        // Forty who were put off before: ten of them go by the second list, which puts none of them off again.
        forecast.alreadyDeferred = 40
        tried = [:]
        _ = forecast.course(40, from: 0) { tried[$0.start / 1_000_000, default: 0] += $0.count }
        #expect(tried == [0: 40, 60: 15])
    }

    @Test("a campaign's hour and windows shift the forecast; ten thousand recent grants are felt as a few hundred")
    func windows() async throws {
        let bed = try Bed(clock: ManualClock(Timestamp(iso8601: "2027-01-04T00:00:00Z")!))
        var window = SendingWindow.nonWorking10To16
        window.zone = "Asia/Shanghai"
        let draft = CampaignDraft(
            name: "c", account: "qq", columns: ["email"], content: [], contentHash: "",
            schedule: Schedule(at: nil, window: window))
        let id = try bed.queue.create(draft).id
        try bed.fill(id, 0..<1_500)
        let limits = [Limit(scope: .source, count: 100, per: .seconds(3_600))]
        func finish() throws -> String? {
            try bed.queue.forecast(id, limits: limits, account: "qq", source: "default", pace: 0)?.iso8601
        }
        // Six hundred a day from ten to four: Saturday, Sunday, and 300 on the next Saturday.
        #expect(try finish() == "2027-01-16T04:00:00.000Z")
    }

    @Test("a make-up Saturday is a day like others to the forecast, over the night in which clocks are set too")
    func makeUp() async throws {
        let bed = try Bed(clock: ManualClock(Timestamp(iso8601: "2027-03-25T00:00:00Z")!))
        func finish(_ workdays: Set<Int>, _ name: String) throws -> String? {
            let window = SendingWindow(
                days: .workdays, from: 540, to: 720, zone: "Europe/Berlin", workdays: workdays)
            let draft = CampaignDraft(
                name: name, account: "qq", columns: ["email"], content: [], contentHash: "",
                schedule: Schedule(at: nil, window: window))
            let id = try bed.queue.create(draft).id
            try bed.fill(id, 0..<1_000)
            return try bed.queue.forecast(
                id, limits: [Limit(scope: .source, count: 100, per: .seconds(3_600))], account: "qq",
                source: "default", pace: 0)?.iso8601
        }
        // Three hundred a day from nine to twelve: Thursday, Friday, then Monday and Tuesday by summer time.
        #expect(try finish([], "usual") == "2027-03-30T07:00:00.000Z")
        // With Saturday the 27th and Sunday the 28th, on which clocks are set: the last hundred go on the Sunday.
        let both = Set(["2027-03-27", "2027-03-28"].compactMap(SendingWindow.day))
        #expect(try finish(both, "made up") == "2027-03-28T07:00:00.000Z")
    }
}
