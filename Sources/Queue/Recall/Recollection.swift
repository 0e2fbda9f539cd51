import Clock
import GRDB

/// For a reader: what the ledgers of domains and campaigns would say if a runner had recalled what their limits ask
/// for. Nothing is written; what no runner has recalled yet is walked through here, at most `most` messages of it.
struct Recollection {
    private let db: Database
    private let instant: Instant
    private let need: RecallNeed
    private let campaign: Int64?
    let sites: SiteTable
    /// Settles by name, newest first, and how many are open; nil where the ledgers know it all.
    private var domains: [String: Walked]?
    private var own: Walked?

    private struct Walked {
        var times: [Int64] = []
        var open: Int64 = 0

        mutating func add(_ at: Int64?) { if let at { times.append(at) } else { open += 1 } }
    }

    static let most = 2_000_000

    init(_ db: Database, _ instant: Instant, _ limits: [Limit], campaign: Int64?) throws {
        self.db = db
        self.instant = instant
        self.campaign = campaign
        need = RecallNeed(limits, campaign: campaign)
        sites = SiteTable(try Prepared(db, SiteTable.select.description))
        if let window = need.domains, try !isKnown(window, Self.domainsKnown) { domains = [:] }
        if let window = need.campaign, let campaign, try !isKnown(window, Self.campaignKnown, String(campaign)) {
            own = Walked()
        }
        if domains != nil || own != nil { try walk() }
    }

    /// As long as a destination begins anew, all are walked.
    private static let domainsKnown = """
        SELECT CASE WHEN EXISTS (SELECT 1 FROM recall WHERE kind = 1) THEN NULL
            ELSE (SELECT known FROM recall WHERE kind = 0) END
        """
    private static let campaignKnown = """
        SELECT recall.known FROM cap_key JOIN recall ON recall.id = cap_key.recall WHERE scope = 3 AND key = ?
        """

    private func isKnown(_ window: Int64, _ sql: String, _ key: String? = nil) throws -> Bool {
        let known = try Int64.fetchOne(db, sql: sql, arguments: key.map { [$0] } ?? [])
        return known.map { $0 <= instant.queue - window + 1 } ?? false
    }

    private mutating func walk() throws {
        let edge = instant.queue - max(domains == nil ? 0 : need.domains ?? 0, own == nil ? 0 : need.campaign ?? 0)
        let select = "SELECT a.campaign, iif(r.domain IS NULL, r.key, '@' || r.domain) FROM attempt a"
        let open = try Prepared(
            db, select + " INDEXED BY attempt_open JOIN recipient r ON r.id = a.recipient WHERE a.outcome IS NULL")
        while try open.step() { try note(open, at: nil) }
        let attempt = try Prepared(db, select + " JOIN recipient r ON r.id = a.recipient WHERE a.id = ?")
        var steps = try LedgerWalk(db, from: LedgerWalk.ends(db))
        var count = 0
        while count < Self.most, let next = try steps.next(), next.at > edge {
            attempt.bind(1, next.attempt)
            if try attempt.step() { try note(attempt, at: next.at) }
            attempt.reset()
            count += 1
        }
    }

    private mutating func note(_ row: Prepared, at: Int64?) throws {
        if row.integer(0) == campaign { own?.add(at) }
        guard domains != nil else { return }
        domains?[try sites.group(Commit.domain(of: row.text(1))), default: Walked()].add(at)
    }

    func history(_ scope: LimitScope, _ key: String) throws -> GrantHistory {
        if scope == .domain, let domains {
            let walked = domains[key] ?? Walked()
            return try GrantHistory(db, times: walked.times.reversed(), open: walked.open)
        }
        if scope == .campaign, let own {
            return try GrantHistory(db, times: own.times.reversed(), open: own.open)
        }
        return try GrantHistory(db, scope, key)
    }

    /// Since when the ledgers know what a limit asks for, where it reaches behind that: what would have filled the rest had
    /// been taken out by retention, which keeps what the windows of its day can feel.
    func knownSince(_ limit: Limit) throws -> Timestamp? {
        let begins: (sql: String, key: String?)? =
            switch limit.scope {
            case .source, .account: nil
            case .domain: ("SELECT uncounted FROM recall WHERE kind = 0", nil)
            case .campaign:
                campaign.map { ("SELECT uncounted FROM cap_key WHERE scope = 3 AND key = ?", String($0)) }
            }
        guard let begins, let edge = try LedgerWalk.edge(db), edge > instant.queue - limit.perMicroseconds else {
            return nil
        }
        let late = try Int64.fetchOne(db, sql: begins.sql, arguments: begins.key.map { [$0] } ?? [])
        guard late != 0 else { return nil }
        if limit.scope == .campaign {
            let started = try Int64.fetchOne(
                db, sql: "SELECT started FROM campaign WHERE id = ?", arguments: [campaign])
            guard let started, Timestamp(microseconds: started) < instant.wall(edge) else { return nil }
        }
        return instant.wall(edge)
    }

    /// The groups with the most messages, as many as `limit`.
    func largestDomains(_ limit: Int) throws -> [String] {
        if let domains {
            return domains.sorted { ($1.value.times.count, $0.key) < ($0.value.times.count, $1.key) }.prefix(limit)
                .map(\.key)
        }
        // One row a destination that ever had a limit.
        return try String.fetchAll(
            db,
            sql: """
                SELECT key FROM cap_key WHERE scope = 2 AND recall IS NOT NULL AND (open > 0 OR seq > base)
                ORDER BY seq - base + open DESC LIMIT ?
                """, arguments: [limit])
    }
}
