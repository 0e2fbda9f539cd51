import Clock
import Dispatch
import Queue
import Synchronization

/// Where the workers of one run ask whether they may go on, and wait when they may not. It never sleeps: a waiting
/// worker is woken by the earliest moment it waits for or by a change, whichever comes first.
final class Gate: Sendable {
    /// What a worker may do now.
    enum Permission {
        case go
        case hold(WaitReason)
        case stop
    }

    private struct Parked {
        var reason: WaitReason
        var continuation: UnsafeContinuation<Void, Never>
    }

    private struct State {
        var stop: Ending?
        var hold: WaitReason?
        var parked: [Int: Parked] = [:]
        var running: Int
        var allowance: Int?
        var failures = 0
        var breaker: Breaker
        /// The last rest in the queue that was lifted.
        var lifted: Int64?
        /// Workers that use the route now, as many as the breaker's window allows.
        var active: Set<Int> = []
        var paceFrom: Timestamp?
        var timer: DispatchWorkItem?
        var activity: [SessionActivity]
        var tally = Progress()
    }

    private let state: Mutex<State>
    private let clock: any WallClock
    private let options: SendOptions
    private let timerQueue = DispatchQueue(label: "outpost.gate")

    init(workers: Int, options: SendOptions, clock: any WallClock) {
        let now = clock.now()
        state = Mutex(
            State(
                running: workers, allowance: options.limit, breaker: Breaker(most: workers),
                activity: (0..<workers).map { SessionActivity(number: $0 + 1, step: "off", since: now, delivered: 0) }))
        self.clock = clock
        self.options = options
    }

    var ending: Ending? { state.withLock { $0.stop } }

    /// The run waits for what may come by itself: a cap, a retry, a server, the name of one.
    var stays: Bool { options.wait }

    var isStopped: Bool { state.withLock { $0.stop != nil } }

    /// What was begun and has not left shall not leave. (A limit that others have reached lets it go, and so does a signal:
    /// its grants are spent.)
    var isHalted: Bool {
        state.withLock { state in
            switch state.stop {
            case .paused, .cancelled, .loginRefused: true
            default: false
            }
        }
    }

    /// Whether a worker may use the route now. It gives its place back by parking or leaving.
    func permission(_ worker: Int) -> Permission {
        let now = clock.now()
        return state.withLock { state in
            if state.stop != nil { return .stop }
            if let reason = state.breaker.obstacle(now: now) { return .hold(reason) }
            if let hold = state.hold, let until = hold.until {
                if until > now { return .hold(hold) }
                state.hold = nil
            }
            let others = state.active.count - (state.active.contains(worker) ? 1 : 0)
            guard others < state.breaker.window else { return .hold(.turn) }
            state.active.insert(worker)
            return .go
        }
    }

    /// Ends the run; the first reason given stands, but that somebody asked for the end or that the login is refused
    /// outweighs what merely waits.
    func stop(_ ending: Ending) {
        let woken = state.withLock { state in
            if state.stop == nil { state.stop = ending }
            return Self.takeAll(&state)
        }
        woken.forEach { $0.resume() }
    }

    /// The route is left alone. Returns until when, which is longer when it was tried in vain before.
    func rest(for time: Duration, reply: String) -> Timestamp {
        let now = clock.now()
        return state.withLock { state in
            state.breaker.rest(for: time, now: now) { .rest(until: $0, reply: reply) }
            guard case .open(let until, _) = state.breaker.state else { return now + time }
            return until
        }
    }

    /// What the queue says of the route's last rest: another process may have asked for it, or somebody lifted it.
    /// - Parameter isFirst: the run begins: what was lifted before is no news.
    func obey(_ rest: RouteRest?, isFirst: Bool = false) {
        guard let rest else { return }
        let now = clock.now()
        let woken: [UnsafeContinuation<Void, Never>] = state.withLock { state in
            guard rest.isLifted else {
                guard rest.until > now else { return [] }
                state.breaker.obey(
                    until: rest.until, now: now, .rest(until: rest.until, reply: rest.reply))
                return []
            }
            guard state.lifted != rest.id else { return [] }
            state.lifted = rest.id
            return !isFirst && state.breaker.lift() ? Self.takeAll(&state) : []
        }
        woken.forEach { $0.resume() }
    }

    /// Nobody begins anything before the moment named.
    func hold(_ reason: WaitReason) {
        state.withLock { state in
            if let old = state.hold?.until, let new = reason.until, old >= new { return }
            state.hold = reason
        }
    }

    /// Something was put back into the queue, or an order may have changed: whoever waits looks again.
    func changed() {
        let woken = state.withLock { Self.takeAll(&$0) }
        woken.forEach { $0.resume() }
    }

