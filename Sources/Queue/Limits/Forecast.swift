/// The limiter run forward: the same rules over simulated time, a run of messages after the other.
struct Forecast {
    var lanes: [ForecastLane]
    /// Microseconds a message takes; 0 for none.
    var step: Int64
    /// Lanes spread evenly, each over its window.
    var isEven = false
    /// When messages may be begun, on the simulated time line; nil for always.
    var spell: ((Int64) -> (isOpen: Bool, until: Int64))?
    /// The share of attempts that are put off, 0…0.9, and by which waits these are tried again.
    var deferredShare = 0.0
    var retries: [RetryShare] = []
    /// Of the messages to send, so many have been put off already and wait for another try.
    var alreadyDeferred = 0

    /// Beyond so many runs the course so far is continued.
    static let longest = 150_000

    init(lanes: [ForecastLane], step: Int64) {
        self.lanes = lanes
        self.step = step
    }

    /// When the last of `count` messages is settled, each a step after it was begun.
    func finish(_ count: Int, from start: Int64) -> Int64 {
        course(count, from: start) { _ in }
    }

    /// The same, telling each run of messages as they are begun, in order of time.
    func course(_ count: Int, from start: Int64, _ told: (ForecastRun) -> Void) -> Int64 {
        guard count > 0 else { return start }
        var work = ForecastWork(
            fresh: max(0, count - alreadyDeferred), deferred: min(count, alreadyDeferred),
            share: min(0.9, deferredShare),
            retries: retries)
        let (kept, gap) = simplified(work.expected)
        var lanes = kept
        var time = start
        var last = start - step
        var begun = 0
        var middle = (time: start, begun: 0)
        var rounds = 0
        while !work.isEmpty {
            if rounds == Self.longest / 2 { middle = (last, begun) }
            guard rounds < Self.longest else {
                let slope = Double(last - middle.time) / Double(max(1, begun - middle.begun))
                let rest = work.expected
                told(ForecastRun(start: last, spacing: max(1, Int64(slope)), count: Int(rest)))
                return last + Int64(min(slope * rest, 9e17)) + step
            }
            rounds += 1
            if begun > 0 { time = max(time, last + spacing(lanes, at: time, gap)) }
            guard let due = work.next(at: time) else { break }
            time = max(time, due)
            let closing: Int64
            (time, closing) = free(&lanes, from: time)
            var run = ForecastRun(start: time, spacing: spacing(lanes, at: time, gap), count: work.ready(at: time))
            for lane in lanes { Self.fit(&run, lane) }
            for lane in lanes { Self.fit(&run, lane) }
            if run.spacing > 0 { run.count = min(run.count, Int((closing - 1 - time) / run.spacing) + 1) }
            told(run)
            // A grant is as old as its settle.
            let settled = ForecastRun(start: run.start + step, spacing: run.spacing, count: run.count)
            for index in lanes.indices { lanes[index].take(settled) }
            work.take(settled)
            begun += run.count
            last = run.last
        }
        return last + step
    }

    /// Windows so short beside the whole that each is but an instant become a pace: what is left costs by the day.
    private func simplified(_ attempts: Double) -> ([ForecastLane], Int64) {
        let gaps = lanes.map { Double($0.limit.perMicroseconds) / Double(max(1, $0.limit.count)) }
        let whole = attempts * max(gaps.max() ?? 0, Double(step))
        var kept: [ForecastLane] = []
        var step = step
        for (lane, gap) in zip(lanes, gaps) {
            if lane.limit.warmup == nil, whole > 60_000 * Double(lane.limit.perMicroseconds) {
                step = max(step, Int64(gap))
            } else {
                kept.append(lane)
            }
        }
        return (kept, step)
    }

    private func spacing(_ lanes: [ForecastLane], at time: Int64, _ step: Int64) -> Int64 {
        guard isEven else { return step }
        var gap = step
        for lane in lanes {
            if let allowance = lane.allowance(at: time) {
                gap = max(gap, lane.limit.perMicroseconds / Int64(max(1, allowance.count)))
            }
        }
        return gap
    }

    /// The first moment from `time` on at which every lane has room and the window is open, and when that closes.
    private func free(_ lanes: inout [ForecastLane], from time: Int64) -> (Int64, closing: Int64) {
        var time = time
        var closing = Int64.max
        var isFree = false
        while !isFree {
            isFree = true
            closing = Int64.max
            if let spell {
                let now = spell(time)
                if now.isOpen {
                    closing = now.until
                } else {
                    time = max(time + 1, now.until)
                    isFree = false
                }
            }
            for index in lanes.indices {
                lanes[index].expire(at: time)
                if let room = lanes[index].room(at: time), room <= 0 {
                    time = lanes[index].next(after: time)
                    isFree = false
                }
            }
        }
        return (time, closing)
    }

    /// Shortens a run to what a lane lets go without a break.
    private static func fit(_ run: inout ForecastRun, _ lane: ForecastLane) {
        guard let allowance = lane.allowance(at: run.start), let room = lane.room(at: run.start) else { return }
        var most = room
        if let leaving = lane.leaving(after: run.start + run.spacing * Int64(room)) {
            if room == 1 { run.spacing = max(run.spacing, leaving.spacing) }
            let reaches = leaving.start <= run.start + run.spacing * Int64(room)
            if reaches, leaving.spacing <= run.spacing { most += leaving.count }
        }
        run.count = min(run.count, max(1, most))
        if let until = allowance.until, run.spacing > 0 {
            run.count = min(run.count, Int((until - 1 - run.start) / run.spacing) + 1)
        }
    }
}
