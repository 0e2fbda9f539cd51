import GRDB

/// The settled attempts of all sources, the latest first: their ledgers together hold every one of them.
///
/// Reads by primary key, a chunk a source; where it stands is a number a source, so that it can go on another day.
struct LedgerWalk {
    typealias Cursor = [Int64: Int64]

    struct Step {
        /// Queue time of the settle.
        let at: Int64
        let attempt: Int64
    }

    private struct Source {
        let key: Int64
        /// The grants from here on downwards are to come.
        var next: Int64
        let floor: Int64
        var rows: [(seq: Int64, step: Step)] = []
        var head = 0
        /// Its ledger has no more.
        var isOver = false
    }

    private let query: Prepared
    private var sources: [Source]
    private static let chunk: Int64 = 256

    /// - Parameters:
    ///   - cursor: where to begin, as `cursor` said.
    ///   - floor: where to end: the grants of these numbers and below are not wanted.
    init(_ db: Database, from cursor: Cursor, downTo floor: Cursor = [:]) throws {
        query = try Prepared(
            db,
            """
            SELECT seq, at, attempt FROM "grant" WHERE key = ? AND seq <= ? AND seq > ? ORDER BY seq DESC LIMIT ?
            """)
        // In one order always, so that two walks meet the same steps.
        sources = cursor.sorted { $0.key < $1.key }.map {
            Source(key: $0.key, next: $0.value, floor: floor[$0.key] ?? 0)
        }
    }

    /// The ends of all ledgers as they are now.
    static func ends(_ db: Database) throws -> Cursor {
        // A row a source.
        let rows = try Row.fetchAll(
            db, sql: "SELECT id, seq FROM cap_key INDEXED BY sqlite_autoindex_cap_key_1 WHERE scope = 0")
        return Dictionary(rows.map { ($0[0] as Int64, $0[1] as Int64) }, uniquingKeysWith: { first, _ in first })
    }

    /// Where (queue time) the ledgers of the sources begin that retention has cut; nil where it has cut none.
    static func edge(_ db: Database) throws -> Int64? {
        // A row a source, and a look-up by primary key.
        try Int64.fetchOne(
            db,
            sql: """
                SELECT max((SELECT at FROM "grant" WHERE key = p.key AND seq > p.pruned ORDER BY seq LIMIT 1))
                FROM retention p JOIN cap_key k ON k.id = p.key WHERE k.scope = 0 AND p.pruned > 0
                """)
    }

    var cursor: Cursor { Dictionary(sources.map { ($0.key, $0.next) }, uniquingKeysWith: { first, _ in first }) }

    /// The next step; nil when there is none.
    mutating func peek() throws -> Step? { try latest().map { sources[$0].rows[sources[$0].head].step } }

    mutating func next() throws -> Step? {
        guard let place = try latest() else { return nil }
        let row = sources[place].rows[sources[place].head]
        sources[place].head += 1
        sources[place].next = row.seq - 1
        return row.step
    }

    private mutating func latest() throws -> Int? {
        var best: (place: Int, at: Int64)?
        for place in sources.indices {
            if sources[place].head == sources[place].rows.count { try fill(place) }
            guard sources[place].head < sources[place].rows.count else { continue }
            let at = sources[place].rows[sources[place].head].step.at
            if best.map({ at > $0.at }) ?? true { best = (place, at) }
        }
        return best?.place
    }

    private mutating func fill(_ place: Int) throws {
        guard !sources[place].isOver else { return }
        query.bind(1, sources[place].key)
        query.bind(2, sources[place].next)
        query.bind(3, sources[place].floor)
        query.bind(4, Self.chunk)
        sources[place].rows.removeAll(keepingCapacity: true)
        sources[place].head = 0
        while try query.step() {
            sources[place].rows.append(
                (query.integer(0), Step(at: query.integer(1), attempt: query.integer(2))))
        }
        sources[place].isOver = sources[place].rows.count < Self.chunk
    }

    static func text(_ cursor: Cursor) -> String {
        cursor.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: ",")
    }

    static func cursor(_ text: String) -> Cursor {
        let pairs = text.split(separator: ",").compactMap { pair -> (Int64, Int64)? in
            let parts = pair.split(separator: ":").compactMap { Int64($0) }
            return parts.count == 2 ? (parts[0], parts[1]) : nil
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }
}
