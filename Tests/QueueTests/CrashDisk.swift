import Foundation
import GRDBSQLite
import Synchronization

/// What one folder's database and log look like to a disk: each write that SQLite makes, and each sync.
///
/// SQLite's own file layer does the work; its three writing functions are told about here first. So every state in
/// which a crash could leave the two files can be made afterwards.
final class CrashDisk: Sendable {
    enum File: Hashable, Sendable { case database, log }

    enum Change: Sendable {
        case write(at: Int, [UInt8])
        case truncate(to: Int)

        func apply(to bytes: inout [UInt8]) {
            switch self {
            case .write(_, let written) where written.isEmpty: break
            case .write(let offset, let written):
                let end = offset + written.count
                if bytes.count < end { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
                bytes.withUnsafeMutableBytes { bytes in
                    _ = written.withUnsafeBytes { memcpy(bytes.baseAddress! + offset, $0.baseAddress!, $0.count) }
                }
            case .truncate(let size):
                if bytes.count > size { bytes.removeLast(bytes.count - size) }
            }
        }
    }

    enum Event: Sendable {
        case change(File, Change)
        case sync(File)
    }

    struct Content: Sendable {
        /// As of the last sync.
        var durable: [UInt8] = []
        /// Since then, in order; the disk may have any of it.
        var pending: [Change] = []

        mutating func sync() {
            for change in pending { change.apply(to: &durable) }
            pending = []
        }
    }

    private struct State: Sendable {
        var files: [File: Content]
        /// As of the mark.
        var base: [File: Content]
        var events: [Event] = []
        /// How many more changes and syncs succeed; nil when all do.
        var credit: Int?
        var failures = 0
    }

    let folder: String
    private let state: Mutex<State>

    /// Watches a folder whose database is `database`; before anything opens it.
    init(folder: String, database: [UInt8], log: [UInt8]) {
        self.folder = folder
        let files: [File: Content] = [
            .database: Content(durable: database), .log: Content(durable: log),
        ]
        state = Mutex(State(files: files, base: files))
        _ = Shim.installed
        Shim.folders.withLock { $0[folder] = self }
    }

    deinit { Shim.folders.withLock { $0[folder] = nil } }

    func unwatch() { Shim.folders.withLock { $0[folder] = nil } }

    /// From here on events are counted anew.
    func mark() {
        state.withLock {
            $0.base = $0.files
            $0.events = []
            $0.failures = 0
        }
    }

    var events: [Event] { state.withLock { $0.events } }

    /// Whether frames that were written to the log since the mark were synced too, by the first `count` events: so
    /// whatever stood behind its end before is overwritten. The header that begins the log anew is written and synced
    /// by itself; after a commit that failed at its very beginning it is the same again, and the frames of that commit
    /// still stand behind it (history 1507).
    func hasSynced(before count: Int = .max) -> Bool {
        var hasFrames = false
        for event in events.prefix(count) {
            switch event {
            case .change(.log, .write(let offset, _)) where offset > 0: hasFrames = true
            case .sync(.log) where hasFrames: return true
            default: continue
            }
        }
        return false
    }

    /// After `count` more changes and syncs each further one fails as on a full disk; nil: the disk is well again.
    func fail(after count: Int?) { state.withLock { $0.credit = count } }
    /// How many failed since the mark.
    var failures: Int { state.withLock { $0.failures } }

    fileprivate func note(_ event: Event) -> Bool {
        state.withLock { state in
            if let credit = state.credit {
                guard credit > 0 else {
                    state.failures += 1
                    return false
                }
                state.credit = credit - 1
            }
            state.events.append(event)
            Self.apply(event, &state.files)
            return true
        }
    }

    private static func apply(_ event: Event, _ files: inout [File: Content]) {
        switch event {
        case .change(let file, let change): files[file]?.pending.append(change)
        case .sync(let file): files[file]?.sync()
        }
    }

