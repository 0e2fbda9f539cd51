import CSQLite
import CSystem
import Clock
import Dispatch
import FoundationEssentials
import GRDB
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// The durable store: campaigns, recipients, attempts, and the ledger of what the caps have granted.
///
/// Every synchronous function blocks its thread and is for commands; a `Runner`'s are asynchronous. All errors are
/// `QueueError`.
public final class Queue: Sendable {
    public enum Access: Sendable {
        /// Makes folder and file where they are missing, and brings an older schema up to date.
        case create
        /// The file must exist; an older schema is brought up to date.
        case readWrite
        /// The file must exist, and stays as it is; one whose tables are not made yet is `.missing`.
        case readOnly
    }

    public let path: String
    public let access: Access
    public let clock: any WallClock
    let reader: any DatabaseReader
    let writer: Journal?
    /// A connection that never writes, so that `PRAGMA data_version` tells of everybody's commits.
    let watcher = Mutex<DatabaseQueue?>(nil)

    private init(path: String, access: Access, clock: any WallClock, reader: any DatabaseReader, writer: Journal?) {
        self.path = path
        self.access = access
        self.clock = clock
        self.reader = reader
        self.writer = writer
    }

    /// Opens the queue at `path`.
    /// - Parameter beginsAnew: makes an empty one in the place of one that is lost.
    /// - Throws: `QueueError`: `.missing`, `.lost`, `.unreadable`, `.cannotCreate`, `.notAQueue`, `.corrupt`, `.readOnly`, `.locked`, `.full`,
    ///   `.newer` or `.io`.
    public static func open(
        at path: String, access: Access, clock: any WallClock = SystemClock(), beginsAnew: Bool = false
    ) throws -> Queue {
        _ = withoutStatistics
        do {
            if FileSystem.isEmpty(path), try IdentityFile(queue: path).hasSent {
                // Looked at once more: who begins a queue beside us writes that file last.
                guard !FileSystem.isEmpty(path) || beginsAnew else { throw QueueError.lost(path: path) }
                // A log that is left holds what the file lost; SQLite would delete it.
                if FileSystem.isEmpty(path) {
                    rename(path + "-wal", path + "-wal-lost")
                    unlink(path + "-shm")
                }
            }
            try prepareFile(path, access)
            return try access == .readOnly ? openReading(path, clock) : openWriting(path, access, clock)
        } catch {
            throw QueueError(error, path: path)
        }
    }

    /// SQLite counts its memory under one lock, twice for each of the 45 allocations that a message costs there
    /// (Debian's is built without lookaside memory); nothing here asks for the counts.
    private static let withoutStatistics = CSQLite_keep_no_statistics()

