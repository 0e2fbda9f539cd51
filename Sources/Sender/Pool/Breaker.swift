import Clock

/// How much of a route may be used now: a circuit breaker with a concurrency window, in one pure state machine.
///
/// While it is closed the window grows with each full cohort of successes: it doubles until the first failure, by one
/// after that; it is halved at the start of a streak of failures. While it is open nobody uses the route. After that one session tries (half-open): a success closes the
/// breaker with a window of one, a failure opens it again for twice as long.
struct Breaker: Sendable, Equatable {
    enum State: Sendable, Equatable {
        case closed
        case open(until: Timestamp, reason: WaitReason)
        case halfOpen
    }

    /// What Postfix begins with, and for the same reason: enough to be quick, few enough to be polite.
    static let firstWindow = 5
    /// The longest a route rests because a probe failed.
    static let longestRest = Duration.seconds(14_400)

    private(set) var state = State.closed
    /// Sessions that may be in use at once.
    private(set) var window: Int
    private let most: Int
    private var cohort = 0
    private var streak = false
    /// Something has gone wrong in this run: from here on the window grows by one.
    private var careful = false
    private var lastRest: Duration?

    /// - Parameter most: the account's `sessions`.
    init(most: Int) {
        self.most = max(1, most)
        window = min(self.most, Self.firstWindow)
    }

    /// A message got a final answer that says the route works. Returns whether the window grew.
    mutating func succeeded(_ count: Int = 1) -> Bool {
        streak = false
        if case .halfOpen = state {
            state = .closed
            lastRest = nil
            cohort = 0
            window = min(most, 2)
            return window > 1
        }
        guard case .closed = state, window < most else { return false }
        cohort += count
        var grew = false
        while cohort >= window, window < most {
            cohort -= window
            window = careful ? window + 1 : min(most, window * 2)
            grew = true
        }
        return grew
    }

    /// A session was lost, refused, or could not be opened.
    mutating func failed(now: Timestamp) {
        cohort = 0
        if case .halfOpen = state, let lastRest {
            rest(for: min(lastRest * 2, Self.longestRest), now: now) {
                .rest(until: $0, reply: "the route does not work yet")
            }
            return
        }
        careful = true
        guard !streak else { return }
        streak = true
        window = max(1, window / 2)
    }

    /// The route is left alone. A rest that is asked for while trying again is at least twice the last one; a shorter one
    /// does not cut a longer one.
    mutating func rest(for time: Duration, now: Timestamp, _ reason: (Timestamp) -> WaitReason) {
        var time = time
        if case .halfOpen = state, let lastRest { time = min(max(time, lastRest * 2), max(time, Self.longestRest)) }
        let until = now + time
        if case .open(let old, _) = state, old >= until { return }
        lastRest = time
        careful = true
        cohort = 0
        window = 1
        state = .open(until: until, reason: reason(until))
    }

    /// A rest that another process asked for; what this one found out itself stays known.
    mutating func obey(until: Timestamp, now: Timestamp, _ reason: WaitReason) {
        // The same moment, said by two clocks.
        if case .open(let old, _) = state, old + .seconds(1) >= until { return }
        if lastRest == nil { lastRest = until - now }
        careful = true
        cohort = 0
        window = 1
        state = .open(until: until, reason: reason)
    }

    /// Somebody ended the rest by hand: it is tried now, and what comes of it decides. Answers whether there was one.
    mutating func lift() -> Bool {
        guard case .open = state else { return false }
        state = .halfOpen
        lastRest = nil
        window = 1
        return true
    }

    /// Why nobody may use the route now; `nil` when it may be used. Time alone turns open into half-open.
    mutating func obstacle(now: Timestamp) -> WaitReason? {
        guard case .open(let until, let reason) = state else { return nil }
        if until > now { return reason }
        state = .halfOpen
        window = 1
        return nil
    }
}
