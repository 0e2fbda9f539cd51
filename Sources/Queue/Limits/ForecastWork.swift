import Clock

/// Who is left in simulated time: the fresh, and those put off once, twice, … by each list of waits.
struct ForecastWork {
    /// Those whom one list of waits has put off for the same number of times.
    private struct Stage {
        let wait: Int64
        /// Of those put off for the first time, so many come here; 0 for the later waits of a list.
        let share: Double
        /// The list has another wait behind this one.
        let goesOn: Bool
        /// Ready for another try.
        var ready = 0
        /// Due later, oldest first: all of them wait as long, so they are in order.
        var due: [(time: Int64, count: Int)] = []
        var head = 0
        /// Parts of a message that the share has put off so far.
        var carried = 0.0

        var later: ArraySlice<(time: Int64, count: Int)> { due[head...] }
    }

    private var fresh: Int
    /// The lists one behind the other, each in its own order.
    private var stages: [Stage] = []
    private let share: Double

    init(fresh: Int, deferred: Int, share: Double, retries: [RetryShare]) {
        self.fresh = fresh
        for list in retries {
            for (index, wait) in list.waits.enumerated() {
                stages.append(
                    Stage(
                        wait: wait.inMicroseconds, share: index == 0 ? list.share : 0,
                        goesOn: index + 1 < list.waits.count))
            }
        }
        self.share = stages.isEmpty ? 0 : share
        if stages.isEmpty { stages = [Stage(wait: 0, share: 1, goesOn: false)] }
        // Who was put off before is ready, as if by the lists in their shares; what cannot be divided goes by the first.
        var left = deferred
        for index in stages.indices.reversed() where stages[index].share > 0 {
            let part = min(left, Int(Double(deferred) * stages[index].share))
            stages[index].ready = part
            left -= part
        }
        stages[0].ready += left
    }

    var isEmpty: Bool { fresh == 0 && stages.allSatisfy { $0.ready == 0 && $0.later.isEmpty } }

    /// Attempts it will take, those already put off for later included.
    var expected: Double {
        let waiting = stages.reduce(0) { sum, stage in stage.later.reduce(sum + stage.ready) { $0 + $1.count } }
        return Double(fresh + waiting) / (1 - share)
    }

    /// The first moment from `time` on at which somebody is due.
    mutating func next(at time: Int64) -> Int64? {
        if ready(at: time) > 0 { return time }
        return stages.compactMap { $0.later.first?.time }.min()
    }

    mutating func ready(at time: Int64) -> Int {
        for index in stages.indices {
            while let first = stages[index].later.first, first.time <= time {
                stages[index].ready += first.count
                stages[index].head += 1
            }
        }
        return stages.reduce(fresh) { $0 + $1.ready }
    }

    /// They are tried; of those put off again each is due after its wait.
    mutating func take(_ run: ForecastRun) {
        // Fresh before retried, with a quarter for these.
        let waiting = stages.reduce(0) { $0 + $1.ready }
        var retries = min(waiting, max(run.count / 4, run.count - fresh))
        let new = run.count - retries
        for index in stages.indices.reversed() where retries > 0 && stages[index].ready > 0 {
            let taken = min(stages[index].ready, retries)
            stages[index].ready -= taken
            retries -= taken
            if stages[index].goesOn { putOff(Double(taken), to: index + 1, run.last) }
        }
        fresh -= new
        for index in stages.indices where stages[index].share > 0 {
            putOff(Double(new) * stages[index].share, to: index, run.last)
        }
    }

    private mutating func putOff(_ count: Double, to index: Int, _ time: Int64) {
        guard share > 0, count > 0 else { return }
        stages[index].carried += count * share
        let whole = Int(stages[index].carried)
        guard whole > 0 else { return }
        stages[index].carried -= Double(whole)
        let wait = stages[index].wait
        let moment = time + wait
        if let last = stages[index].later.last, moment - last.time < wait / 16 {
            stages[index].due[stages[index].due.count - 1].count += whole
        } else {
            stages[index].due.append((moment, whole))
        }
    }
}
