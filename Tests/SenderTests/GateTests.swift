import Clock
import Queue
import Testing

@testable import Sender

@Suite("Where workers wait")
struct GateTests {
    private let clock = ManualClock()

    private func gate(_ workers: Int, wait: Bool = false, limit: Int? = nil) -> Gate {
        Gate(workers: workers, options: SendOptions(limit: limit, wait: wait), clock: clock)
    }

    @Test("when all wait for nobody, the run is over")
    func finished() async {
        let gate = gate(2)
        async let first: Void = gate.park(0, .nothing)
        async let second: Void = gate.park(1, .nothing)
        _ = await (first, second)
        guard case .finished = gate.ending else {
            Issue.record("not over: \(String(describing: gate.ending))")
            return
        }
        guard case .stop = gate.permission(0) else {
            Issue.record("a worker may go on")
            return
        }
    }

    @Test("without --wait a cap ends the run, and names the earliest moment")
    func capped() async {
        let gate = gate(2)
        let soon = clock.now() + .seconds(5)
        let later = clock.now() + .seconds(9)
        let limit = Limit(scope: .source, count: 1, per: .seconds(10))
        async let first: Void = gate.park(0, .cap(limit, key: "default", until: later))
        async let second: Void = gate.park(1, .cap(limit, key: "default", until: soon))
        _ = await (first, second)
        guard case .capped(_, "default", let until) = gate.ending else {
            Issue.record("ended otherwise: \(String(describing: gate.ending))")
            return
        }
        #expect(until == soon)
    }

    @Test("that others have whoever is left says less than why those wait")
    func cappedBesideOthers() async {
        let gate = gate(2)
        let limit = Limit(scope: .source, count: 1, per: .seconds(10))
        let later = clock.now() + .seconds(9)
        async let first: Void = gate.park(0, .others(until: clock.now() + .milliseconds(500)))
        async let second: Void = gate.park(1, .cap(limit, key: "default", until: later))
        _ = await (first, second)
        guard case .capped(_, "default", let until) = gate.ending else {
            Issue.record("ended otherwise: \(String(describing: gate.ending))")
            return
        }
        #expect(until == later)
    }

    @Test("a worker that leaves lets the waiting ones conclude")
    func leaving() async {
        let gate = gate(2)
        async let parked: Void = gate.park(0, .nothing)
        while gate.picture().waiting != nil { await Task.yield() }
        gate.leave(1)
        await parked
        guard case .finished = gate.ending else {
            Issue.record("still waiting")
            return
        }
    }

    @Test("a change wakes whoever waits")
    func change() async {
        let gate = gate(2)
        async let parked: Void = gate.park(0, .retry(until: clock.now() + .seconds(3600)))
        for _ in 0..<20 { await Task.yield() }
        while true {
            gate.changed()
            if gate.picture().sessions.count == 2 { break }
        }
        gate.stop(.interrupted)
        await parked
    }

    @Test("a rest holds everybody until its time, and a shorter one does not cut it")
    func rest() {
        let gate = gate(1)
        gate.hold(.rest(until: clock.now() + .seconds(60), reply: "slow"))
        gate.hold(.rest(until: clock.now() + .seconds(1), reply: "slow"))
        clock.advance(.seconds(59))
        guard case .hold = gate.permission(0) else {
            Issue.record("the rest was cut")
            return
        }
        clock.advance(.seconds(1))
        guard case .go = gate.permission(0) else {
            Issue.record("the rest did not end")
            return
        }
    }

    private func isResting(_ gate: Gate) -> Bool {
        if case .hold(.rest) = gate.permission(0) { true } else { false }
    }

    @Test("a rest that another process asked for is kept here too, and ends when somebody lifts it")
    func obeyed() {
        let gate = gate(1, wait: true)
        let until = clock.now() + .seconds(600)
        gate.obey(RouteRest(id: 7, until: until, isLifted: false, reply: "421 slow"))
        #expect(isResting(gate))
        gate.obey(RouteRest(id: 7, until: clock.now(), isLifted: true, reply: "421 slow"))
        #expect(!isResting(gate))
        // Refused again when it was tried: the lift of before is old news.
        _ = gate.rest(for: .seconds(60), reply: "421 slow")
        gate.obey(RouteRest(id: 7, until: clock.now(), isLifted: true, reply: "421 slow"))
        #expect(isResting(gate))
        clock.advance(.seconds(60))
        #expect(!isResting(gate))
    }

    @Test("what was lifted before a run began ends no rest of its own")
    func liftedBefore() {
        let gate = gate(1, wait: true)
        gate.obey(RouteRest(id: 3, until: clock.now(), isLifted: true, reply: "421"), isFirst: true)
        _ = gate.rest(for: .seconds(60), reply: "421 slow")
        gate.obey(RouteRest(id: 3, until: clock.now(), isLifted: true, reply: "421"))
        #expect(isResting(gate))
        // One that is over says nothing either.
        gate.obey(RouteRest(id: 4, until: clock.now() + .seconds(-1), isLifted: false, reply: "421"))
        #expect(isResting(gate))
    }

    @Test("a route on trial that fails rests twice as long, and says until when")
    func trial() {
        let gate = gate(1, wait: true)
        _ = gate.rest(for: .seconds(60), reply: "421 slow")
        #expect(gate.failed(opening: true).rest == nil)
        clock.advance(.seconds(60))
        #expect(!isResting(gate))
        #expect(gate.failed(opening: true).rest == clock.now() + .seconds(120))
        #expect(isResting(gate))
    }

    @Test("no more than --limit are begun")
    func limit() {
        let gate = gate(1, limit: 5)
        #expect(gate.reserve(3) == 3)
        #expect(gate.reserve(3) == 2)
        #expect(gate.reserve(1) == 0)
        gate.giveBack(1)
        #expect(gate.reserve(4) == 1)
    }

    @Test("the first reason to stop stands")
    func stops() {
        let gate = gate(1)
        gate.stop(.loginRefused("535"))
        gate.stop(.interrupted)
        guard case .loginRefused = gate.ending else {
            Issue.record("overwritten")
            return
        }
    }

    @Test("a server that is not there is given up on, with growing waits")
    func failures() {
        let gate = gate(1)
        let waits = (0..<4).map { _ in gate.failed(opening: true).pause }
        #expect(waits == [.milliseconds(500), .milliseconds(1000), .milliseconds(2000), nil])
        let staying = self.gate(1, wait: true)
        staying.opened()
        for _ in 0..<50 { #expect(staying.failed(opening: true).pause != nil) }
        #expect(staying.failed(opening: true).pause == .milliseconds(300_000))
    }
}
