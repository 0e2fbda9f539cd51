import GRDB

/// Which recipients of a campaign, and thereby in which order they come.
///
/// Without a text: those that wait in the order in which they are due, all others as they stand in the list. With one: first
/// whoever has it in the address, in the order of the list, then whoever has it in the last answer, the newest first.
public struct RecipientQuery: Sendable, Hashable {
    public var campaign: Int64
    /// nil: whatever their state.
    public var state: RecipientState?
    /// Empty: all of them.
    public var text: String

    public init(campaign: Int64, state: RecipientState? = nil, text: String = "") {
        self.campaign = campaign
        self.state = state
        self.text = text
    }
}

/// Where a row stands in a `RecipientQuery`: what the next page begins behind.
public struct RecipientPlace: Sendable, Hashable {
    enum Section: Sendable { case list, replies }
    var section: Section
    /// The id; of those that wait, when they are due and then the id.
    var first: Int64
    var second: Int64 = 0
}

/// One page of a list.
public struct RecipientPage: Sendable {
    /// In the order in which they were read: backwards, the last one first.
    public var rows: [(place: RecipientPlace, recipient: RecipientRecord)] = []
    /// Where to go on; nil at the end of the list.
    public var next: RecipientPlace?
}

/// Reads a list of recipients a page at a time, from any row on, forwards and backwards.
///
/// A page costs the same whatever the size of the campaign: it looks at no more than `mostLooked` rows, and says where to go
/// on when few of them belonged to it. Used by one thread at a time.
public final class RecipientReader {
    public let query: RecipientQuery
    private let queue: Queue
    private let term: SearchTerm?
    private let index: SearchIndex?

    static let mostLooked = 4_000
    /// Ids of one campaign lie close together; those in between belong to lists imported at the same time.
    private static let span: Int64 = 20_000

    /// Begins a list. With a text, what was committed before is taken into the index first.
    /// - Parameter progress: told how many rows that were so far; what it throws is thrown.
    public init(_ queue: Queue, _ query: RecipientQuery, progress: (Int) throws -> Void = { _ in }) throws {
        self.queue = queue
        self.query = query
        if query.text.isEmpty {
            (term, index) = (nil, nil)
        } else {
            term = try SearchTerm(query.text)
            let index = try SearchIndex(queue: queue.path)
            try index.catchUp(queue, progress: progress)
            self.index = index
        }
    }

    /// Up to `limit` rows behind `place` (nil: from the beginning), or before it (nil: from the end).
    public func page(from place: RecipientPlace? = nil, backwards: Bool = false, limit: Int) throws -> RecipientPage {
        guard let term, let index else { return try listed(place, backwards, limit) }
        var page = RecipientPage()
        var place = place
        let sections: [RecipientPlace.Section] = backwards ? [.replies, .list] : [.list, .replies]
        for section in sections.drop(while: { place != nil && $0 != place?.section }) {
            page.next = try found(term, index, section, from: place?.first, backwards, limit, &page)
            if page.next != nil || page.rows.count == limit {
                // A full page that ends a section goes on in the next one.
                if page.next == nil, section != sections.last { page.next = page.rows.last?.place }
                return page
            }
            place = nil
        }
        return page
    }

    // MARK: Without a text

    private func listed(_ place: RecipientPlace?, _ backwards: Bool, _ limit: Int) throws -> RecipientPage {
        try queue.read { db, instant in
            let (sql, bounds) = try Self.list(query.state, backwards, db, query.campaign, place)
            var page = RecipientPage()
            let rows = try Row.fetchCursor(db.cachedStatement(sql: sql), arguments: bounds.arguments)
            var looked = 0
            while let row = try rows.next() {
                looked += 1
                let here = RecipientPlace(
                    section: .list, first: row[Queue.recipientColumns], second: row[Queue.recipientColumns + 1])
                let record = Queue.record(row, instant)
                if query.state == nil || record.state == query.state { page.rows.append((here, record)) }
                if page.rows.count == limit || looked == Self.mostLooked {
                    page.next = here
                    return page
                }
            }
            page.next = bounds.end
            return page
        }
    }

    struct Bounds {
        var arguments: StatementArguments
        /// Where to go on when the statement gives no more; nil when that is the end.
        var end: RecipientPlace?
    }

