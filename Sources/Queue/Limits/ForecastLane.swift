/// Grants at `start`, `start + spacing`, …: a stretch of simulated time in which nothing held up the next one.
struct ForecastRun: Sendable, Equatable {
    var start: Int64
    var spacing: Int64
    var count: Int

    var last: Int64 { start + spacing * Int64(count - 1) }

    /// How many of them are not later than `time`.
    func given(by time: Int64) -> Int {
        guard start <= time else { return 0 }
        return spacing == 0 ? count : min(count, Int((time - start) / spacing) + 1)
    }

    mutating func drop(_ number: Int) {
        start += spacing * Int64(number)
        count -= number
    }
}

/// One limit in simulated time: the grants its window still feels, as runs, so that a cap of ten million costs no more
/// than one of a hundred.
struct ForecastLane {
    let limit: Limit
    /// When the key's first grant was given; nil before it.
    private var first: Int64?
    private var runs: [ForecastRun] = []
    private var head = 0
    private var held = 0

    /// - Parameter given: times of grants given, oldest first.
    init(count: Int, window: Int64, given: [Int64]) {
        self.init(Limit(scope: .source, count: count, perMicroseconds: window), first: given.first, given: [])
        for time in given { take(ForecastRun(start: time, spacing: 0, count: 1)) }
    }

    init(_ limit: Limit, first: Int64?, given: [ForecastRun]) {
        self.limit = limit
        self.first = first
        for run in given where run.count > 0 { take(run) }
    }

    /// Grants that have left the window by `time` are forgotten; time only goes on.
    mutating func expire(at time: Int64) {
        while head < runs.count {
            let gone = runs[head].given(by: time - limit.perMicroseconds)
            guard gone > 0 else { break }
            held -= gone
            runs[head].drop(gone)
            guard runs[head].count == 0 else { break }
            head += 1
        }
        if head > 1_000, head * 2 > runs.count {
            runs.removeFirst(head)
            head = 0
        }
    }

    func allowance(at time: Int64) -> (count: Int, until: Int64?)? { limit.allowance(first: first, at: time) }

    /// Free places at `time`, to which it must be expired; nil for no bound.
    func room(at time: Int64) -> Int? { allowance(at: time).map { $0.count - held } }

    /// When the first place is free, for a lane that is full at `time`.
    func next(after time: Int64) -> Int64 {
        guard let allowance = allowance(at: time) else { return time }
        var needed = held - allowance.count + 1
        var free = Int64.max
        for run in runs[head...] {
            if needed <= run.count {
                free = run.start + run.spacing * Int64(needed - 1) + limit.perMicroseconds
                break
            }
            needed -= run.count
        }
        return max(time + 1, min(free, allowance.until ?? Int64.max))
    }

    /// Where the lane has as good as no room at `time`: the grants that leave the window one by one from then on, each
    /// of which makes room for one.
    func leaving(after time: Int64) -> ForecastRun? {
        guard head < runs.count, runs[head].spacing > 0 || runs[head].count == 1 else { return nil }
        var run = runs[head]
        run.start += limit.perMicroseconds
        return run.start <= time + max(run.spacing, 1) ? run : nil
    }

    mutating func take(_ run: ForecastRun) {
        if first == nil { first = run.start }
        held += run.count
        if let last = runs.last, head < runs.count {
            let index = runs.count - 1
            if last.spacing == run.spacing, last.start + last.spacing * Int64(last.count) == run.start {
                runs[index].count += run.count
                return
            }
        }
        runs.append(run)
    }
}