    /// Waits until there may be something to do. The caller must have settled all it has begun.
    func park(_ worker: Int, _ reason: WaitReason) async {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let woken: [UnsafeContinuation<Void, Never>] = state.withLock { state in
                guard state.stop == nil else { return [continuation] }
                state.parked[worker] = Parked(reason: reason, continuation: continuation)
                state.active.remove(worker)
                let next = Self.takeTurns(&state)
                if state.parked.count == state.running { concludeOrWait(&state) }
                guard state.stop == nil else { return next + Self.takeAll(&state) }
                schedule(&state)
                return next
            }
            woken.forEach { $0.resume() }
        }
    }

    /// A worker has ended; those that wait may be the last ones.
    func leave(_ worker: Int) {
        let woken: [UnsafeContinuation<Void, Never>] = state.withLock { state in
            state.running -= 1
            state.active.remove(worker)
            let next = Self.takeTurns(&state)
            if state.running > 0, state.parked.count == state.running { concludeOrWait(&state) }
            return state.stop == nil ? next : next + Self.takeAll(&state)
        }
        woken.forEach { $0.resume() }
    }

    /// All workers wait: the run is over when nothing can come, or when it is not to stay.
    private func concludeOrWait(_ state: inout State) {
        let reasons = state.parked.values.map(\.reason)
        guard let next = reasons.earliest else {
            state.stop = .finished  // the dispatcher asks the queue what that means
            return
        }
        guard !options.wait else { return }
        // As long as one tries to connect, it has recipients whom the others only wait for.
        guard !reasons.contains(where: \.isPartOfSending) else { return }
        // What others have is the dispatcher's to ask for, too.
        state.stop = Ending(next) ?? .finished
    }

    /// Those that wait for a place, as many as there are places.
    private static func takeTurns(_ state: inout State) -> [UnsafeContinuation<Void, Never>] {
        let places = state.breaker.window - state.active.count
        guard places > 0 else { return [] }
        let waiting = state.parked.filter { $0.value.reason == .turn }.keys.sorted().prefix(places)
        return waiting.compactMap { state.parked.removeValue(forKey: $0)?.continuation }
    }

    private static func takeAll(_ state: inout State) -> [UnsafeContinuation<Void, Never>] {
        let all = state.parked.values.map(\.continuation)
        state.parked.removeAll()
        return all
    }

    private func schedule(_ state: inout State) {
        state.timer?.cancel()
        state.timer = nil
        guard let earliest = state.parked.values.compactMap(\.reason.until).min() else { return }
        // Looks again at least twice a minute: the wall clock may be set while nobody looks.
        let wait = min(max(0, (earliest - clock.now()).inSeconds), 30)
        let item = DispatchWorkItem { [weak self] in self?.wakeDue() }
        state.timer = item
        timerQueue.asyncAfter(deadline: .now() + wait + 0.001, execute: item)
    }

    private func wakeDue() {
        let now = clock.now()
        let woken: [UnsafeContinuation<Void, Never>] = state.withLock { state in
            let due = state.parked.filter { $0.value.reason.until.map { $0 <= now } ?? false }
            for key in due.keys { state.parked[key] = nil }
            schedule(&state)
            return due.values.map(\.continuation)
        }
        woken.forEach { $0.resume() }
    }

    // MARK: - Allowance and pace

    /// How many of `wanted` messages may still be begun under `--limit`.
    func reserve(_ wanted: Int) -> Int {
        state.withLock { state in
            guard let left = state.allowance else { return wanted }
            let granted = min(left, wanted)
            state.allowance = left - granted
            return granted
        }
    }

    func giveBack(_ count: Int) { state.withLock { if let left = $0.allowance { $0.allowance = left + count } } }

    /// Under pace `even`: when to ask the limiter again; nil for one worker at a time, when that has come.
    func slot() -> Timestamp? {
        let now = clock.now()
        return state.withLock { state in
            if let from = state.paceFrom, from > now { return from }
            // Longer than a commit: by then the one that asks knows more.
            state.paceFrom = now + .milliseconds(20)
            return nil
        }
    }

    /// What the limiter said: the next message may go then, or (nil) it went and the one after it is to ask.
    func paced(until: Timestamp?) { state.withLock { $0.paceFrom = until } }

    // MARK: - The route's health

    /// Sessions in a row that could not be opened, after which a run that does not stay gives up.
    private static let patience = 4

    /// A session is open: what failed before is over.
    func opened() { state.withLock { $0.failures = 0 } }

    /// What a session that could not be opened or was lost means.
    struct Setback {
        /// How long to leave the server alone, doubling from 0.5 s up to 5 minutes; nil when the run is to give up.
        var pause: Duration?
        /// Until when the route rests, if it was on trial.
        var rest: Timestamp?
    }

    /// A session could not be opened or was lost.
    func failed(opening: Bool) -> Setback {
        let now = clock.now()
        return state.withLock { state in
            state.failures += 1
            let wasOnTrial = state.breaker.state == .halfOpen
            state.breaker.failed(now: now)
            var setback = Setback()
            if wasOnTrial, case .open(let until, _) = state.breaker.state { setback.rest = until }
            if opening, !options.wait, state.failures >= Self.patience { return setback }
            setback.pause = .milliseconds(min(300_000, 500 << min(state.failures - 1, 10)))
            return setback
        }
    }

    // MARK: - What the screen shows

    func show(_ worker: Int, _ step: String, delivered: Int = 0) {
        let now = clock.now()
        state.withLock { state in
            if state.activity[worker].step != step {
                state.activity[worker].step = step
                state.activity[worker].since = now
            }
            state.activity[worker].delivered += delivered
        }
    }

    /// Takes in outcomes that are on disk: for the screen, and for the window.
    func count(_ settlements: [Settlement]) {
        let woken: [UnsafeContinuation<Void, Never>] = state.withLock { state in
            var worked = 0
            for settlement in settlements {
                switch settlement.outcome {
                case .sent:
                    state.tally.sent += 1
                    worked += 1
                case .deferred: state.tally.deferred += 1
                case .failed: state.tally.failed += 1
                case .inDoubt: state.tally.inDoubt += 1
                case .aborted: state.tally.aborted += 1
                }
            }
            return worked > 0 && state.breaker.succeeded(worked) ? Self.takeTurns(&state) : []
        }
        woken.forEach { $0.resume() }
    }

    /// Counts so far, what the sessions do, and the reason when all of them wait.
    func picture() -> Progress {
        state.withLock { state in
            var picture = state.tally
            picture.sessions = state.activity
            if state.running > 0, state.parked.count == state.running {
                let reasons = state.parked.values.map(\.reason)
                picture.waiting = reasons.earliest ?? reasons.first
            }
            return picture
        }
    }
}