    /// The statement that walks a list from a place on, by an index or by the ids.
    static func list(
        _ state: RecipientState?, _ backwards: Bool, _ db: Database, _ campaign: Int64, _ place: RecipientPlace?
    ) throws -> (sql: String, bounds: Bounds) {
        let last = " LEFT JOIN attempt a ON a.id = r.last_attempt "
        let (beyond, order) = backwards ? ("<", " DESC") : (">", "")
        let start: Int64 = backwards ? .max : -1
        switch state {
        case .pending, .deferred:
            // In the order in which they will go; among those that were never tried, that of the list.
            let sql = """
                \(Queue.selectRecipients), r.due, r.id FROM recipient r INDEXED BY recipient_due \(last)
                WHERE r.campaign = ?1 AND r.state < 2 AND (r.due, r.id) \(beyond) (?2, ?3) \(state == .deferred ? "AND r.due > 0" : "")
                ORDER BY r.due\(order), r.id\(order)
                """
            return (sql, Bounds(arguments: [campaign, place?.first ?? start, place?.second ?? start]))
        case .failed, .suppressed, .inDoubt, .cancelled:
            // `likely`: or else the planner takes the range that the partial index asks for, and sorts.
            let sql = """
                \(Queue.selectRecipients), r.id, 0 FROM recipient r INDEXED BY recipient_rare \(last)
                WHERE r.campaign = ?1 AND likely(r.state = ?3) AND r.state > 3 AND r.id \(beyond) ?2
                ORDER BY r.id\(order)
                """
            return (sql, Bounds(arguments: [campaign, place?.first ?? start, state?.code]))
        case .sending:
            // As many as are in flight.
            let sql = """
                \(Queue.selectRecipients), r.id, 0 FROM runner CROSS JOIN attempt a ON a.runner = runner.id AND a.outcome IS NULL
                CROSS JOIN recipient r ON r.id = a.recipient WHERE r.campaign = ?1 AND r.id \(beyond) ?2
                ORDER BY r.id\(order)
                """
            return (sql, Bounds(arguments: [campaign, place?.first ?? start]))
        case nil, .sent:
            let ends = try Row.fetchOne(
                db, sql: "SELECT first, last FROM campaign WHERE id = ?", arguments: [campaign])
            let (first, final): (Int64, Int64) = (ends?[0] ?? 0, ends?[1] ?? -1)
            let from = place?.first ?? (backwards ? final + 1 : first - 1)
            let to = backwards ? max(first, from - span) : min(final, from + span)
            let sql = """
                \(Queue.selectRecipients), r.id, 0 FROM recipient r NOT INDEXED \(last)
                WHERE r.id \(beyond) ?2 AND r.id \(backwards ? ">=" : "<=") ?3 AND r.campaign = ?1 ORDER BY r.id\(order)
                """
            let isEnd = backwards ? to <= first : to >= final
            return (
                sql,
                Bounds(
                    arguments: [campaign, from, to],
                    end: isEnd ? nil : RecipientPlace(section: .list, first: to))
            )
        }
    }

    // MARK: With a text

    /// Adds to the page what the index finds from a row on; answers where to go on within this section.
    private func found(
        _ term: SearchTerm, _ index: SearchIndex, _ section: RecipientPlace.Section, from: Int64?, _ backwards: Bool,
        _ limit: Int, _ page: inout RecipientPage
    ) throws -> RecipientPlace? {
        let isList = section == .list
        // The newest answers come first, so their way back is upwards.
        let upwards = isList != backwards
        let ends = try queue.read { db, _ in
            try Row.fetchOne(
                db, sql: isList ? Self.recipientEnds : Self.attemptEnds, arguments: [query.campaign])
        }
        guard var low: Int64 = ends?[0], var high: Int64 = ends?[1] else { return nil }
        if let from { if upwards { low = max(low, from + 1) } else { high = min(high, from - 1) } }
        let ids = try index.hits(
            term, in: isList ? "address" : "reply", from: low, through: high, upwards: upwards,
            limit: Self.mostLooked)
        return try queue.read { db, instant in
            let statement = try db.cachedStatement(sql: isList ? Self.byAddress : Self.byReply)
            for id in ids {
                guard let row = try Row.fetchOne(statement, arguments: [id, query.campaign]) else { continue }
                let record = Queue.record(row, instant)
                guard query.state == nil || record.state == query.state,
                    isList ? term.isIn(record.email) : term.isIn(record.reply) && !term.isIn(record.email)
                else { continue }
                let here = RecipientPlace(section: section, first: id)
                page.rows.append((here, record))
                if page.rows.count == limit { return id == ids.last && ids.count < Self.mostLooked ? nil : here }
            }
            guard ids.count == Self.mostLooked, let last = ids.last else { return nil }
            return RecipientPlace(section: section, first: last)
        }
    }

    private static let recipientEnds = "SELECT first, last FROM campaign WHERE id = ?1"
    /// Two look-ups in attempt_campaign.
    private static let attemptEnds = """
        SELECT (SELECT id FROM attempt WHERE campaign = ?1 ORDER BY id LIMIT 1),
            (SELECT id FROM attempt WHERE campaign = ?1 ORDER BY id DESC LIMIT 1)
        """
    static let byAddress =
        Queue.selectRecipients
        + " FROM recipient r LEFT JOIN attempt a ON a.id = r.last_attempt WHERE r.id = ?1 AND r.campaign = ?2"
    private static let byReply =
        Queue.selectRecipients
        + " FROM attempt a CROSS JOIN recipient r ON r.id = a.recipient AND r.last_attempt = a.id"
        + " WHERE a.id = ?1 AND a.campaign = ?2"

    /// What is asked of the queue, for the tests of its plans.
    static let looks = [recipientEnds, attemptEnds, byAddress, byReply]
}

extension Queue {
    /// These recipients of a campaign as they stand now, in the order of the ids given; those it does not have are left out.
    public func recipients(_ campaign: Int64, ids: [Int64]) throws -> [RecipientRecord] {
        try read { db, instant in
            let statement = try db.cachedStatement(sql: RecipientReader.byAddress)
            return try ids.compactMap { id in
                try Row.fetchOne(statement, arguments: [id, campaign]).map { Self.record($0, instant) }
            }
        }
    }
}
