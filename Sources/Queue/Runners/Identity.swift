import CSystem
import FoundationEssentials
import GRDB

#if canImport(Glibc)
    import Glibc
#endif

/// What tells this queue from its copies: a name, and how many runners have been started.
struct Identity: Sendable, Equatable {
    var name: String
    var generation: Int64
}

/// The file beside the queue that a copy or a restored backup does not agree with (promise 7).
///
/// It holds name, generation, inode and path. It is written after the queue's own commit, so it may be behind, never ahead;
/// ahead means that the queue was set back to an older state.
struct IdentityFile: Sendable {
    let queue: String
    var path: String { queue + "-identity" }

    struct Content: Equatable {
        var identity: Identity
        var inode: UInt64
        /// Where the queue was; nil in a file of before it was kept.
        var place: String?
    }

    func read() -> Content? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n", maxSplits: 1)
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 3, let generation = Int64(words[1]), let inode = UInt64(words[2]) else { return nil }
        let place = lines.count > 1 ? lines[1].dropLast(lines[1].hasSuffix("\n") ? 1 : 0) : ""
        return Content(
            identity: Identity(name: String(words[0]), generation: generation), inode: inode,
            place: place.isEmpty ? nil : String(place))
    }

    /// Replaces it in one step; never by an older generation of the same queue.
    func write(_ identity: Identity) throws {
        let inode = try queueInode()
        let place = place
        if let now = read(), now.identity.name == identity.name, now.inode == inode, now.place == place,
            now.identity.generation >= identity.generation
        {
            return
        }
        let text = "\(identity.name) \(identity.generation) \(inode)\n\(place)\n"
        let draft = path + ".\(getpid()).\(UInt32.random(in: 0...UInt32.max))"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        let written = Array(text.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        let synced = fsync(descriptor)
        close(descriptor)
        guard written == text.utf8.count, synced == 0, rename(draft, path) == 0 else {
            let error = failure()
            unlink(draft)
            throw error
        }
        // The name too must outlast a power loss, or the queue would be taken for a copy.
        let folder = open(Queue.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure() }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure() }
    }

    /// The queue's path with no link in it.
    private var place: String {
        guard let real = realpath(queue, nil) else { return queue }
        defer { free(real) }
        return String(cString: real)
    }

    func queueInode() throws -> UInt64 {
        var information = stat()
        guard stat(queue, &information) == 0 else { throw failure() }
        return UInt64(information.st_ino)
    }

    private func failure() -> QueueError { .io(path: path, detail: String(cString: strerror(errno))) }

    /// Why a queue with this identity is not the one this file was written for; nil when all is well.
    func objection(to identity: Identity) throws -> String? {
        // Nothing was ever sent from it, and no file says otherwise: its maker did not come to write one.
        guard let known = read() else {
            return identity.generation == 0
                ? nil : "the file \(path) that belongs to it is missing, as after a copy or a restored backup"
        }
        if known.identity.name != identity.name {
            return "\(path) belongs to another queue, or this one is a restored backup"
        }
        if known.identity.generation > identity.generation {
            return "it is older than what was sent from here last, as after a restored backup"
        }
        let former = known.place.flatMap { $0 == place ? nil : $0 }
        if known.inode != (try queueInode()) {
            return former.map { "it is a copy of \($0)" }
                ?? "it is another file than the one that was here before, as after a copy or a restored backup"
        }
        if let former { return "it was moved here from \(former), where a copy may be left" }
        return nil
    }
}

extension Commit {
    func identity() throws -> Identity {
        let name = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'identity'")
        let generation = try Int64.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'generation'")
        return Identity(name: name ?? "", generation: generation ?? 0)
    }

    /// The identity with its next generation, which is stored.
    func checkedIdentity(_ side: IdentityFile) throws -> Identity {
        var identity = try identity()
        if let reason = try side.objection(to: identity) { throw QueueError.unclaimed(reason: reason) }
        // The file is there before the first generation is, or a crash between the two would look like a copy.
        if identity.generation == 0 { try side.write(identity) }
        identity.generation += 1
        try store(identity)
        return identity
    }

    func store(_ identity: Identity) throws {
        try db.execute(sql: "UPDATE meta SET value = ? WHERE name = 'generation'", arguments: [identity.generation])
        try db.execute(sql: "UPDATE meta SET value = ? WHERE name = 'identity'", arguments: [identity.name])
    }
}

extension Queue {
    /// Makes a copied or restored queue the one that sends from now on (promise 7).
    public func claim() throws {
        let side = IdentityFile(queue: path)
        let identity = try writeNow { commit in
            var identity = try commit.identity()
            identity.generation = max(identity.generation, side.read()?.identity.generation ?? 0) + 1
            try commit.store(identity)
            try commit.record(nil, kind: "claim", "The queue was claimed.")
            return identity
        }
        try wrapping { try side.write(identity) }
    }

    /// Why this queue would refuse to send; nil when it would not.
    public func claimObjection() throws -> String? {
        let side = IdentityFile(queue: path)
        return try read { db, _ in
            let name = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'identity'")
            let generation = try Int64.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'generation'")
            return try side.objection(to: Identity(name: name ?? "", generation: generation ?? 0))
        }
    }
}
