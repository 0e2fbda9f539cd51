import Clock
import Queue
import Synchronization
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

    /// A queue whose clock stands at `time`, over a rig.
    private static func queue(_ rig: Rig, at time: String) throws -> (Queue, ManualClock) {
        let clock = ManualClock(try #require(Timestamp(iso8601: time)))
        return (try Queue.open(at: rig.folder + "/home/queue.sqlite3", access: .readWrite, clock: clock), clock)
    }

    @Test(
        "a cap that has room again only behind the window's close names the opening behind that, a domain's cap as well",
        arguments: [LimitScope.source, .domain])
    func capBehindClose(_ scope: LimitScope) async throws {
        let rig = try Rig(people: 8)
        // A Friday, half an hour before the close.
        let (queue, clock) = try Self.queue(rig, at: "2027-01-08T16:30:00Z")
        let account = rig.account {
            $0.limits.append(Limit(scope: scope, count: 3, per: .seconds(3_600)))
            $0.window = SendingWindow(days: .workdays, from: 540, to: 1020, zone: "UTC")
        }
        let ending = try await Dispatcher(
            queue: queue, campaign: rig.campaign, account: account, plan: rig.plan,
            classifier: ReplyClassifier(rules: []), options: SendOptions(), clock: clock
        ).run()
        guard case .capped(let limit, _, let until) = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(limit.scope == scope && until.iso8601 == "2027-01-11T09:00:00.000Z")
        #expect(try rig.tallies.sent == 3)
    }

    @Test("who is to be tried again behind the close, or while another cap is full, is told the moment both allow")
    func retryBehind() async throws {
        let rig = try Rig("at rcpt to p7@* reply 451 4.3.2 later\n", people: 8)
        let (queue, clock) = try Self.queue(rig, at: "2027-01-08T16:30:00Z")
        func run(_ change: (inout Account) -> Void) async throws -> Ending {
            try await Dispatcher(
                queue: queue, campaign: rig.campaign, account: rig.account(change), plan: rig.plan,
                classifier: ReplyClassifier(rules: []), options: SendOptions(), clock: clock
            ).run()
        }
        let closing = try await run {
            $0.retry = RetrySchedule([.seconds(3_000), .seconds(3_000)])
            $0.window = SendingWindow(days: .workdays, from: 540, to: 1020, zone: "UTC")
        }
        guard case .waiting(let until) = closing else {
            Issue.record("\(closing)")
            return
        }
        #expect(until.iso8601 == "2027-01-11T09:00:00.000Z")
        // Eight of eight in the last two hours: the try that is due within the hour waits for the cap as well.
        let full = try await run { $0.limits = [Limit(scope: .source, count: 8, per: .seconds(7_200))] }
        guard case .waiting(let later) = full else {
            Issue.record("\(full)")
            return
        }
        #expect(later.iso8601 == "2027-01-08T18:30:00.000Z")
    }

    @Test("while it stays, a run says that it waits for a domain's cap, to the screen and to the queue")
    func staysForDomain() async throws {
        let rig = try Rig(people: 9)
        let cap = Limit(scope: .domain, count: 4, per: .seconds(3_600))
        let seen = Mutex<(reason: WaitReason?, told: String?)>((nil, nil))
        let dispatcher = Dispatcher(
            queue: rig.queue, campaign: rig.campaign, account: rig.account { $0.limits.append(cap) }, plan: rig.plan,
            classifier: ReplyClassifier(rules: []), options: SendOptions(wait: true))
        let patience = Task {
            try await Task.sleep(for: .seconds(20))
            dispatcher.drain()
        }
        _ = try await dispatcher.run { progress in
            guard let reason = progress.waiting else { return }
            let told = try? rig.queue.runners(rig.campaign.id).first?.status.waitingFor
            let isEnough = seen.withLock { seen in
                seen.reason = reason
                seen.told = told ?? seen.told
                return seen.told?.contains("test.example") == true
            }
            if isEnough { dispatcher.drain() }
        }
        patience.cancel()
        let (reason, told) = seen.withLock { $0 }
        guard case .cap(let limit, "test.example", let until) = reason else {
            Issue.record("\(String(describing: reason))")
            return
        }
        #expect(limit == cap && until > SystemClock().now() + .seconds(3_000))
        #expect(told == "the cap of 4 for domain test.example is used up")
    }

    @Test("a run whose last people another one has says so, and how many")
    func others() async throws {
        let rig = try Rig(people: 5)
        let other = try await rig.queue.startRunner(
            rig.campaign.id, account: "a", source: "default", limits: [], doubt: .hold)
        let held = try await other.lease(2).recipients.count
        let ending = try await rig.send(SendOptions())
        guard case .others(held) = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(try held == 2 && rig.tallies.sent == 3)
        try await other.stop()
    }
}
