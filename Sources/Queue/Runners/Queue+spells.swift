import Clock
import GRDB

extension Queue {
    /// What a campaign's time was used for since it began; nil before that.
    ///
    /// Where several processes ran at once, it was being sent when one of them sent; else the one that began first
    /// says what was waited for. Reads the campaign's spells, of which there are some thousands at most.
    public func spells(_ campaign: Int64) throws -> SpellHistory? {
        try read { db, instant in
            var spells: [StoredSpell] = []
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT s.runner, s.kind, s.what, s.since, s.until, r.seen FROM spell s
                    LEFT JOIN runner r ON r.id = s.runner WHERE s.campaign = ? ORDER BY s.id
                    """, arguments: [campaign])
            var isAlive: [Int64: Bool] = [:]
            for row in rows {
                let (runner, since): (Int64, Int64) = (row[0], row[3])
                var until: Int64 = row[4] ?? instant.queue
                if row[4] == nil, runner != 0 {
                    let alive = try isAlive[runner] ?? RunnerLock.isHeld(runner, queue: path)
                    isAlive[runner] = alive
                    // Dead, and nobody has put its things in order yet.
                    if !alive { until = row[5] ?? since }
                }
                let kind: String = row[1]
                spells.append(
                    StoredSpell(
                        runner: runner, cause: WaitCause(SpellKind(rawValue: kind) ?? .unrecorded, row[2]),
                        since: since, until: max(since, until), isOpen: row[4] == nil))
            }
            return SpellTiling(spells, now: instant.queue).history { instant.wall($0) }
        }
    }
}

/// A row of `spell`, in queue time.
struct StoredSpell {
    var runner: Int64
    var cause: WaitCause
    var since: Int64
    var until: Int64
    var isOpen: Bool
}

/// Makes one line of time out of spells that overlap and leave gaps.
struct SpellTiling {
    private let spells: [StoredSpell]
    private let start: Int64
    private let end: Int64

    init(_ stored: [StoredSpell], now: Int64) {
        spells = stored.sorted { ($0.since, $0.runner) < ($1.since, $1.runner) }
        start = spells.map(\.since).min() ?? now
        let isOver = { (spell: StoredSpell) in
            spell.isOpen && (spell.cause.kind == .finished || spell.cause.kind == .cancelled)
        }
        end = max(start, stored.first(where: isOver)?.since ?? now)
    }

    func history(_ wall: (Int64) -> Timestamp) -> SpellHistory? {
        guard !spells.isEmpty, end > start else { return nil }
        var moments = Set([start, end])
        for spell in spells { moments.formUnion([spell.since, spell.until].filter { $0 > start && $0 < end }) }
        var active: [StoredSpell] = []
        var next = 0
        var made: [(cause: WaitCause, runner: Int64?, since: Int64, until: Int64)] = []
        let ordered = moments.sorted()
        for (since, until) in zip(ordered, ordered.dropFirst()) {
            active.removeAll { $0.until <= since }
            while next < spells.count, spells[next].since <= since {
                if spells[next].until > since { active.append(spells[next]) }
                next += 1
            }
            let best = active.min { Self.rank($0) < Self.rank($1) }
            let cause = best?.cause ?? WaitCause(.noRunner)
            let runner = best.flatMap { $0.runner == 0 ? nil : $0.runner }
            if let last = made.last, last.cause == cause, last.runner == runner {
                made[made.count - 1].until = until
            } else {
                made.append((cause, runner, since, until))
            }
        }
        return SpellHistory(
            since: wall(start), until: wall(end),
            spells: made.map {
                Spell(
                    cause: $0.cause, runner: $0.runner, since: wall($0.since), until: wall($0.until),
                    microseconds: $0.until - $0.since)
            }, microseconds: end - start)
    }

    /// The lowest one says what the time was used for.
    private static func rank(_ spell: StoredSpell) -> (Int, Int64) {
        let class_ =
            switch spell.cause.kind {
            case .sending: 0
            case .unrecorded: 3
            default: spell.runner == 0 ? 2 : 1
            }
        return (class_, spell.runner)
    }
}
