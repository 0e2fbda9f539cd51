import CSystem

#if canImport(Glibc)
    import Glibc
#endif

/// The proof that a runner lives: a lock on byte `id` of a file beside the queue.
///
/// The kernel lets go of it when the process ends, however it ends; a process number says nothing once it is used
/// again or seen from another container.
final class RunnerLock: Sendable {
    let id: Int64
    private let descriptor: Int32

    /// - Throws: `QueueError` when the file cannot be made, or the byte is held by somebody else.
    /// - Parameter patience: how many milliseconds to wait for somebody else.
    init(_ id: Int64, queue path: String, patience: Int = 100) throws {
        self.id = id
        descriptor = try Self.openFile(path)
        // A start that failed lets go of its number an instant after its row was rolled back.
        var patience = patience
        while CSystem_lock_byte(descriptor, off_t(id)) != 0 {
            if errno == EAGAIN || errno == EACCES, patience > 0 {
                patience -= 1
                usleep(1_000)
                continue
            }
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw QueueError.io(path: path + "-runners", detail: "cannot lock byte \(id): \(reason)")
        }
    }

    deinit { close(descriptor) }

    /// Held by who makes the queue's tables or brings them up to date; no runner has the number 0. An update may read the
    /// whole file, hence the long wait.
    static func ofMaking(queue path: String) throws -> RunnerLock { try RunnerLock(0, queue: path, patience: 600_000) }

    /// Whether some process holds the byte, this one included.
    static func isHeld(_ id: Int64, queue path: String) throws -> Bool {
        // A descriptor of its own, since one's own locks do not show through the descriptor that holds them.
        let descriptor = open(path + "-runners", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return false }
            throw QueueError.io(path: path + "-runners", detail: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        let answer = CSystem_byte_is_locked(descriptor, off_t(id))
        guard answer >= 0 else {
            throw QueueError.io(path: path + "-runners", detail: String(cString: strerror(errno)))
        }
        return answer == 1
    }

    private static func openFile(_ path: String) throws -> Int32 {
        let descriptor = open(path + "-runners", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw QueueError.cannotCreate(path: path + "-runners", detail: String(cString: strerror(errno)))
        }
        FileSystem.adopt(descriptor, ownerOf: path)
        return descriptor
    }
}
