import Clock

/// What could be otherwise.
public enum CourseChange: Sendable, Hashable {
    case none
    /// One more source with the same caps and nothing sent yet.
    case secondSource
    /// One cap raised to twice its count.
    case doubled(Limit)
}

/// How the sending of a number of messages goes.
public struct Course: Sendable {
    /// Messages that go in a row, `stepMicroseconds` apart; all at once where that is 0.
    public struct Stretch: Sendable, Hashable {
        public let first: Timestamp
        public let stepMicroseconds: Int64
        public let count: Int
    }

    /// In order of time, but for the messages of a domain that has caps of its own: those follow.
    public let stretches: [Stretch]
    /// When the last one goes; nil for no messages.
    public let finish: Timestamp?
    /// What it waits for at the end is a retry that is not due before, and no cap.
    public let endsWithRetry: Bool
}

/// A cap on one key, and when a campaign would be finished if it were the only one.
public struct CourseHold: Sendable, Hashable {
    public let limit: Limit
    public let key: String
    public let finish: Timestamp
}

/// One limit of one key in simulated time, as it is and raised to twice its count.
struct CourseLane: Sendable {
    let limit: Limit
    let key: String
    let once: ForecastLane
    let twice: ForecastLane

    /// - Parameter made: the lane of a limit, with what was granted.
    init(_ limit: Limit, key: String, made: (Limit) throws -> ForecastLane) rethrows {
        self.limit = limit
        self.key = key
        once = try made(limit)
        var raised = limit
        raised.count *= 2
        raised.warmup = limit.warmup.map { $0.map { $0 * 2 } }
        twice = try made(raised)
    }

    init(unused limit: Limit, key: String) {
        self.init(limit, key: key) { ForecastLane($0, first: nil, given: []) }
    }
}

/// What a forecast starts from: the caps that hold, each with its history, the hours of sending, and the retries seen so
/// far. Made once, asked several times; the rule is the limiter's, run forward.
public struct CourseBasis: Sendable {
    var lanes: [CourseLane] = []
    /// Domain groups with caps of their own, and how many messages each takes.
    var domains: [(count: Int, lanes: [CourseLane])] = []
    var now: Instant
    /// Of those who wait, so many have been put off already.
    var deferred = 0
    /// The share of attempts that are put off.
    var deferredShare = 0.0
    /// Under pace `even`: when (queue time) the next message may go.
    var nextAt: Int64 = 0
    /// When (queue time) the last of them is due.
    var lastDue: Int64 = 0

    /// Spread over the window of the cap that allows least.
    public var isEven = false
    /// Microseconds from one message to the next at the earliest; 0 when nobody knows.
    public var step: Int64 = 0
    /// By which waits those are tried again who are put off.
    public var retries: [RetryShare] = []
    /// Nothing goes before this, nor outside of these.
    public var start: Timestamp?
    public var windows: [SendingWindow] = []

    /// Without a queue: nothing was granted yet.
    public init(_ limits: [Limit], account: String, source: String, domains counts: [String: Int], clock: any WallClock)
    {
        let wall = clock.now()
        now = Instant(queue: wall.microseconds, wall: wall)
        for limit in limits where limit.scope != .domain {
            let name = limit.scope == .source ? source : limit.scope == .account ? account : ""
            guard limit.scope == .campaign || limit.applies(to: name) else { continue }
            lanes.append(CourseLane(unused: limit, key: name))
        }
        for (group, count) in counts.sorted(by: { $0.key < $1.key }) {
            let holding = limits.filter { $0.scope == .domain && $0.applies(to: group) }
            guard !holding.isEmpty else { continue }
            domains.append((count, holding.map { CourseLane(unused: $0, key: group) }))
        }
    }

    init(now: Instant) { self.now = now }

    public var present: Timestamp { now.wall }

    private var begin: Int64 { isEven ? max(now.queue, nextAt) : now.queue }

