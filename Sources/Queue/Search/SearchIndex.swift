import GRDB

#if canImport(Glibc)
    import Glibc
#endif

/// The full-text index of addresses and replies, in a file of its own beside the queue.
///
/// Nothing in it is needed to send, and sending does not write it: a search first brings it up to date with what was
/// stored since the last one. It can be deleted at any time. It holds trigrams without positions, so what it finds are
/// candidates, which are held against the queue's own rows.
final class SearchIndex {
    private static let format = 1
    /// So many rows a transaction: a reader's snapshot must not grow old while others send.
    static let rowsPerBatch = 20_000
    /// Behind every text, so that its last one or two characters are the beginning of a trigram too.
    static let end = "\u{1}\u{1}"

    let database: DatabaseQueue

    init(queue path: String) throws {
        let file = path + "-search"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw QueueError.cannotCreate(path: file, detail: String(cString: strerror(errno)))
        }
        FileSystem.adopt(descriptor, ownerOf: path)
        close(descriptor)
        var configuration = Configuration()
        configuration.label = "outpost.search"
        // Of two searches at once, the second one waits until the first has caught up.
        configuration.busyMode = .timeout(600)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;")
        }
        do {
            database = try DatabaseQueue(path: file, configuration: configuration)
            try database.writeWithoutTransaction { db in
                if try Int.fetchOne(db, sql: "PRAGMA user_version") != Self.format { try Self.begin(db) }
            }
        } catch let error as DatabaseError {
            throw QueueError(error, path: file)
        }
    }

    private static func begin(_ db: Database) throws {
        try db.inTransaction(.immediate) {
            for table in ["address", "reply"] {
                try db.execute(
                    sql: """
                        DROP TABLE IF EXISTS \(table)_term;
                        DROP TABLE IF EXISTS \(table);
                        CREATE VIRTUAL TABLE \(table) USING fts5(
                            text, content = '', detail = none, columnsize = 0, tokenize = 'trigram');
                        CREATE VIRTUAL TABLE \(table)_term USING fts5vocab(\(table), row);
                        """)
            }
            try db.execute(
                sql: """
                    DROP TABLE IF EXISTS mark;
                    DROP TABLE IF EXISTS waiting;
                    -- What was seen last of the queue, so that another one in its place is noticed.
                    CREATE TABLE mark (
                        id INTEGER PRIMARY KEY CHECK (id = 1), identity TEXT NOT NULL, recipient INTEGER NOT NULL,
                        key TEXT NOT NULL, attempt INTEGER NOT NULL, started INTEGER NOT NULL
                    ) STRICT;
                    INSERT INTO mark VALUES (1, '', 0, '', 0, 0);
                    -- Attempts that were open when they came by.
                    CREATE TABLE waiting (id INTEGER PRIMARY KEY) STRICT;
                    PRAGMA user_version = \(format);
                    """)
            return .commit
        }
    }

    // MARK: Catching up

    /// Takes in what was stored since the last time.
    /// - Parameter progress: told now and then how many rows were taken in; what it throws ends it, and the next one goes on
    ///   from there.
    func catchUp(_ queue: Queue, progress: (Int) throws -> Void) throws {
        do {
            try database.writeWithoutTransaction { db in
                try db.execute(sql: "INSERT INTO address (address, rank) VALUES ('hashsize', 33554432)")
                try db.execute(sql: "INSERT INTO reply (reply, rank) VALUES ('hashsize', 33554432)")
                try beginAnewIfForeign(db, queue)
                var taken = 0
                while true {
                    var count = 0
                    try db.inTransaction(.immediate) {
                        count = try queue.read { source, _ in
                            let recipients = try takeRecipients(db, source)
                            return try recipients + takeAttempts(db, source)
                        }
                        return .commit
                    }
                    taken += count
                    try progress(taken)
                    if count < Self.rowsPerBatch { break }
                }
                try db.inTransaction(.immediate) {
                    try queue.read { source, _ in try takeWaiting(db, source) }
                    return .commit
                }
            }
        } catch let error as DatabaseError {
            throw QueueError(error, path: queue.path + "-search")
        }
    }

    private func beginAnewIfForeign(_ db: Database, _ queue: Queue) throws {
        guard let mark = try Row.fetchOne(db, sql: "SELECT identity, recipient, key, attempt, started FROM mark") else {
            return try Self.begin(db)
        }
        let (identity, isSame) = try queue.read { source, _ in
            let identity = try String.fetchOne(source, sql: "SELECT value FROM meta WHERE name = 'identity'") ?? ""
            let key = try String.fetchOne(
                source, sql: "SELECT key FROM recipient WHERE id = ?", arguments: [mark[1] as Int64])
            let started = try Int64.fetchOne(
                source, sql: "SELECT started FROM attempt WHERE id = ?", arguments: [mark[3] as Int64])
            return (identity, (key ?? "") == mark[2] as String && (started ?? 0) == mark[4] as Int64)
        }
        let known: String = mark[0]
        if known != identity || !isSame {
            if known != "" || !isSame { try Self.begin(db) }
            try db.execute(sql: "UPDATE mark SET identity = ?", arguments: [identity])
        }
    }

    /// Recipients only ever come behind those there are, and their addresses do not change.
    private func takeRecipients(_ db: Database, _ source: Database) throws -> Int {
        let last = try Int64.fetchOne(db, sql: "SELECT recipient FROM mark") ?? 0
        let query = try Prepared(source, "SELECT id, key, ifnull(email, '') FROM recipient WHERE id > ? ORDER BY id")
        query.bind(1, last)
        let insert = try Prepared(db, "INSERT INTO address (rowid, text) VALUES (?, ?)")
        var (id, key, count) = (last, "", 0)
        while count < Self.rowsPerBatch, try query.step() {
            id = query.integer(0)
            key = query.text(1)
            let email = query.text(2)
            insert.bind(1, id)
            insert.bind(2, email.isEmpty ? key + Self.end : key + Self.end + email + Self.end)
            try insert.run()
            count += 1
        }
        query.reset()
        guard count > 0 else { return 0 }
        try db.execute(sql: "UPDATE mark SET recipient = ?, key = ?", arguments: [id, key])
        return count
    }

    private func takeAttempts(_ db: Database, _ source: Database) throws -> Int {
        let last = try Int64.fetchOne(db, sql: "SELECT attempt FROM mark") ?? 0
        let query = try Prepared(
            source, "SELECT id, started, outcome, ifnull(reply, '') FROM attempt WHERE id > ? ORDER BY id")
        query.bind(1, last)
        let insert = try Prepared(db, "INSERT INTO reply (rowid, text) VALUES (?, ?)")
        let wait = try Prepared(db, "INSERT INTO waiting (id) VALUES (?)")
        var (id, started, count): (Int64, Int64, Int) = (last, 0, 0)
        while count < Self.rowsPerBatch, try query.step() {
            id = query.integer(0)
            started = query.integer(1)
            count += 1
            if query.isNull(2) {
                wait.bind(1, id)
                try wait.run()
                continue
            }
            let reply = query.text(3)
            guard !reply.isEmpty else { continue }
            insert.bind(1, id)
            insert.bind(2, reply + Self.end)
            try insert.run()
        }
        query.reset()
        guard count > 0 else { return 0 }
        try db.execute(sql: "UPDATE mark SET attempt = ?, started = ?", arguments: [id, started])
        return count
    }

    /// As many as were in flight at the last search.
    private func takeWaiting(_ db: Database, _ source: Database) throws {
        let query = try Prepared(
            source, "SELECT ifnull(reply, '') FROM attempt WHERE id = ? AND outcome IS NOT NULL")
        let insert = try Prepared(db, "INSERT INTO reply (rowid, text) VALUES (?, ?)")
        for id in try Int64.fetchAll(db, sql: "SELECT id FROM waiting ORDER BY id") {
            query.bind(1, id)
            guard try query.step() else { continue }
            let reply = query.text(0)
            query.reset()
            if !reply.isEmpty {
                insert.bind(1, id)
                insert.bind(2, reply + Self.end)
                try insert.run()
            }
            try db.execute(sql: "DELETE FROM waiting WHERE id = ?", arguments: [id])
        }
    }
}