    private static func prepareFile(_ path: String, _ access: Access) throws {
        if Glibc.access(path, F_OK) == 0 {
            if access != .readOnly, Glibc.access(path, W_OK) != 0 { throw QueueError.readOnly(path: path) }
            return
        }
        guard errno == ENOENT || errno == ENOTDIR else {
            throw QueueError.io(path: path, detail: String(cString: strerror(errno)))
        }
        guard access == .create else { throw QueueError.missing(path: path) }
        let folder = folder(of: path)
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw QueueError.cannotCreate(path: folder, detail: String(describing: error))
        }
        // Made before SQLite opens it: the mode is right from the start, and -wal and -shm inherit it.
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw QueueError.cannotCreate(path: path, detail: String(cString: strerror(errno)))
        }
        close(descriptor)
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func configuration(readonly: Bool, _ patience: Patience = Patience()) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = readonly
        configuration.label = "outpost.queue"
        configuration.busyMode = .callback { patience.goesOn(after: $0) }
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { db in
            // One connection writes and finds its pages again; there may be five that read, and no cache is ever given back. At
            // 8 MB an import of a million costs what it does at 16; at 2 MB a quarter more.
            let cache = db.configuration.readonly ? 2000 : 8000
            try db.execute(sql: "PRAGMA mmap_size = 0; PRAGMA cache_size = -\(cache);")
        }
        return configuration
    }

    private static func openReading(_ path: String, _ clock: any WallClock) throws -> Queue {
        let reader = try DatabaseQueue(path: path, configuration: configuration(readonly: true))
        let isOlder = try reader.read { db in
            let migrator = Migrations.migrator
            if try migrator.hasBeenSuperseded(db) { throw QueueError.newer(path: path) }
            if try migrator.hasCompletedMigrations(db) { return false }
            let tables = try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
            // Somebody is making it at this moment, or was stopped doing so: as before, there is none.
            if tables.allSatisfy({ $0 == "grdb_migrations" }) { throw QueueError.missing(path: path) }
            guard tables.contains("grdb_migrations"), try migrator.appliedIdentifiers(db).contains(Migrations.first)
            else { throw QueueError.notAQueue(path: path) }
            return true
        }
        if isOlder {
            // Of an earlier version: brought up to date once, for whoever comes first.
            if Glibc.access(path, W_OK) != 0 { throw QueueError.readOnly(path: path) }
            _ = try openWriting(path, .readWrite, clock)
        }
        return Queue(path: path, access: .readOnly, clock: clock, reader: reader, writer: nil)
    }

    private static func openWriting(_ path: String, _ access: Access, _ clock: any WallClock) throws -> Queue {
        let patience = Patience()
        let pool = try DatabasePool(path: path, configuration: configuration(readonly: false, patience))
        let migrator = Migrations.migrator
        let isReady = { (db: Database) -> Bool in
            // After the pool has set NORMAL: durable means on the disk.
            try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = \(Self.logPages(path));")
            if try migrator.hasBeenSuperseded(db) { throw QueueError.newer(path: path) }
            if try migrator.hasCompletedMigrations(db) {
                // The first rows come in a transaction of their own; a crash may have come before it.
                return try Int.fetchOne(db, sql: "SELECT count(*) FROM clock") == 1
            }
            // A database of something else is left alone; one of ours has our tables, or none.
            let tables = try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
            guard tables.isEmpty || tables.contains("grdb_migrations") else { throw QueueError.notAQueue(path: path) }
            return false
        }
        // One process at a time makes the tables, and whoever waited for that looks again.
        let making = try pool.writeWithoutTransaction(isReady) ? nil : RunnerLock.ofMaking(queue: path)
        let isMade = try making == nil || pool.writeWithoutTransaction(isReady)
        if !isMade { try migrator.migrate(pool) }
        makeRoom(path, pool)
        let journal = Journal(
            pool: pool, path: path, file: FileSystem.file(path), clock: clock, patience: patience)
        let queue = Queue(path: path, access: access, clock: clock, reader: pool, writer: journal)
        if !isMade { try queue.begin(pool) }
        return withExtendedLifetime(making) { queue }
    }

    /// How long the log of writes may get before it is folded into the file, in pages of 4 KB: 16 MB, or a quarter of
    /// what the disk has left. Under a tight cap each message is a commit of its own and writes four pages.
    private static func logPages(_ path: String) -> Int64 {
        guard let room = FileSystem.room(folder(of: path)) else { return 4000 }
        return min(4000, max(64, (room + FileSystem.size(path + "-wal")) / 4 / 4096))
    }

    /// Folds in a log that is larger than what the disk has left: the file itself hardly grows by it, and a disk that was
    /// full goes on.
    private static func makeRoom(_ path: String, _ pool: DatabasePool) {
        guard let room = FileSystem.room(folder(of: path)), room < FileSystem.size(path + "-wal") else { return }
        // Where even that finds no room, whoever writes next is told.
        try? pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
    }

    /// The rows without which nothing works.
    private func begin(_ pool: DatabasePool) throws {
        let fresh = QueueClock.fresh(clock)
        try pool.write { db in
            try db.execute(
                sql:
                    "INSERT INTO clock (id, boot, boot_us, queue_us, wall_us) VALUES (1, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                arguments: [fresh.boot, fresh.bootMicroseconds, fresh.queueMicroseconds, fresh.wallMicroseconds])
            try db.execute(
                sql: "INSERT INTO meta (name, value) VALUES ('identity', ?), ('generation', 0) ON CONFLICT DO NOTHING",
                arguments: [UUID().uuidString.lowercased()])
        }
        // Beside it from the start, so that a copy is told before anything was sent from either. But what another queue left
        // here that had sent stays: then this one has to be claimed.
        let side = IdentityFile(queue: path)
        guard try !side.hasSent else { return }
        let identity = try pool.read { db in
            try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'identity'") ?? ""
        }
        try side.write(Identity(name: identity, generation: 0))
    }

    /// Changes whenever anybody committed anything; for screens that draw only then.
    public func changeCounter() throws -> Int {
        try wrapping {
            try watcher.withLock { watcher in
                let connection =
                    try watcher ?? DatabaseQueue(path: path, configuration: Self.configuration(readonly: true))
                watcher = connection
                return try connection.read { try Int.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
            }
        }
    }

    /// How many transactions this process has committed, and how many pieces of work they carried.
    public var journalCounters: (commits: Int, operations: Int) { writer?.counters ?? (0, 0) }

    // MARK: For the other files of this room

    func wrapping<T>(_ body: () throws -> T) throws -> T {
        do { return try body() } catch { throw QueueError(error, path: path) }
    }

    func read<T>(_ body: (Database, Instant) throws -> T) throws -> T {
        try wrapping { try reader.read { db in try body(db, try Instant(db, clock)) } }
    }

    func journal() throws -> Journal {
        guard let writer else { throw QueueError.readOnly(path: path) }
        return writer
    }

    func writeNow<T: Sendable>(_ body: @escaping @Sendable (Commit) throws -> T) throws -> T {
        try journal().writeNow(body)
    }
}
