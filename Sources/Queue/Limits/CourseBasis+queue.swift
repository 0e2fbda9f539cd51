import Clock
import GRDB

extension Queue {
    /// What a forecast starts from, with what the ledger says was granted.
    /// - Parameters:
    ///   - limits: all that hold, those of the campaign included.
    ///   - campaign: nil for one that is not stored yet.
    ///   - domains: how many messages go to each domain; nil counts those that wait in the campaign.
    public func courseBasis(
        _ limits: [Limit], account: String, source: String, campaign: Int64?, domains: [String: Int]?
    ) throws -> CourseBasis {
        try read { db, instant in
            let past = try Recollection(db, instant, limits, campaign: campaign)
            var basis = CourseBasis(now: instant)
            for limit in limits where limit.scope != .domain {
                let name =
                    switch limit.scope {
                    case .source: source
                    case .account: account
                    default: campaign.map { String($0) } ?? ""
                    }
                guard limit.scope == .campaign || limit.applies(to: name) else { continue }
                let history = try past.history(limit.scope, name)
                basis.lanes.append(try CourseLane(limit, key: name) { try history.lane($0, instant) })
                basis.nextAt = max(basis.nextAt, history.nextAt)
            }
            let byDomain = limits.filter { $0.scope == .domain }
            if !byDomain.isEmpty {
                var counts: [String: Int] = [:]
                for (domain, count) in try domains ?? campaign.map({ try Self.domainsLeft(db, $0) }) ?? [:] {
                    counts[try past.sites.group(domain), default: 0] += count
                }
                for (group, count) in counts.sorted(by: { $0.key < $1.key }) {
                    let holding = try byDomain.filter { try past.sites.holds($0, for: group) }
                    guard !holding.isEmpty else { continue }
                    let history = try past.history(.domain, group)
                    let lanes = try holding.map { limit in
                        try CourseLane(limit, key: group) { try history.lane($0, instant) }
                    }
                    basis.domains.append((count, lanes))
                }
            }
            if let campaign { try Self.readRetries(db, campaign, into: &basis) }
            return basis
        }
    }

    private static func readRetries(_ db: Database, _ campaign: Int64, into basis: inout CourseBasis) throws {
        basis.deferred =
            try Int.fetchOne(db, sql: "SELECT deferred FROM campaign WHERE id = ?", arguments: [campaign]) ?? 0
        basis.lastDue =
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT due FROM recipient INDEXED BY recipient_due WHERE campaign = ? AND state < 2
                    ORDER BY due DESC LIMIT 1
                    """, arguments: [campaign]) ?? 0
        // The last busy hours: a row a minute in which anything happened.
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT sum(deferred), sum(sent + deferred + failed + in_doubt) FROM (
                    SELECT sent, deferred, failed, in_doubt FROM pulse WHERE campaign = ? ORDER BY minute DESC LIMIT 240)
                """, arguments: [campaign])
        let again: Int = row?[0] ?? 0
        let all: Int = row?[1] ?? 0
        if all > 0 { basis.deferredShare = min(0.9, Double(again) / Double(all)) }
    }

    /// How many are left of each domain, judged by the first hundred thousand that wait: the cost has a bound.
    private static func domainsLeft(_ db: Database, _ campaign: Int64) throws -> [String: Int] {
        let most = 100_000
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
            counts[query.optionalText(1) ?? Commit.domain(of: query.text(0)), default: 0] += 1
            seen += 1
        }
        guard seen > most else { return counts }
        let left = try Int.fetchOne(
            db, sql: "SELECT pending + deferred FROM campaign WHERE id = ?", arguments: [campaign])
        return counts.mapValues { Int(Double($0) * Double(left ?? seen) / Double(seen)) }
    }
}
