import Clock
import Queue
import Testing

@testable import Sender

@Suite("Sending hours and pace, on the wire")
struct WindowTests {
    /// A window that is closed now and for the next day at least.
    private static func closed() -> SendingWindow {
        let today = CivilTime(SystemClock().now()).weekday
        return SendingWindow(days: .weekday((today + 3) % 7), zone: "UTC")
    }

    @Test("outside the window nobody is connected to, and the ending says when it opens")
    func closed() async throws {
        let rig = try Rig(people: 5)
        let ending = try await rig.send(SendOptions()) { $0.window = Self.closed() }
        guard case .closed(let until) = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(until == Self.closed().nextOpening(atOrAfter: SystemClock().now()))
        #expect(try rig.log.isEmpty && rig.tallies.pending == 5)
        #expect(try !rig.events().contains { $0["event"] as? String == "connect" })
        // The same people go once it is open.
        guard case .finished = try await rig.send(SendOptions(), rules: [], { $0.window = SendingWindow() }) else {
            Issue.record("ended otherwise")
            return
        }
        #expect(try rig.accepted().count == 5)
    }

    @Test("the gate tells a closed window from a cap, and its words name the opening")
    func gate() async {
        let clock = ManualClock()
        let gate = Gate(workers: 1, options: SendOptions(), clock: clock)
        let until = clock.now() + .seconds(50)
        await gate.park(0, .closed(until: until))
        guard case .closed(until) = gate.ending else {
            Issue.record("\(String(describing: gate.ending))")
            return
        }
        let words = Monitor.words(.closed(until: until), now: clock.now())
        #expect(words.hasPrefix("outside the sending window, next opening "))
        #expect(words.hasSuffix(until.weekdayText(now: clock.now())))
    }

    @Test("under pace even a run goes on by itself, and sends everybody")
    func even() async throws {
        let rig = try Rig(people: 12)
        let ending = try await rig.send(SendOptions()) {
            $0.pace = .even
            $0.limits = [Limit(scope: .source, count: 100, per: .seconds(2))]
        }
        guard case .finished = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(try rig.accepted().count == 12 && rig.tallies.sent == 12)
    }

    @Test("one session at a time asks the limiter when the next message may go")
    func slot() {
        let clock = ManualClock()
        let gate = Gate(workers: 3, options: SendOptions(), clock: clock)
        #expect(gate.slot() == nil)
        #expect(gate.slot() != nil)
        gate.paced(until: clock.now() + .seconds(9))
        #expect(gate.slot() == clock.now() + .seconds(9))
        clock.advance(.seconds(9))
        #expect(gate.slot() == nil)
        gate.paced(until: nil)
        #expect(gate.slot() == nil)
    }

    @Test("a warm-up keeps to the cap of its day")
    func warmup() async throws {
        let rig = try Rig(people: 9)
        let ending = try await rig.send(SendOptions()) { $0.limits = [.warmup(account: "a", [4, 8])] }
        guard case .capped(let limit, "a", _) = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(limit.warmup == [4, 8] && limit.count == 4)
        #expect(try rig.accepted().count == 4)
    }
}
