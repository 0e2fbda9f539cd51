import Clock
import GRDB

extension Queue {
    /// What each limit has left now; one with the key of another account or source is left out.
    ///
    /// A limit for any domain is answered for each of `domains`; one by campaign needs `campaign`. A warm-up is
    /// answered with the cap of its day, and not at all once it is over. What was sent before a limit was first kept
    /// counts.
    /// - Parameter domains: nil takes the five destinations with the most messages.
    public func limitUse(
        _ limits: [Limit], account: String, source: String, domains: [String]?, campaign: Int64? = nil
    ) throws -> [LimitUse] {
        try read { db, instant in
            let past = try Recollection(db, instant, limits, campaign: campaign)
            var uses: [LimitUse] = []
            for limit in limits where limit.holds(account: account, source: source) {
                let keys: [String] =
                    switch limit.scope {
                    case .source: [source]
                    case .account: [account]
                    case .campaign: [limit.key ?? campaign.map(String.init)].compactMap { $0 }
                    case .domain:
                        if let key = limit.key {
                            [try past.sites.group(key)]
                        } else if let domains {
                            Set(try domains.map { try past.sites.group($0) }).sorted()
                        } else {
                            try past.largestDomains(5)
                        }
                    }
                for key in keys {
                    let history = try past.history(limit.scope, key)
                    guard var use = try history.use(limit, key, instant) else { continue }
                    use.knownSince = try past.knownSince(limit)
                    uses.append(use)
                }
            }
            return uses
        }
    }
}
