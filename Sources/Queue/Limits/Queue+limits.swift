import Clock
import GRDB

extension Queue {
    /// What each limit has left now.
    ///
    /// A limit for any domain is answered for each of `domains`; one by campaign needs `campaign`.
    public func limitUse(
        _ limits: [Limit], account: String, source: String, domains: [String], campaign: Int64? = nil
    ) throws -> [LimitUse] {
        try read { db, instant in
            var uses: [LimitUse] = []
            for limit in limits {
                let keys: [String] =
                    switch limit.scope {
                    case .source: [limit.key ?? source]
                    case .account: [limit.key ?? account]
                    case .campaign: [limit.key ?? campaign.map(String.init)].compactMap { $0 }
                    case .domain: limit.key.map { [DomainGroup.key($0)] } ?? Set(domains.map(DomainGroup.key)).sorted()
                    }
                for key in keys {
                    let history = try GrantHistory(db, limit.scope, key)
                    uses.append(try history.use(limit, key, instant))
                }
            }
            return uses
        }
    }

    /// Domains counted by themselves so far, those with the most grants first.
    public func countedDomains(limit: Int) throws -> [String] {
        try read { db, _ in
            // One row a domain group that ever had a limit.
            try String.fetchAll(
                db, sql: "SELECT key FROM cap_key WHERE scope = 2 ORDER BY seq + open DESC LIMIT ?", arguments: [limit])
        }
    }

    /// When a campaign will be finished if nothing but the limits, the pace and the retries hold it up.
    ///
    /// The limiter is run forward: the same rule over simulated grants, seeded with those that were given.
    /// - Parameters:
    ///   - limits: all that hold, those of the campaign included.
    ///   - pace: messages a second that can be handed over; nil takes the present rate.
    /// - Returns: nil when there is nothing left to send, or nothing to reckon with.
    public func forecast(
        _ campaign: Int64, limits: [Limit], account: String, source: String, pace: Double?
    ) throws -> Timestamp? {
        let measured = try pace ?? rate(campaign)
        return try read { db, instant in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT pending, sending, deferred FROM campaign WHERE id = ?", arguments: [campaign])
            else { throw QueueError.noSuchCampaign("number \(campaign)") }
            let pending: Int = row[0]
            let sending: Int = row[1]
            let deferred: Int = row[2]
            // Those in flight hold their grants already.
            let left = pending + deferred
            guard left + sending > 0 else { return nil }
            var lanes: [ForecastLane] = []
            for limit in limits where limit.scope != .domain {
                let name = limit.scope == .source ? source : limit.scope == .account ? account : String(campaign)
                guard limit.applies(to: name) else { continue }
                lanes.append(try GrantHistory(db, limit.scope, name).lane(limit, instant))
            }
            let step = measured > 0 ? Int64(1_000_000 / measured) : 0
            guard !lanes.isEmpty || step > 0 || limits.contains(where: { $0.scope == .domain }) else { return nil }
            var finish = Forecast(lanes: lanes, step: step).finish(left, from: instant.queue)
            if limits.contains(where: { $0.scope == .domain }) {
                for (group, count) in try Self.domainsLeft(db, campaign) {
                    let holding = limits.filter { $0.scope == .domain && $0.applies(to: group) }
                    guard !holding.isEmpty else { continue }
                    let history = try GrantHistory(db, .domain, group)
                    let lanes = try holding.map { try history.lane($0, instant) }
                    finish = max(finish, Forecast(lanes: lanes, step: 0).finish(count, from: instant.queue))
                }
            }
            // The last retry cannot be before it is due.
            let lastDue = try Int64.fetchOne(
                db,
                sql: """
                    SELECT due FROM recipient INDEXED BY recipient_due WHERE campaign = ? AND state < 2
                    ORDER BY due DESC LIMIT 1
                    """, arguments: [campaign])
            return instant.wall(max(finish, lastDue ?? 0))
        }
    }

    /// How many are left of each domain group, judged by the first 200,000 that wait: the cost has a bound.
    private static func domainsLeft(_ db: Database, _ campaign: Int64) throws -> [String: Int] {
        let query = try Prepared(
            db,
            """
            SELECT ifnull(email, key), domain FROM recipient INDEXED BY recipient_due
            WHERE campaign = ? AND state < 2 LIMIT 200001
            """)
        query.bind(1, campaign)
        var counts: [String: Int] = [:]
        var seen = 0
        while try query.step() {
            let domain = query.optionalText(1) ?? Commit.domain(of: query.text(0))
            counts[DomainGroup.key(domain), default: 0] += 1
            seen += 1
        }
        guard seen > 200_000 else { return counts }
        let left = try Int.fetchOne(
            db, sql: "SELECT pending + deferred FROM campaign WHERE id = ?", arguments: [campaign])
        return counts.mapValues { Int(Double($0) * Double(left ?? seen) / Double(seen)) }
    }
}

/// The grants of one cap key, as the ledger has them.
struct GrantHistory {
    let db: Database
    let id: Int64
    let open: Int64
    let seq: Int64

    init(_ db: Database, _ scope: LimitScope, _ key: String) throws {
        self.db = db
        let row = try Row.fetchOne(
            db, sql: "SELECT id, open, seq FROM cap_key WHERE scope = ? AND key = ?", arguments: [scope.code, key])
        id = row?[0] ?? 0
        open = row?[1] ?? 0
        seq = row?[2] ?? 0
    }

    private func at(_ seq: Int64) throws -> Int64 {
        let query = try db.cachedStatement(sql: "SELECT at FROM \"grant\" WHERE key = ? AND seq = ?")
        return try Int64.fetchOne(query, arguments: [id, seq]) ?? Int64.max
    }

    /// The first grant later than `time`; `seq + 1` when there is none. A binary search, since `at` never falls.
    private func first(after time: Int64) throws -> Int64 {
        var low: Int64 = 1
        var high = seq + 1
        while low < high {
            let middle = (low + high) / 2
            if try at(middle) > time { high = middle } else { low = middle + 1 }
        }
        return low
    }

    func use(_ limit: Limit, _ key: String, _ instant: Instant) throws -> LimitUse {
        let first = try first(after: instant.queue - limit.perMicroseconds)
        let settled = seq - first + 1
        var free: Int64?
        if settled > 0 {
            free = try at(first) + limit.perMicroseconds
        } else if open > 0 {
            free = instant.queue + limit.perMicroseconds
        }
        return LimitUse(
            scope: limit.scope, key: key, perSeconds: limit.perSeconds, count: limit.count, used: Int(settled + open),
            nextFree: free.map(instant.wall))
    }

    /// The last grants a limit can still feel, oldest first; those in flight count from now.
    func lane(_ limit: Limit, _ instant: Instant) throws -> ForecastLane {
        let inWindow = try first(after: instant.queue - limit.perMicroseconds)
        let from = max(inWindow, seq - Int64(limit.count) + 1, 1)
        var times =
            from > seq
            ? []
            : try Int64.fetchAll(
                db, sql: "SELECT at FROM \"grant\" WHERE key = ? AND seq >= ? ORDER BY seq", arguments: [id, from])
        times += Array(repeating: instant.queue, count: Int(min(open, Int64(limit.count))))
        return ForecastLane(count: max(1, limit.count), window: limit.perMicroseconds, given: times)
    }
}
