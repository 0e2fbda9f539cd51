import Clock
import GRDB

extension Queue {
    /// What each limit has left now.
    ///
    /// A limit for any domain is answered for each of `domains`; one by campaign needs `campaign`. A warm-up is
    /// answered with the cap of its day, and not at all once it is over.
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
                    if let use = try history.use(limit, key, instant) { uses.append(use) }
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
}
