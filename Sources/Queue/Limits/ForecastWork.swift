/// Who is left in simulated time: the fresh, and those put off once, twice, …
struct ForecastWork {
    private var fresh: Int
    /// Ready for their second, third, … try.
    private var ready: [Int]
    /// Due later, oldest first, by try; the wait is the same for all of a try, so each list is in order.
    private var due: [[(time: Int64, count: Int)]]
    private var heads: [Int]
    /// Parts of a message that the share has put off so far.
    private var carried: [Double]
    private let share: Double
    private let waits: [Int64]

    init(fresh: Int, deferred: Int, share: Double, waits: [Int64]) {
        self.fresh = fresh
        self.share = waits.isEmpty ? 0 : share
        self.waits = waits
        let tries = max(1, waits.count)
        ready = Array(repeating: 0, count: tries)
        ready[0] = deferred
        due = Array(repeating: [], count: tries)
        heads = Array(repeating: 0, count: tries)
        carried = Array(repeating: 0, count: tries)
    }

    var isEmpty: Bool { fresh == 0 && ready.allSatisfy { $0 == 0 } && zip(due, heads).allSatisfy { $0.count == $1 } }

    /// Attempts it will take, those already put off for later included.
    var expected: Double {
        let waiting =
            ready.reduce(0, +)
            + zip(due, heads).reduce(0) { sum, pair in
                sum + pair.0[pair.1...].reduce(0) { $0 + $1.count }
            }
        return Double(fresh + waiting) / (1 - share)
    }

    /// The first moment from `time` on at which somebody is due.
    mutating func next(at time: Int64) -> Int64? {
        if ready(at: time) > 0 { return time }
        return zip(due, heads).compactMap { $0.count > $1 ? $0[$1].time : nil }.min()
    }

    mutating func ready(at time: Int64) -> Int {
        for index in due.indices {
            while heads[index] < due[index].count, due[index][heads[index]].time <= time {
                ready[index] += due[index][heads[index]].count
                heads[index] += 1
            }
        }
        return fresh + ready.reduce(0, +)
    }

    /// They are tried; of those put off again each is due after its wait.
    mutating func take(_ run: ForecastRun) {
        var left = run.count
        // Fresh before retried, with a quarter for these.
        var retries = min(ready.reduce(0, +), max(left / 4, left - fresh))
        let new = left - retries
        left = new
        for index in ready.indices.reversed() where retries > 0 && ready[index] > 0 {
            let taken = min(ready[index], retries)
            ready[index] -= taken
            retries -= taken
            putOff(taken, from: index + 1, run.last)
        }
        fresh -= new
        putOff(new, from: 0, run.last)
    }

    private mutating func putOff(_ count: Int, from tried: Int, _ time: Int64) {
        guard share > 0, count > 0, tried < waits.count else { return }
        carried[tried] += Double(count) * share
        let whole = Int(carried[tried])
        guard whole > 0 else { return }
        carried[tried] -= Double(whole)
        let moment = time + waits[tried]
        if let last = due[tried].last, due[tried].count > heads[tried], moment - last.time < waits[tried] / 16 {
            due[tried][due[tried].count - 1].count += whole
        } else {
            due[tried].append((moment, whole))
        }
    }
}
