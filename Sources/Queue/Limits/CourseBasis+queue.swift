import Clock
import GRDB

extension Queue {
    /// What a forecast starts from, with what the ledger says was granted.
    /// - Parameters:
    ///   - limits: all that hold, those of the campaign included.
    ///   - campaign: nil for one that is not stored yet.
    ///   - domains: how many messages go to each domain group; nil counts those that wait in the campaign.
    public func courseBasis(
        _ limits: [Limit], account: String, source: String, campaign: Int64?, domains: [String: Int]?
    ) throws -> CourseBasis {
        try read { db, instant in
            var basis = CourseBasis(now: instant)
            for limit in limits where limit.scope != .domain {
                let name =
                    switch limit.scope {
                    case .source: source
                    case .account: account
                    default: campaign.map { String($0) } ?? ""
                    }
                guard limit.scope == .campaign || limit.applies(to: name) else { continue }
                let history = try GrantHistory(db, limit.scope, name)
                basis.lanes.append(try CourseLane(limit, key: name) { try history.lane($0, instant) })
                basis.nextAt = max(basis.nextAt, history.nextAt)
            }
            if limits.contains(where: { $0.scope == .domain }) {
                let counts = try domains ?? campaign.map { try Self.domainsLeft(db, $0, judgedBy: 100_000) } ?? [:]
                for (group, count) in counts.sorted(by: { $0.key < $1.key }) {
                    let holding = limits.filter { $0.scope == .domain && $0.applies(to: group) }
                    guard !holding.isEmpty else { continue }
                    let history = try GrantHistory(db, .domain, group)
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
        // A row a minute in which anything happened.
        let row = try Row.fetchOne(
            db,
            sql: "SELECT ifnull(sum(sent + failed), 0), ifnull(sum(deferred), 0) FROM pulse WHERE campaign = ?",
            arguments: [campaign])
        let settled: Int = row?[0] ?? 0
        let again: Int = row?[1] ?? 0
        // A handful of answers says nothing of the rest.
        if settled + again >= 20 { basis.deferredShare = min(0.9, Double(again) / Double(settled + again)) }
    }
}
