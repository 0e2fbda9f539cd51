import Clock
import GRDB

/// What a forecast reckons with beside the campaign itself.
private struct ForecastTerms {
    var limits: [Limit]
    var account: String
    var source: String
    var campaign: Int64
    var openings: Openings
    var isEven: Bool
    var waits: [Int64]
    var step: Int64
    var share = 0.0
    var deferred = 0
}

extension Queue {
    /// When a campaign will be finished if nothing but the limits, the windows, the pace and the retries hold it up.
    ///
    /// The limiter is run forward: the same rules over simulated grants, seeded with those that were given.
    /// - Parameters:
    ///   - limits: all that hold, those of the campaign included.
    ///   - pace: messages a second that can be handed over; nil takes the present rate.
    ///   - window: the account's; the campaign's own schedule holds as it is stored.
    ///   - isEven: whether messages are spread over the window.
    ///   - retry: the waits between attempts; as large a share is put off as was lately.
    /// - Returns: nil when there is nothing left to send, or nothing to reckon with.
    public func forecast(
        _ campaign: Int64, limits: [Limit], account: String, source: String, pace: Double?,
        window: SendingWindow? = nil, isEven: Bool = false, retry: [Duration] = []
    ) throws -> Timestamp? {
        let measured = try pace ?? rate(campaign)
        return try read { db, instant in
            guard
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT pending, sending, deferred, schedule FROM campaign
                        JOIN content ON content.campaign = campaign.id WHERE id = ?
                        """, arguments: [campaign])
            else { throw QueueError.noSuchCampaign("number \(campaign)") }
            let pending: Int = row[0]
            let sending: Int = row[1]
            let deferred: Int = row[2]
            // Those in flight hold their grants already.
            guard pending + deferred + sending > 0 else { return nil }
            let schedule = Self.schedule(row[3])
            var terms = ForecastTerms(
                limits: limits, account: account, source: source, campaign: campaign,
                openings: Openings([window, schedule.window].compactMap { $0 }, start: schedule.at), isEven: isEven,
                waits: retry.map(\.inMicroseconds), step: measured > 0 ? Int64(1_000_000 / measured) : 0)
            terms.share = try Self.deferredShare(db, campaign)
            terms.deferred = deferred
            let domains =
                limits.contains { $0.scope == .domain } ? try Self.domainsLeft(db, campaign) : [:]
            guard let finish = try Self.run(db, instant, terms, pending + deferred, domains) else { return nil }
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

    private static func run(
        _ db: Database, _ instant: Instant, _ terms: ForecastTerms, _ count: Int, _ domains: [String: Int]
    ) throws -> Int64? {
        var lanes: [ForecastLane] = []
        var start = instant.queue
        for limit in terms.limits where limit.scope != .domain {
            let name =
                switch limit.scope {
                case .source: terms.source
                case .account: terms.account
                default: String(terms.campaign)
                }
            guard limit.applies(to: name) else { continue }
            let history = try GrantHistory(db, limit.scope, name)
            lanes.append(try history.lane(limit, instant))
            if terms.isEven { start = max(start, history.nextAt) }
        }
        let openings = terms.openings
        let isTimed = !openings.windows.isEmpty || openings.start != nil
        guard !lanes.isEmpty || terms.step > 0 || isTimed || terms.limits.contains(where: { $0.scope == .domain })
        else { return nil }
        var forecast = Forecast(lanes: lanes, step: terms.step)
        forecast.isEven = terms.isEven
        forecast.deferredShare = terms.share
        forecast.waits = terms.waits
        forecast.alreadyDeferred = terms.deferred
        if isTimed {
            forecast.spell = { time in
                let spell = openings.spell(at: instant.wall(time))
                return (spell.isOpen, instant.queue(spell.until))
            }
        }
        var finish = forecast.finish(count, from: start)
        for (group, count) in domains {
            let holding = terms.limits.filter { $0.scope == .domain && $0.applies(to: group) }
            guard !holding.isEmpty else { continue }
            let history = try GrantHistory(db, .domain, group)
            forecast.lanes = try holding.map { try history.lane($0, instant) }
            forecast.step = 0
            forecast.isEven = false
            forecast.alreadyDeferred = 0
            finish = max(finish, forecast.finish(count, from: instant.queue))
        }
        return finish
    }

    /// Which share of the attempts of the last busy hours was put off.
    private static func deferredShare(_ db: Database, _ campaign: Int64) throws -> Double {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT sum(deferred), sum(sent + deferred + failed + in_doubt) FROM (
                    SELECT sent, deferred, failed, in_doubt FROM pulse WHERE campaign = ? ORDER BY minute DESC LIMIT 240)
                """, arguments: [campaign])
        let deferred: Int = row?[0] ?? 0
        let all: Int = row?[1] ?? 0
        return all > 0 ? Double(deferred) / Double(all) : 0
    }

    /// How many are left of each domain group, judged by the first `most` that wait: the cost has a bound.
    static func domainsLeft(_ db: Database, _ campaign: Int64, judgedBy most: Int = 200_000) throws -> [String: Int] {
        let query = try Prepared(
            db,
            """
            SELECT ifnull(email, key), domain FROM recipient INDEXED BY recipient_due
            WHERE campaign = ? AND state < 2 LIMIT ?
            """)
        query.bind(1, campaign)
        query.bind(2, Int64(most) + 1)
        var counts: [String: Int] = [:]
        var seen = 0
        while try query.step() {
            let domain = query.optionalText(1) ?? Commit.domain(of: query.text(0))
            counts[DomainGroup.key(domain), default: 0] += 1
            seen += 1
        }
        guard seen > most else { return counts }
        let left = try Int.fetchOne(
            db, sql: "SELECT pending + deferred FROM campaign WHERE id = ?", arguments: [campaign])
        return counts.mapValues { Int(Double($0) * Double(left ?? seen) / Double(seen)) }
    }
}
