import Clock
import GRDB

extension Queue {
    /// Puts addresses or domains (`*@domain`) on the list; answers how many are new. Those that wait are found at `begin`.
    public func suppress(_ entries: [Suppression]) throws -> Int {
        try writeNow { commit in try entries.reduce(0) { try commit.suppress($1) ? $0 + 1 : $0 } }
    }

    /// Takes keys off the list; answers how many were on it. Recipients settled as suppressed stay so.
    public func unsuppress(_ keys: [String]) throws -> Int {
        try writeNow { commit in
            let delete = try commit.prepare("DELETE FROM suppression WHERE key = ?")
            return try keys.reduce(0) { count, key in
                delete.bind(1, key)
                try delete.run()
                return count + commit.db.changesCount
            }
        }
    }

    /// The list in the order of its keys, those after `after` (empty for the first page).
    public func suppressions(after: String, limit: Int) throws -> [Suppression] {
        try read { db, _ in
            try Row.fetchAll(
                db, sql: "SELECT key, reason, since, \"by\" FROM suppression WHERE key > ? ORDER BY key LIMIT ?",
                arguments: [after, limit]
            ).map(Self.suppression)
        }
    }

    /// The entry that keeps an address (normalised) from being mailed: its own, or its domain's.
    public func isSuppressed(key: String) throws -> Suppression? {
        try read { db, _ in
            try Row.fetchOne(
                db,
                sql:
                    "SELECT key, reason, since, \"by\" FROM suppression WHERE key IN (?, ?) ORDER BY key = ? DESC LIMIT 1",
                arguments: [key, "*@" + Commit.domain(of: key), key]
            ).map(Self.suppression)
        }
    }

    private static func suppression(_ row: Row) -> Suppression {
        Suppression(key: row[0], reason: row[1], since: Timestamp(microseconds: row[2]), by: row[3])
    }
}
