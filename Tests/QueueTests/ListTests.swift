import Clock
import Foundation
import Testing

@testable import Queue

@Suite struct ListTests {
    /// Ten recipients: 0 and 1 sent, 2 deferred, 3 failed, 4 in doubt, 5 sending, 6 aborted once, 7–9 fresh.
    private func mixed(_ bed: Bed) async throws -> (Int64, Runner) {
        let id = try bed.campaign(recipients: 10)
        let runner = try await bed.runner(id)
        for outcome in [AttemptOutcome.sent, .sent, .deferred, .failed, .inDoubt] {
            let attempt = try #require(try await runner.beginNext().attempt)
            try await runner.settle(attempt, outcome, retryAt: bed.clock.now() + .seconds(60))
        }
        let leased = try await runner.lease(2).recipients
        let answers = try await runner.exchange(settle: [], begin: leased.map(\.request))
        try await runner.settle(try #require(answers[1].attempt), .aborted)
        return (id, runner)
    }

    @Test("recipients of each state, page by page, are all of them once and in order")
    func pages() async throws {
        let bed = try Bed()
        let (id, runner) = try await mixed(bed)
        let expected: [RecipientState: Int] = [
            .sent: 2, .deferred: 1, .failed: 1, .inDoubt: 1, .sending: 1, .pending: 4,
        ]
        for state in RecipientState.allCases.map(Optional.some) + [nil] {
            var ids: [Int64] = []
            while true {
                let page = try bed.queue.recipients(id, state: state, after: ids.last ?? 0, limit: 3)
                if page.isEmpty { break }
                #expect(page.allSatisfy { state == nil || $0.state == state })
                ids += page.map(\.id)
            }
            #expect(ids == ids.sorted() && Set(ids).count == ids.count)
            #expect(ids.count == state.map { expected[$0] ?? 0 } ?? 10)
        }
        let sent = try #require(try bed.queue.recipients(id, state: .sent, after: 0, limit: 1).first)
        #expect(sent.messageID == "<\(sent.id)@example.com>" && sent.reply == "OK" && sent.attempts == 1)
        #expect(sent.fields == "p0@example.com\u{1F}Name")
        #expect(try bed.queue.recipients(key: "p0@example.com").map(\.campaign) == ["spring"])
        try await runner.stop()
    }

    @Test("the log holds every attempt from its begin on, oldest or newest first, per campaign and per recipient")
    func log() async throws {
        let bed = try Bed()
        let (id, runner) = try await mixed(bed)
        let log = try bed.queue.attempts(id, after: 0, limit: 100)
        #expect(log.map(\.outcome) == [.sent, .sent, .deferred, .failed, .inDoubt, nil, .aborted])
        #expect(log.map(\.email) == (0..<7).map { "p\($0)@example.com" })
        #expect(log[0].campaign == "spring" && log[0].server == "smtp.qq.com:465" && log[0].finished == bed.clock.now())
        #expect(log[5].finished == nil)
        #expect(try bed.queue.attempts(nil, after: log[4].id, limit: 1).map(\.id) == [log[5].id])
        #expect(try bed.queue.latestAttempts(nil, limit: 2).map(\.id) == [log[6].id, log[5].id])
        #expect(try bed.queue.latestAttempts(id + 1, limit: 2).isEmpty)
        bed.clock.advance(.seconds(60))
        let again = try await runner.lease(9).recipients.filter { $0.attempts == 1 }
        #expect(again.count == 1)
        _ = try await runner.exchange(settle: [], begin: again.map(\.request))
        #expect(try bed.queue.attempts(recipient: again[0].id).map(\.outcome) == [.deferred, nil])
    }

    @Test("the pulse counts by minute, and the rate is what was sent lately")
    func pulse() async throws {
        let bed = try Bed()
        let (id, _) = try await mixed(bed)
        let minutes = try bed.queue.pulse(id, minutes: 5)
        #expect(minutes.count == 1)
        #expect(minutes[0].sent == 2 && minutes[0].deferred == 1 && minutes[0].failed == 1 && minutes[0].inDoubt == 1)
        bed.clock.advance(.seconds(20))
        #expect(try bed.queue.rate(id) == 0.1)
        bed.clock.advance(.seconds(600))
        #expect(try bed.queue.pulse(id, minutes: 5).isEmpty)
        #expect(try bed.queue.rate(id) == 0)
    }

    @Test("events are kept, newest first")
    func events() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 1)
        let runner = try await bed.runner(id)
        try await runner.record("resting", kind: "rest")
        #expect(try bed.queue.events(id, limit: 1).map(\.text) == ["resting"])
        #expect(try bed.queue.events(nil, limit: 10).count == 2)
    }

    @Test("the forecast is when the limiter would let the last one go")
    func forecast() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 1_000)
        let caps = [
            Limit(scope: .source, count: 100, per: .seconds(3_600)),
            Limit(scope: .source, count: 500, per: .seconds(86_400)),
        ]
        let start = bed.clock.now()
        func finish(_ limits: [Limit], _ pace: Double?) throws -> Duration? {
            try bed.queue.forecast(id, limits: limits, account: "qq", source: "default", pace: pace).map { $0 - start }
        }
        // 100 at once and an hour later and so on, 500 by 4 h; the next 500 from 24 h on.
        #expect(try finish(caps, nil) == .seconds(28 * 3_600))
        #expect(try finish([], 2) == .seconds(500))
        #expect(try finish([], nil) == nil)
        #expect(try finish([Limit(scope: .domain, count: 1, per: .seconds(1))], nil) == .seconds(999))
        let runner = try await bed.runner(id, limits: caps)
        for _ in 0..<10 { try await runner.settle(try #require(try await runner.beginNext().attempt), .sent) }
        bed.clock.advance(.seconds(1_800))
        // The ten grants given are felt: 90 now, 10 half an hour later, and the day's cap likewise.
        #expect(try finish(caps, nil) == .seconds(28 * 3_600 + 1_800))
    }

    @Test("a forecast of a million continues what the simulation found")
    func longForecast() {
        let lane = ForecastLane(count: 100, window: 60_000_000, given: [])
        let finish = Forecast(lanes: [lane], step: 0).finish(1_000_000, from: 0)
        #expect(abs(Double(finish) / (9_999 * 60_000_000) - 1) < 0.001)
        #expect(Forecast(lanes: [lane], step: 0).finish(100, from: 5) == 5)
        #expect(Forecast(lanes: [lane], step: 0).finish(101, from: 5) == 60_000_005)
    }
}
