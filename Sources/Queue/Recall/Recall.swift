/// Which ledgers a recall fills.
enum RecallKind: Int64 {
    /// Those of all domains, from the moment on at which the first limit by domain came.
    case domains = 0
    /// Those of destinations that got another member: they begin anew.
    case someDomains = 1
    case campaign = 2
}

/// A walk back through what was sent, and how far it has come.
struct Recall {
    let id: Int64
    let kind: RecallKind
    /// Queue time from which on the ledgers it fills are complete.
    var known: Int64
    var cursor: LedgerWalk.Cursor
    /// The last attempt that was begun before they were counted.
    let uncounted: Int64

    init(_ row: Prepared) {
        id = row.integer(0)
        kind = RecallKind(rawValue: row.integer(1)) ?? .campaign
        known = row.integer(2)
        cursor = LedgerWalk.cursor(row.text(3))
        uncounted = row.integer(4)
    }
}

/// How far back (microseconds) limits want to know what was sent; nil where no limit asks.
struct RecallNeed: Sendable, Equatable {
    var domains: Int64?
    var campaign: Int64?

    init(_ limits: [Limit], campaign: Int64?) {
        domains = limits.filter { $0.scope == .domain }.map(\.perMicroseconds).max()
        guard let campaign else { return }
        self.campaign =
            limits.filter { $0.scope == .campaign && $0.applies(to: String(campaign)) }.map(\.perMicroseconds).max()
    }

    var isNothing: Bool { domains == nil && campaign == nil }
}