    /// Whether there is anything to reckon with.
    var hasObstacles: Bool { !lanes.isEmpty || !domains.isEmpty || step > 0 || start != nil || !windows.isEmpty }

    /// - Parameter isWhole: of all messages; those of one domain are neither spread nor slowed by the others.
    private func forecast(_ lanes: [CourseLane], _ change: CourseChange, isWhole: Bool = true) -> Forecast {
        var forecast = Forecast(
            lanes: lanes.map { lane in
                switch change {
                case .none: lane.once
                case .secondSource: lane.limit.scope == .source ? lane.twice : lane.once
                case .doubled(let limit): lane.limit == limit ? lane.twice : lane.once
                }
            }, step: isWhole ? step : 0)
        forecast.isEven = isEven && isWhole
        forecast.deferredShare = deferredShare
        forecast.retries = retries
        if start != nil || !windows.isEmpty {
            let (openings, now) = (Openings(windows, start: start), now)
            forecast.spell = { time in
                let spell = openings.spell(at: now.wall(time))
                let until = spell.isOpen ? spell.until : spell.opening
                return (spell.isOpen, time + (until.microseconds - now.wall(time).microseconds))
            }
        }
        return forecast
    }

    /// How it goes with `count` messages.
    public func course(_ count: Int, changing change: CourseChange = .none) -> Course {
        guard count > 0 else { return Course(stretches: [], finish: nil, endsWithRetry: false) }
        var whole = forecast(lanes, change)
        whole.alreadyDeferred = min(deferred, count)
        var runs: [ForecastRun] = []
        var finish = whole.course(count, from: begin) { runs.append($0) }
        // Domains with caps of their own that are slower than the rest go by these.
        var slow: [ForecastRun] = []
        var slowCount = 0
        for domain in domains {
            var own: [ForecastRun] = []
            let end = forecast(domain.lanes, change, isWhole: false).course(domain.count, from: now.queue) {
                own.append($0)
            }
            guard end > finish else { continue }
            slow += own
            slowCount += domain.count
        }
        if slowCount > 0 {
            runs = []
            let rest = max(0, count - slowCount)
            whole.alreadyDeferred = min(deferred, rest)
            _ = whole.course(rest, from: begin) { runs.append($0) }
            runs += slow
            finish = max(finish, slow.map(\.last).max() ?? finish)
        }
        // The last retry cannot be before it is due.
        let endsWithRetry = lastDue > finish
        finish = max(finish, lastDue)
        return Course(
            stretches: runs.map { .init(first: now.wall($0.start), stepMicroseconds: $0.spacing, count: $0.count) },
            finish: now.wall(finish), endsWithRetry: endsWithRetry)
    }

    /// When the next message may be begun, one that every lane holds for.
    var nextBegin: Timestamp {
        var first = begin
        _ = forecast(lanes + domains.flatMap(\.lanes), .none).course(1, from: begin) { first = $0.start }
        return now.wall(first)
    }

    /// The caps that hold it up, each run forward as if it were the only one; the slowest first.
    public func holds(_ count: Int) -> [CourseHold] {
        let free = forecast([], .none).course(count, from: begin) { _ in }
        var holds: [CourseHold] = []
        func add(_ lane: CourseLane, _ count: Int, isWhole: Bool = true) {
            let finish = forecast([lane], .none, isWhole: isWhole).course(count, from: begin) { _ in }
            if finish > free + 1_000_000 {
                holds.append(CourseHold(limit: lane.limit, key: lane.key, finish: now.wall(finish)))
            }
        }
        for lane in lanes { add(lane, count) }
        // Of many domains the fullest ones are enough to name.
        for domain in domains.sorted(by: { $0.count > $1.count }).prefix(20) {
            for lane in domain.lanes { add(lane, domain.count, isWhole: false) }
        }
        return holds.sorted { ($0.finish, $0.limit.perMicroseconds) > ($1.finish, $1.limit.perMicroseconds) }
    }
}
