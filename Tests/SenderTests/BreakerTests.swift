import Clock
import Testing

@testable import Sender

@Suite("The breaker of a route")
struct BreakerTests {
    private let start = Timestamp(seconds: 1000)

    private func resting(_ breaker: inout Breaker, _ seconds: Int, at now: Timestamp) {
        breaker.rest(for: .seconds(seconds), now: now) { .rest(until: $0, reply: "slow down") }
    }

    private func expect(_ breaker: inout Breaker, at now: Timestamp, rests: Bool, line: Int = #line) {
        let reason = breaker.obstacle(now: now)
        #expect((reason != nil) == rests, "line \(line)")
        if case .rest(let until, _)? = reason { #expect(until > now, "line \(line)") }
    }

    @Test("the window doubles with each full cohort, up to the account's sessions")
    func growth() {
        var breaker = Breaker(most: 17)
        #expect(breaker.window == 5)
        let first = (0..<4).map { _ in breaker.succeeded() }
        #expect(first == [false, false, false, false])
        var grew = breaker.succeeded()
        #expect(grew && breaker.window == 10)
        grew = breaker.succeeded(10)
        #expect(grew && breaker.window == 17)
        grew = breaker.succeeded(100)
        #expect(!grew)
        #expect(breaker.window == 17)
        #expect(Breaker(most: 2).window == 2)
    }

    @Test("after the first failure it grows by one")
    func careful() {
        var breaker = Breaker(most: 20)
        breaker.failed(now: start)
        #expect(breaker.window == 2)
        let grew = breaker.succeeded(2)
        #expect(grew && breaker.window == 3)
        _ = breaker.succeeded(3)
        #expect(breaker.window == 4)
    }

    @Test("it is halved at the start of a streak of failures, and not again within it")
    func streak() {
        var breaker = Breaker(most: 20)
        breaker.failed(now: start)
        #expect(breaker.window == 2)
        breaker.failed(now: start)
        #expect(breaker.window == 2)
        _ = breaker.succeeded()
        breaker.failed(now: start)
        #expect(breaker.window == 1)
        breaker.failed(now: start)
        #expect(breaker.window == 1)
    }

    @Test("while it rests nobody passes; then one session tries")
    func halfOpen() {
        var breaker = Breaker(most: 20)
        resting(&breaker, 60, at: start)
        expect(&breaker, at: start + .seconds(59), rests: true)
        expect(&breaker, at: start + .seconds(60), rests: false)
        #expect(breaker.state == .halfOpen && breaker.window == 1)
        let grew = breaker.succeeded()
        #expect(grew && breaker.state == .closed && breaker.window == 2)
    }

    @Test("a probe that fails doubles the rest, a refused one at least doubles it")
    func doubling() {
        var breaker = Breaker(most: 20)
        resting(&breaker, 60, at: start)
        let first = start + .seconds(60)
        _ = breaker.obstacle(now: first)
        breaker.failed(now: first)
        expect(&breaker, at: first + .seconds(119), rests: true)
        let second = first + .seconds(120)
        expect(&breaker, at: second, rests: false)
        resting(&breaker, 10, at: second)
        expect(&breaker, at: second + .seconds(239), rests: true)
        expect(&breaker, at: second + .seconds(240), rests: false)
    }

    @Test("failures do not make it rest longer than four hours; the server may ask for more")
    func longest() {
        var breaker = Breaker(most: 1)
        var now = start
        resting(&breaker, 10_000, at: now)
        for _ in 0..<3 {
            guard case .open(let until, _) = breaker.state else { break }
            #expect(until - now <= Breaker.longestRest)
            now = until
            _ = breaker.obstacle(now: now)
            breaker.failed(now: now)
        }
        now = now + .seconds(20_000)
        _ = breaker.obstacle(now: now)
        resting(&breaker, 86_400, at: now)
        expect(&breaker, at: now + .seconds(86_000), rests: true)
    }

    @Test("a shorter rest does not cut a longer one")
    func longerStands() {
        var breaker = Breaker(most: 3)
        resting(&breaker, 600, at: start)
        resting(&breaker, 5, at: start + .seconds(1))
        expect(&breaker, at: start + .seconds(599), rests: true)
    }
}
