import Clock
import Testing

@testable import Queue

@Suite("Rests of a route, with what caused them") struct RestTests {
    private static let route = RouteName(account: "qq", source: "default", server: "smtp.qq.com:465")

    private func rest(_ bed: Bed, _ seconds: Int, rule: String = "qq.frequency", attempt: Int64? = nil) -> Rest {
        let now = bed.clock.now()
        return Rest(
            account: "qq", source: "default", server: "smtp.qq.com:465", until: now + .seconds(seconds), since: now,
            rule: rule, reply: "550 frequency limited", attempt: attempt)
    }

    @Test("one is kept with campaign, recipient and reply, and ends by itself")
    func kept() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 2)
        let runner = try await bed.runner(id)
        let attempt = try #require(try await runner.beginNext().attempt)
        let asked = rest(bed, 60, attempt: attempt)
        try await runner.rest(asked)
        let found = try #require(try bed.queue.rests().first)
        #expect(found.rest == asked)
        #expect(found.campaign == "spring" && found.email == "p0@example.com" && found.inARow == 1)
        #expect(found.isInForce && found.answers == 1)
        bed.clock.advance(.seconds(60))
        #expect(try bed.queue.rests().isEmpty)
        let past = try bed.queue.recentRests(limit: 5)
        #expect(past.map(\.isInForce) == [false] && past.map(\.ending) == [.time])
    }

    @Test("a second answer that asks for as much is the same rest; one that asks for more takes over")
    func merged() async throws {
        let bed = try Bed()
        let runner = try await bed.runner(try bed.campaign(recipients: 2))
        try await runner.rest(rest(bed, 60))
        try await runner.rest(rest(bed, 60))
        try await runner.rest(rest(bed, 10))
        #expect(try bed.queue.recentRests(limit: 9).map(\.answers) == [3])
        bed.clock.advance(.seconds(5))
        try await runner.rest(rest(bed, 600, rule: "qq.day"))
        let all = try bed.queue.recentRests(limit: 9)
        #expect(all.map(\.rest.rule) == ["qq.day", "qq.frequency"])
        #expect(all.map(\.ending) == [.time, .longer] && all.map(\.isInForce) == [true, false])
        #expect(all[1].rest.until == bed.clock.now())
    }

    @Test("rests in a row are counted until a message gets through")
    func inARow() async throws {
        let bed = try Bed()
        let runner = try await bed.runner(try bed.campaign(recipients: 9))
        func throttled() async throws {
            let attempt = try #require(try await runner.beginNext().attempt)
            try await runner.rest(rest(bed, 60, attempt: attempt))
            try await runner.settle(attempt, .deferred, retryAt: bed.clock.now() + .seconds(3_600))
            bed.clock.advance(.seconds(61))
        }
        try await throttled()
        try await throttled()
        try await throttled()
        #expect(try bed.queue.recentRests(limit: 9).map(\.inARow) == [3, 2, 1])
        try await runner.settle(try #require(try await runner.beginNext().attempt), .sent)
        try await throttled()
        #expect(try bed.queue.recentRests(limit: 1).map(\.inARow) == [1])
    }

    @Test("one that is lifted is over for every runner of the route, and the log says who was let go")
    func lifted() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 2)
        let (one, two) = (try await bed.runner(id), try await bed.runner(id))
        try await one.rest(rest(bed, 600))
        let told = try #require(try await two.status(RunnerStatus(), route: Self.route).rest)
        #expect(told.until == bed.clock.now() + .seconds(600) && !told.isLifted)
        #expect(try bed.queue.liftRests([told.id, 999], by: "ann@desk") == 1)
        #expect(try bed.queue.liftRests([told.id]) == 0)
        #expect(try await two.status(RunnerStatus(), route: Self.route).rest?.isLifted == true)
        #expect(try bed.queue.rests().isEmpty)
        #expect(try bed.queue.recentRests(limit: 1).map(\.ending) == [.lifted])
        #expect(try bed.queue.recentRests(limit: 1).map(\.liftedBy) == ["ann@desk"])
        #expect(try bed.queue.events(nil, limit: 1).map(\.kind) == ["lift"])
        let other = RouteName(account: "qq", source: "default", server: "elsewhere:25")
        #expect(try await two.status(RunnerStatus(), route: other).rest == nil)
        // Asked for again after that, it holds.
        try await one.rest(rest(bed, 60))
        #expect(try await two.status(RunnerStatus(), route: Self.route).rest?.isLifted == false)
        #expect(try bed.queue.recentRests(limit: 2).map(\.liftedBy) == ["", "ann@desk"])
    }
}
