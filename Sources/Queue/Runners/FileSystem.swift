import CSystem
import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#endif

/// What kind of file system a queue lies on.
enum FileSystem {
    /// The name of a network file system, whose byte locks and shared memory cannot be relied on; nil for a local one.
    static func networkKind(_ path: String) -> String? {
        var information = statfs()
        guard statfs(path, &information) == 0 else { return nil }
        return networkKind(
            magic: UInt32(truncatingIfNeeded: information.f_type), mounts: { mountedType(of: path) })
    }

    /// Bytes that are left for this user where a path lies; nil when nobody knows.
    static func room(_ path: String) -> Int64? {
        var information = statvfs()
        guard statvfs(path, &information) == 0 else { return nil }
        return Int64(clamping: information.f_bavail) * Int64(clamping: information.f_frsize)
    }

    /// Bytes of a file; 0 when there is none.
    static func size(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// When a file was made, in nanoseconds since 1970: no write, rename, change of owner or mode, and no repair touches that.
    /// nil where the file system is not known to keep it; those behind FUSE or a network make it up.
    /// - Parameter path: empty for what `descriptor` is open on.
    static func birth(_ path: String, descriptor: Int32 = AT_FDCWD) -> Int64? {
        var information = statfs()
        let kept: [UInt32] = [
            0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994, 0x2FC1_2FC1, 0xCA45_1A4E, 0x794C_7630,
        ]  // ext, XFS, Btrfs, F2FS, tmpfs, ZFS, bcachefs, overlayfs
        guard (path.isEmpty ? fstatfs(descriptor, &information) : statfs(path, &information)) == 0,
            kept.contains(UInt32(truncatingIfNeeded: information.f_type))
        else { return nil }
        let birth = CSystem_birth(descriptor, path)
        return birth < 0 ? nil : birth
    }

    /// A file made beside the queue belongs to whom the queue belongs to, where this process may say so (root may).
    static func adopt(_ descriptor: Int32, ownerOf queue: String) {
        var information = stat()
        guard geteuid() == 0, stat(queue, &information) == 0 else { return }
        _ = fchown(descriptor, information.st_uid, information.st_gid)
    }

    /// Which file a path leads to; nil when none.
    static func file(_ path: String) -> FileNumber? {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        return FileNumber(device: UInt64(information.st_dev), inode: UInt64(information.st_ino))
    }

    /// Whether there is no file at a path, or one without a byte.
    static func isEmpty(_ path: String) -> Bool {
        var information = stat()
        guard stat(path, &information) == 0 else { return errno == ENOENT }
        return information.st_size == 0
    }

    /// Why a database cannot be written, and which of its files: SQLite says only that it could not. Nil when it can.
    static func obstacle(to path: String) -> (path: String, words: String)? {
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0, limit.rlim_cur < UInt64(Int64.max) {
            // What it wrote last lies across the limit, or just before it.
            let most = Int64(limit.rlim_cur)
            for file in [path + "-wal", path + "-journal", path] where size(file) > most - 65_536 {
                return (file, "no file may be larger than \(most) bytes here (ulimit -f)")
            }
        }
        // A quota, a dead disk, a mount that became read-only: seen by writing.
        let probe = path + "-probe.\(getpid())"
        let descriptor = open(probe, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return (path, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        unlink(probe)
        let bytes = [UInt8](repeating: 1, count: 65_536)
        if write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 { return nil }
        return (path, String(cString: strerror(errno)))
    }

    /// Numbers from `man 2 statfs`; FUSE hides what is behind it, so the mount's type is asked.
    static func networkKind(magic: UInt32, mounts: () -> String?) -> String? {
        switch magic {
        case 0x6969: return "NFS"
        case 0x517B, 0xFF53_4D42, 0xFE53_4D42: return "SMB"
        case 0x0102_1997: return "9p"
        case 0x5346_414F: return "AFS"
        case 0x00C3_6400: return "Ceph"
        case 0x7375_7245: return "Coda"
        case 0x0BD0_0BD0: return "Lustre"
        case 0x4750_4653: return "GPFS"
        case 0x6573_5546:
            guard let type = mounts() else { return nil }
            let remote = ["sshfs", "s3fs", "rclone", "glusterfs", "davfs", "ceph", "smb", "gvfs", "goofys", "juicefs"]
            return remote.contains { type.contains($0) } ? type : nil
        default: return nil
        }
    }

    /// The type of the mount a path lies on, from `/proc/self/mountinfo` (`man 5 proc`).
    private static func mountedType(of path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        let full = String(cString: resolved)
        guard let data = FileManager.default.contents(atPath: "/proc/self/mountinfo") else { return nil }
        var best: (length: Int, type: String) = (-1, "")
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { continue }
            let mount = String(fields[4])
            guard full == mount || full.hasPrefix(mount == "/" ? "/" : mount + "/"), mount.count >= best.length else {
                continue
            }
            best = (mount.count, String(fields[dash + 1]))
        }
        return best.length < 0 ? nil : best.type
    }
}

/// A file, whatever it is called.
struct FileNumber: Sendable, Equatable {
    let device: UInt64
    let inode: UInt64
}
