/// One limit in simulated time: a ring of its last `count` grants.
struct ForecastLane {
    let window: Int64
    private var ring: [Int64]
    /// Where the oldest of the ring stands.
    private var oldest = 0

    /// - Parameter given: times of grants given, oldest first; what is missing to `count` is free.
    init(count: Int, window: Int64, given: [Int64]) {
        self.window = window
        let last = given.suffix(count)
        // Not `Int64.min`, to which nothing could be added.
        ring = Array(repeating: Int64.min / 2, count: count - last.count) + last
    }

    /// The earliest time for the next grant.
    var next: Int64 { ring[oldest] + window }

    mutating func grant(_ time: Int64) {
        ring[oldest] = time
        oldest += 1
        if oldest == ring.count { oldest = 0 }
    }
}

/// The limiter run forward, one message after the other.
struct Forecast {
    var lanes: [ForecastLane]
    /// Microseconds a message takes; 0 for none.
    var step: Int64
    /// Beyond so many messages the course so far is continued: it repeats itself.
    static let simulated = 200_000

    /// When the last of `count` messages is settled, all of them being settled at once.
    func finish(_ count: Int, from start: Int64) -> Int64 {
        var lanes = lanes
        var time = start
        let steps = min(count, Self.simulated)
        var half = start
        for number in 0..<steps {
            var next = time + step
            for lane in lanes { next = max(next, lane.next) }
            for index in lanes.indices { lanes[index].grant(next) }
            time = next
            if number == steps / 2 { half = time }
        }
        guard count > steps else { return time }
        // The second half is free of what stood in the windows at the start.
        let perMessage = Double(time - half) / Double(steps - steps / 2 - 1)
        return time + Int64(perMessage * Double(count - steps))
    }
}
