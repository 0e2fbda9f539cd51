import Clock
import GRDB

/// The grants of one cap key, as the ledger has them, or as a `Recollection` has.
struct GrantHistory {
    let db: Database
    let id: Int64
    let open: Int64
    let seq: Int64
    let firstAt: Int64
    let nextAt: Int64
    /// The number before the first grant's.
    private let base: Int64
    /// When (queue time) every cap counted as used up, because of a claim; nil for never.
    private let claimed: Int64?
    /// Settles, oldest first, where they are not the ledger's.
    private let times: [Int64]?
    private let looked = Looked()

    /// What was looked up, since a limit and its double ask for much the same.
    private final class Looked {
        var times: [Int64: Int64] = [:]
    }

    init(_ db: Database, _ scope: LimitScope, _ key: String) throws {
        self.db = db
        let row = try Row.fetchOne(
            db, sql: "SELECT id, open, seq, first_at, next_at, base FROM cap_key WHERE scope = ? AND key = ?",
            arguments: [scope.code, key])
        id = row?[0] ?? 0
        open = row?[1] ?? 0
        seq = row?[2] ?? 0
        firstAt = row?[3] ?? 0
        nextAt = row?[4] ?? 0
        base = row?[5] ?? 0
        claimed = try Queue.claimed(db)
        times = nil
    }

    init(_ db: Database, times: [Int64], open: Int64) throws {
        self.db = db
        id = 0
        self.open = open
        seq = Int64(times.count)
        firstAt = times.first ?? 0
        nextAt = 0
        base = 0
        claimed = try Queue.claimed(db)
        self.times = times
    }

    private func at(_ seq: Int64) throws -> Int64 {
        if let times { return seq <= times.count ? times[Int(max(1, seq)) - 1] : Int64.max }
        if let known = looked.times[seq] { return known }
        // One that retention has taken out was no younger than the oldest there is. The one behind it is often asked for next.
        let query = try db.cachedStatement(
            sql: "SELECT seq, at FROM \"grant\" WHERE key = ? AND seq >= ? ORDER BY seq LIMIT 2")
        let rows = try Row.fetchAll(query, arguments: [id, seq])
        for row in rows { looked.times[row[0] as Int64] = row[1] as Int64 }
        let time = rows.first.map { $0[1] as Int64 } ?? Int64.max
        looked.times[seq] = time
        return time
    }

    /// The first grant later than `time`; `seq + 1` when there is none. A binary search, since `at` never falls.
    private func first(after time: Int64) throws -> Int64 {
        var low = base + 1
        var high = seq + 1
        while low < high {
            let middle = low + (high - low) / 2
            if try at(middle) > time { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The moment (queue time) at which a limit counts as used up because of a claim; nil when its window has passed.
    private func hold(_ limit: Limit, _ instant: Instant) -> Int64? {
        claimed.flatMap { $0 + limit.perMicroseconds > instant.queue ? $0 : nil }
    }

    /// nil for a warm-up that is over.
    func use(_ limit: Limit, _ key: String, _ instant: Instant) throws -> LimitUse? {
        guard let allowance = limit.allowance(first: firstAt, at: instant.queue) else { return nil }
        let first = try first(after: instant.queue - limit.perMicroseconds)
        let settled = seq - first + 1
        var free: Int64?
        if settled > 0 {
            free = try at(first) + limit.perMicroseconds
        } else if open > 0 {
            free = instant.queue + limit.perMicroseconds
        }
        // A warm-up's next day may have room before that.
        if settled + open >= Int64(allowance.count), let next = allowance.until { free = min(free ?? next, next) }
        let held = hold(limit, instant).map { $0 + limit.perMicroseconds }
        if let held { free = held }
        let day = firstAt > 0 ? Int((instant.queue - firstAt) / Limit.dayLength) + 1 : 1
        return LimitUse(
            scope: limit.scope, key: key, perSeconds: limit.perSeconds, count: allowance.count,
            used: held == nil ? Int(settled + open) : max(allowance.count, Int(settled + open)),
            nextFree: free.map(instant.wall), warmupDay: limit.warmup == nil ? nil : day,
            unknownUntil: held.map(instant.wall))
    }

    /// What a limit can still feel; those in flight count from now. Of many grants a few hundred are looked up.
    func lane(_ limit: Limit, _ instant: Instant) throws -> ForecastLane {
        // What was there before a claim counts with what is unknown: as many as the cap has.
        let hold = hold(limit, instant)
        let inWindow = try first(after: hold ?? instant.queue - limit.perMicroseconds)
        let from = max(inWindow, seq - Int64(limit.count) + 1, base + 1)
        var runs: [ForecastRun] = []
        if seq - from < 512 {
            runs = try from > seq ? [] : (from...seq).map { ForecastRun(start: try at($0), spacing: 0, count: 1) }
        } else {
            let stride = (seq - from + 512) / 512
            for low in Swift.stride(from: from, through: seq, by: Int(stride)) {
                let count = min(stride, seq - low + 1)
                let start = try at(low)
                let spacing = count > 1 ? (try at(low + count - 1) - start) / (count - 1) : 0
                runs.append(ForecastRun(start: start, spacing: spacing, count: Int(count)))
            }
        }
        if let hold { runs.insert(ForecastRun(start: hold, spacing: 0, count: limit.count), at: 0) }
        runs.append(ForecastRun(start: instant.queue, spacing: 0, count: Int(min(open, Int64(limit.count)))))
        return ForecastLane(limit, first: firstAt > 0 ? firstAt : nil, given: runs)
    }
}
