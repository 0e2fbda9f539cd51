import FoundationEssentials
import GRDB

#if canImport(Glibc)
    import Glibc
#endif

extension Queue {
    /// Writes a consistent copy while others send (SQLite's online backup). The copy does not send until it is claimed.
    /// - Throws: `QueueError.cannotCreate` when `path` exists or cannot be made.
    public func backup(to path: String) throws {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw QueueError.cannotCreate(path: path, detail: String(cString: strerror(errno)))
        }
        close(descriptor)
        do {
            let copy = try DatabaseQueue(path: path)
            // From a connection of its own: a reader does not hold up the Journal.
            try reader.backup(to: copy)
            // A name of its own: put in the queue's place it would pass for it, had no other runner begun meanwhile.
            try copy.write { db in
                let origin = Origin(identity: try Identity(db), place: IdentityFile(queue: self.path).place)
                try db.execute(
                    sql: "INSERT OR REPLACE INTO meta (name, value) VALUES ('origin', ?)", arguments: [origin.text])
                try db.execute(
                    sql: "UPDATE meta SET value = ? WHERE name = 'identity'",
                    arguments: [UUID().uuidString.lowercased()])
                try db.execute(sql: "UPDATE meta SET value = value + 1 WHERE name = 'generation'")
            }
            try copy.close()
        } catch {
            let fault = QueueError(error, path: path)
            unlink(path)
            // The copy is no queue yet: what could not be read is this one.
            switch fault {
            case .io(_, let detail): throw QueueError.cannotWrite(path: path, detail: detail)
            case .corrupt(_, let detail): throw QueueError.corrupt(path: self.path, detail: detail)
            case .notAQueue: throw QueueError.notAQueue(path: self.path)
            default: throw fault
            }
        }
    }
}