    /// The files after the first `count` events since the mark, with all that no sync has made durable yet.
    func contents(after count: Int) -> [File: Content] {
        let (base, events) = state.withLock { ($0.base, $0.events) }
        var files = base
        for event in events.prefix(count) { Self.apply(event, &files) }
        return files
    }
}

/// The functions put before those of SQLite's default file layer, for files in watched folders alone.
private enum Shim {
    struct Handle: Sendable {
        var disk: CrashDisk
        var file: CrashDisk.File
    }

    static let folders = Mutex<[String: CrashDisk]>([:])
    static let handles = Mutex<[UInt: Handle]>([:])
    static let tables = Mutex<[UInt: UInt]>([:])
    nonisolated(unsafe) static var layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    nonisolated(unsafe) static var beneath = layer
    /// SQLite's own functions for a file; all watched files have the same.
    nonisolated(unsafe) static let own = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)

    static let installed: Bool = {
        guard let found = sqlite3_vfs_find(nil) else { return false }
        beneath = found
        layer.initialize(to: found.pointee)
        layer.pointee.zName = UnsafePointer(strdup("watched"))
        layer.pointee.pNext = nil
        layer.pointee.xOpen = { _, name, file, flags, outFlags in
            let code = Shim.beneath.pointee.xOpen(Shim.beneath, name, file, flags, outFlags)
            if code == SQLITE_OK, let name, let file { Shim.watch(String(cString: name), file, flags) }
            return code
        }
        return sqlite3_vfs_register(layer, 1) == SQLITE_OK
    }()

    static func watch(_ path: String, _ file: UnsafeMutablePointer<sqlite3_file>, _ flags: Int32) {
        guard flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL) != 0, let methods = file.pointee.pMethods
        else { return }
        let folder = (path as NSString).deletingLastPathComponent
        guard let disk = folders.withLock({ $0[folder] }) else { return }
        let kind: CrashDisk.File = flags & SQLITE_OPEN_WAL != 0 ? .log : .database
        handles.withLock { $0[UInt(bitPattern: file)] = Handle(disk: disk, file: kind) }
        let address = tables.withLock { tables in
            if let known = tables[UInt(bitPattern: methods)] { return known }
            let made = UInt(bitPattern: table(methods))
            tables[UInt(bitPattern: methods)] = made
            return made
        }
        file.pointee.pMethods = UnsafePointer(bitPattern: address)
    }

    static func table(_ methods: UnsafePointer<sqlite3_io_methods>) -> UnsafeMutablePointer<
        sqlite3_io_methods
    > {
        own.initialize(to: methods.pointee)
        let made = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        made.initialize(to: methods.pointee)
        made.pointee.xWrite = { file, bytes, count, offset in
            if let handle = Shim.handle(file), let bytes {
                let written = [UInt8](UnsafeRawBufferPointer(start: bytes, count: Int(count)))
                let change = CrashDisk.Change.write(at: Int(offset), written)
                guard handle.disk.note(.change(handle.file, change)) else { return SQLITE_FULL }
            }
            return Shim.own.pointee.xWrite(file, bytes, count, offset)
        }
        made.pointee.xTruncate = { file, size in
            if let handle = Shim.handle(file) {
                let change = CrashDisk.Change.truncate(to: Int(size))
                guard handle.disk.note(.change(handle.file, change)) else { return SQLITE_IOERR | (6 << 8) }
            }
            return Shim.own.pointee.xTruncate(file, size)
        }
        made.pointee.xSync = { file, flags in
            if let handle = Shim.handle(file), !handle.disk.note(.sync(handle.file)) {
                return SQLITE_IOERR | (4 << 8)
            }
            // Nothing here is to outlast this machine.
            return SQLITE_OK
        }
        made.pointee.xClose = { file in
            if let file { _ = Shim.handles.withLock { $0.removeValue(forKey: UInt(bitPattern: file)) } }
            return Shim.own.pointee.xClose(file)
        }
        return made
    }

    static func handle(_ file: UnsafeMutablePointer<sqlite3_file>?) -> Handle? {
        guard let file else { return nil }
        return handles.withLock { $0[UInt(bitPattern: file)] }
    }
}
