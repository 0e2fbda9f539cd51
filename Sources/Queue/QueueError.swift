import GRDB

/// What the queue could not do, on what, and what to do next. Commands turn it into words and an exit code.
public enum QueueError: Error, Sendable, Equatable {
    /// There is no queue at this path (exit 66).
    case missing(path: String)
    /// There is none at this path, or one without a byte, and its identity file says that one was here that had sent.
    case lost(path: String)
    /// The file that was opened is no longer the one at its path: deleted, moved or replaced meanwhile.
    case replaced(path: String)
    /// A file beside the queue cannot be read.
    case unreadable(path: String, detail: String)
    /// The folder or file could not be made (exit 73).
    case cannotCreate(path: String, detail: String)
    /// The file is something else than a queue.
    case notAQueue(path: String)
    /// SQLite found the file damaged.
    case corrupt(path: String, detail: String)
    /// The file or its folder cannot be written.
    case readOnly(path: String)
    /// Another process kept the write lock longer than the 15 s this one waits.
    case locked(path: String)
    /// No space is left on the device. The queue is as it was before; it can be used again once there is room.
    case full(path: String)
    /// A file cannot be written, and the system says why.
    case cannotWrite(path: String, detail: String)
    /// Any other I/O or SQLite error.
    case io(path: String, detail: String)
    /// A newer version of the program wrote this file; this one would not understand it.
    case newer(path: String)
    case noSuchCampaign(String)
    case campaignExists(String)
    /// The campaign's state does not allow this order.
    case illegalTransition(from: CampaignState, order: CampaignOrder)
    /// The campaign is not `sending`, so nothing may be begun.
    case halted(CampaignState)
    /// The rows stored so far were read with other columns than those offered now.
    case columnsChanged(was: [String], now: [String])
    /// The file looks like a copy or a restored backup (promise 7); `outpost verify --claim` makes it this one's own.
    case unclaimed(reason: String)
    /// Locks cannot be trusted on this file system, so nothing is sent from it.
    case networkFileSystem(path: String, kind: String)
    /// The attempt is unknown, of another runner, or was settled before.
    case notOpen(attempt: Int64)
    /// The runner was stopped before this call.
    case stopped
    /// A value that cannot be stored, and why.
    case invalid(String)

    init(_ error: any Error, path: String) {
        if let known = error as? QueueError {
            self = known
            return
        }
        guard let database = error as? DatabaseError else {
            self = .io(path: path, detail: String(describing: error))
            return
        }
        // SQLite has one message a connection, and a backup leaves that of another.
        let words = database.message == "not an error" ? nil : database.message
        let detail = words ?? database.resultCode.description
        switch database.resultCode {
        case .SQLITE_NOTADB: self = .notAQueue(path: path)
        case .SQLITE_CORRUPT: self = .corrupt(path: path, detail: detail)
        case .SQLITE_READONLY, .SQLITE_PERM: self = .readOnly(path: path)
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .locked(path: path)
        case .SQLITE_FULL: self = .full(path: path)
        // Memory that connections share is a file, too, and may be what there is no room for.
        case .SQLITE_IOERR where FileSystem.room(Queue.folder(of: path)).map({ $0 < 65_536 }) ?? false:
            self = .full(path: path)
        case .SQLITE_IOERR:
            if let obstacle = FileSystem.obstacle(to: path) {
                self = .cannotWrite(path: obstacle.path, detail: obstacle.words)
            } else {
                self = .io(path: path, detail: detail)
            }
        default: self = .io(path: path, detail: detail)
        }
    }
}

extension QueueError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missing(let path):
            return "There is no queue at \(path). `outpost import DIR` or `outpost send DIR` makes one; "
                + "check OUTPOST_HOME or --home if it should be there."
        case .lost(let path):
            return "The queue file \(path) is missing or empty, but \(path)-identity says that a queue was here that "
                + "had sent. Put it back from a backup, or begin anew with `outpost verify --claim`: what was sent "
                + "from the lost one is then unknown."
        case .replaced(let path):
            return
                "The queue file \(path) was deleted, moved or replaced while it was open. Nothing more is sent; what "
                + "was in flight may not be written down. Put the file back, or restore a backup; `outpost verify` "
                + "says more."
        case .unreadable(let path, let detail):
            return "\(path) cannot be read: \(detail). Check the owner and mode of the file and of its folder."
        case .cannotCreate(let path, let detail):
            return "Cannot create \(path): \(detail). Check that its folder exists and is writable."
        case .notAQueue(let path):
            return "\(path) is not a queue of this program. Move it away, or name another place with --home."
        case .corrupt(let path, let detail):
            return "The queue \(path) is damaged (\(detail)). Stop sending, copy the file and its -wal and -shm away, "
                + "and restore the last `outpost backup`."
        case .readOnly(let path):
            return "The queue \(path) cannot be written. Check the owner and mode of the file and of its folder."
        case .locked(let path):
            return "The queue \(path) stayed locked for 15 s by another process. Try again, or end what holds it."
        case .full(let path):
            return "No space is left where \(path) lies. Nothing was lost; free some space and send again."
        case .cannotWrite(let path, let detail):
            return "Cannot write \(path): \(detail). Nothing was lost; mend that and go on."
        case .io(let path, let detail):
            return "The queue \(path) could not be read or written: \(detail). `outpost verify` says more."
        case .newer(let path):
            return "The queue \(path) was written by a newer version of outpost. Use that version or a later one."
        case .noSuchCampaign(let name):
            return "There is no campaign called \(name). `outpost list` names those there are."
        case .campaignExists(let name):
            return "There is a campaign called \(name) already. Give this one another name."
        case .illegalTransition(let from, let order):
            return "A campaign that is \(from.rawValue) cannot be \(order.participle)."
        case .halted(let state):
            return "The campaign is \(state.rawValue), so nothing is sent."
        case .columnsChanged(let was, let now):
            return "The list has the columns \(now.joined(separator: ", ")), but the campaign's recipients were stored "
                + "with \(was.joined(separator: ", ")). Give the list its former columns, or start a new campaign."
        case .unclaimed(let reason):
            return "This queue does not send: \(reason). If it is the one to go on with, and no other copy sends any "
                + "more, run `outpost verify --claim`."
        case .networkFileSystem(let path, let kind):
            return "\(path) lies on a network file system (\(kind)), whose locks do not keep two processes from "
                + "sending the same message. Keep the queue on a local disk (OUTPOST_HOME or --home)."
        case .notOpen(let attempt):
            return "Attempt \(attempt) is not open: it was settled before, or belongs to another runner."
        case .stopped:
            return "This runner was stopped."
        case .invalid(let detail):
            return detail
        }
    }
}
