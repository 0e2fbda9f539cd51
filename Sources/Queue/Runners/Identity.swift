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

/// Why a queue is not the one that its identity file was written for.
struct Objection: Sendable, Equatable {
    let reason: String
    /// It is the very file that was sent from, under another path: what was sent is in it.
    var isMove = false
}

/// The file beside the queue that a copy or a restored backup does not agree with (promise 7).
///
/// It holds name, generation, the queue file's inode and birth, its own, and the path. It is written after the queue's own
/// commit, so it may be behind, never ahead; ahead means that the queue was set back to an older state.
struct IdentityFile: Sendable {
    let queue: String
    var path: String { queue + "-identity" }

    struct Content: Equatable {
        var identity: Identity
        var inode: UInt64
        /// When the queue file was made; nil where nobody knows (see `FileSystem.birth`).
        var birth: Int64?
        /// Where the queue was; nil in a file of before it was kept.
        var place: String?
        /// Whether this is the file that was written here: false for a copy, or where another one was written over it. nil
        /// where nobody knows.
        var isOriginal: Bool?
    }

    /// - Throws: `QueueError.unreadable` where there is one that this user may not read.
    func read() throws -> Content? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw QueueError.unreadable(path: path, detail: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw QueueError.unreadable(path: path, detail: String(cString: strerror(errno))) }
        let lines = String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n", maxSplits: 1)
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 3, let generation = Int64(words[1]), let inode = UInt64(words[2]) else { return nil }
        let place = lines.count > 1 ? lines[1].dropLast(lines[1].hasSuffix("\n") ? 1 : 0) : ""
        var content = Content(
            identity: Identity(name: String(words[0]), generation: generation), inode: inode,
            birth: words.count > 3 ? Int64(words[3]) : nil, place: place.isEmpty ? nil : String(place))
        if words.count > 5, let birth = Int64(words[5]), let now = FileSystem.birth("", descriptor: descriptor) {
            var information = stat()
            guard fstat(descriptor, &information) == 0 else { return content }
            content.isOriginal = UInt64(words[4]) == UInt64(information.st_ino) && birth == now
        }
        return content
    }

    /// Whether a queue was here from which something was sent.
    var hasSent: Bool { get throws { try read().map { $0.identity.generation > 0 } ?? false } }

    /// Replaces it in one step; never by an older generation of the same queue.
    func write(_ identity: Identity) throws {
        let (inode, birth) = (try queueInode(), FileSystem.birth(queue))
        let place = place
        if let now = try? read(), now.identity.name == identity.name, now.inode == inode, now.place == place,
            now.birth == birth, now.isOriginal != false, now.identity.generation >= identity.generation
        {
            return
        }
        let draft = path + ".\(getpid()).\(UInt32.random(in: 0...UInt32.max))"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        FileSystem.adopt(descriptor, ownerOf: queue)
        var own = stat()
        let known = fstat(descriptor, &own) == 0 ? FileSystem.birth("", descriptor: descriptor) : nil
        let births = "\(Self.word(birth)) \(UInt64(own.st_ino)) \(Self.word(known))"
        let text = "\(identity.name) \(identity.generation) \(inode) \(births)\n\(place)\n"
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

    private static func word(_ birth: Int64?) -> String { birth.map { String($0) } ?? "-" }

    /// The queue's path with no link in it.
    var place: String {
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
    func objection(to identity: Identity) throws -> Objection? {
        // Nothing was ever sent from it, and no file says otherwise: its maker did not come to write one.
        guard let known = try read() else {
            return identity.generation == 0
                ? nil
                : Objection(
                    reason: "the file \(path) that belongs to it is missing, as after a copy or a restored backup")
        }
        if known.identity.name != identity.name {
            return Objection(reason: "\(path) belongs to another queue, or this one is a restored backup")
        }
        if known.identity.generation > identity.generation {
            return Objection(reason: "it is older than what was sent from here last, as after a restored backup")
        }
        let former = known.place.flatMap { $0 == place ? nil : $0 }
        let births = (known.birth, FileSystem.birth(queue))
        // A new file may get the inode of one that was deleted, never its birth.
        let isReborn = if case (let was?, let now?) = births { was != now } else { false }
        if try known.inode != queueInode() || isReborn {
            return Objection(
                reason: former.map { "it is a copy of \($0)" }
                    ?? "it is another file than the one that was here before, as after a copy or a restored backup")
        }
        if known.isOriginal == false {
            return Objection(
                reason: "\(path) was written over, as when a copy or a snapshot is put back in its place")
        }
        return former.map {
            Objection(
                reason: "it was moved here from \($0), where a copy may be left",
                isMove: births.0 != nil && births.1 != nil)
        }
    }
}

extension Commit {
    func identity() throws -> Identity {
        try Identity(db)
    }

    /// The identity with its next generation, which is stored.
    func checkedIdentity(_ side: IdentityFile) throws -> Identity {
        var identity = try identity()
        if let objection = try side.objection(to: identity) { throw QueueError.unclaimed(reason: objection.reason) }
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
