import Clock
import Testing

@testable import Queue

@Suite struct CourseTests {
    static let limits = [
        Limit(scope: .source, count: 100, per: .seconds(3_600)),
        Limit(scope: .source, count: 500, per: .seconds(86_400)),
    ]

    private func basis(_ limits: [Limit] = limits, domains: [String: Int] = [:]) -> CourseBasis {
        CourseBasis(limits, account: "qq", source: "default", domains: domains, clock: ManualClock())
    }

    @Test("1200 people under 100 an hour and 500 a day take two days and some hours, in bursts")
    func bursts() throws {
        let basis = basis()
        let course = basis.course(1_200)
        #expect(course.stretches.reduce(0) { $0 + $1.count } == 1_200)
        // 500 in four hours, the next 500 a day later, the last 100 of 200 an hour into the third.
        #expect(course.finish == basis.present + .seconds(2 * 86_400 + 3_600))
        #expect(basis.course(0).finish == nil)
        #expect(basis.course(1).finish == basis.present)
    }

    @Test("the slower cap is the first of those that hold, and what would change it is told apart")
    func whatIf() throws {
        let basis = basis()
        let holds = basis.holds(1_200)
        #expect(holds.map(\.limit.count) == [500, 100])
        let plain = try #require(basis.course(1_200).finish)
        let second = try #require(basis.course(1_200, changing: .secondSource).finish)
        let day = try #require(basis.course(1_200, changing: .doubled(Self.limits[1])).finish)
        let hour = try #require(basis.course(1_200, changing: .doubled(Self.limits[0])).finish)
        #expect(second < plain)
        #expect(day < plain)
        #expect(second <= day)
        #expect(hour <= plain)
        #expect(basis.holds(50).isEmpty)
    }

    @Test("a domain's own cap stretches its people and not the others")
    func domains() throws {
        let limits = [Limit(scope: .domain, key: "qq.com", count: 10, per: .seconds(86_400))]
        let basis = basis(limits, domains: ["qq.com": 35, "example.com": 1_000])
        let course = basis.course(1_035)
        #expect(course.stretches.reduce(0) { $0 + $1.count } == 1_035)
        #expect(course.finish == basis.present + .seconds(3 * 86_400))
        let first = course.stretches.filter { $0.first == basis.present }.reduce(0) { $0 + $1.count }
        #expect(first == 1_010)
        #expect(basis.holds(1_035).map(\.key) == ["qq.com"])
    }

    @Test("what the ledger granted already is felt")
    func history() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 12)
        let limits = [Limit(scope: .source, count: 5, per: .seconds(3_600))]
        let runner = try await bed.runner(campaign, limits: limits)
        for _ in 0..<4 {
            let attempt = try #require(try await runner.beginNext().attempt)
            try await runner.settle(attempt, .sent)
        }
        bed.clock.advance(.seconds(600))
        let basis = try bed.queue.courseBasis(
            limits, account: "qq", source: "default", campaign: campaign, domains: nil)
        let course = basis.course(8)
        // One now, four when the first four are an hour old, one when the one is, the last two after those four.
        #expect(course.finish == bed.clock.now() + .seconds(3_000 + 3_600))
        #expect(course.stretches.map(\.count).reduce(0, +) == 8)
        #expect(course.stretches.first?.count == 1)
    }

    @Test("a million people under the usual caps are reckoned with at once")
    func million() throws {
        let course = basis().course(1_000_000)
        #expect(course.stretches.reduce(0) { $0 + $1.count } == 1_000_000)
        let days = try #require(course.finish) - basis().present
        #expect(abs(days.inSeconds / 86_400 - 2_000) < 5)
    }
}
