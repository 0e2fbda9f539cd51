import Clock

/// The windows, as the begins go by: how many a server can have counted within each.
extension ProofReplay {
    /// Where the most can be counted is a window that ends with a begin: all begun by then, less those whose settle is
    /// as old as the window. Attempts are numbered as they begin, so all up to this one are begun by then.
    mutating func count(_ place: Int, _ attempt: Attempt, _ reading: ProofClock.Reading) throws {
        keys[place].begun += 1
        let key = keys[place]
        guard attempt.id > key.uncounted, !(key.scope == .domain && attempt.isFree) else { return }
        let unknown = unknown(for: attempt.id)
        for index in keys[place].watches.indices {
            var watch = keys[place].watches[index]
            if let account = watch.held.account, account != attempt.account { continue }
            if let campaign = watch.held.campaign, campaign != attempt.campaign { continue }
            switch reading {
            case .sure(let begun):
                if keys[place].firstBegun == nil { keys[place].firstBegun = begun }
                try advance(&watch, keys[place], to: begun - watch.held.limit.perMicroseconds)
                try note(&watch, keys[place], begun, left: watch.left, unknown)
            case .between(let early, let late):
                // The earliest moment bounds what was counted. Where that is more than allowed, nobody can tell: unless
                // it is at the latest, too.
                let window = watch.held.limit.perMicroseconds
                let left = try settled(keys[place], by: early - window)
                let allowed = Self.allowed(watch.held.limit, early - (keys[place].firstBegun ?? early))
                let isFull = unknown.map { early - window < $0 } ?? false
                if let allowed, keys[place].begun - left > allowed || isFull {
                    watch.unclear += 1
                    let last = late < Int64.max / 4 ? try settled(keys[place], by: late - window) : keys[place].total
                    try note(&watch, keys[place], late, left: last, unknown)
                } else {
                    try note(&watch, keys[place], early, left: left, unknown)
                }
            }
            keys[place].watches[index] = watch
        }
    }

    /// Moves on to the settles as old as `edge`; sure begins only go on.
    private func advance(_ watch: inout Watch, _ key: Key, to edge: Int64) throws {
        while watch.left < key.total {
            // One that is missing was named as such; it counts for nothing.
            let next = try watch.next ?? at(key.id, key.base + watch.left + 1) ?? Int64.min
            guard next <= edge else {
                watch.next = next
                break
            }
            watch.left += 1
            watch.next = nil
        }
    }

    /// How many of a key's settles are not later than `edge`: a binary search, since their times never fall.
    private func settled(_ key: Key, by edge: Int64) throws -> Int64 {
        var (low, high) = (Int64(0), key.total)
        while low < high {
            let middle = (low + high + 1) / 2
            if try at(key.id, key.base + middle) ?? Int64.min <= edge { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// - Parameter unknown: see `unknown(for:)`.
    private func note(_ watch: inout Watch, _ key: Key, _ begun: Int64, left: Int64, _ unknown: Int64?) throws {
        guard let allowed = Self.allowed(watch.held.limit, begun - (key.firstBegun ?? begun)) else { return }
        watch.messages += 1
        let edge = begun - watch.held.limit.perMicroseconds
        let counted = Int(key.begun - left) + (unknown.map { edge < $0 } ?? false ? allowed : 0)
        if watch.messages == 1 || allowed - counted < watch.allowed - watch.peak {
            watch.peak = counted
            watch.allowed = allowed
            watch.peakAt = begun
        }
        let before = key.begun - Int64(allowed)
        if before >= 1, before <= key.total, let left = try at(key.id, key.base + before) {
            watch.slack = min(watch.slack ?? Int64.max, edge - left)
        }
        if let unknown { watch.slack = min(watch.slack ?? Int64.max, edge - unknown) }
    }

    /// What a limit allows `age` after the key's first message: its count, or a warm-up's number of that day; nil when the
    /// warm-up is over. At the turn of a day the larger one, since begins are known only so exactly.
    private static func allowed(_ limit: Limit, _ age: Int64) -> Int? {
        guard let days = limit.warmup else { return limit.count }
        let day: Int64 = 86_400_000_000
        let moments = [max(0, age - 50_000), age + 50_000].map { Int($0 / day) }
        guard moments.allSatisfy({ $0 < days.count }) else { return nil }
        return moments.map { days[$0] }.max()
    }

    func judge(_ watch: Watch, _ key: Key, _ findings: inout ProofFindings) {
        let limit = watch.held.limit
        guard watch.peak > watch.allowed else { return }
        let at = clock.wall(watch.peakAt)?.iso8601 ?? "an unknown time"
        findings.add(
            "caps",
            "\(key.title): \(watch.peak) messages can have been counted within \(limit.perSeconds) s up to \(at); the cap is \(watch.allowed)."
        )
    }
}
