import CSystem
import Glibc

/// Paths as text, and the few things done to files outside the queue.
enum FilePath {
    static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return trimmed(path) }
        guard let raw = getcwd(nil, 0) else { return path }
        defer { free(raw) }
        let here = String(cString: raw)
        if path == "." || path == "./" { return here }
        return trimmed(here + "/" + (path.hasPrefix("./") ? String(path.dropFirst(2)) : path))
    }

    /// `path` as seen from `folder`, unless it is absolute; `~/` is the home folder.
    static func resolved(_ path: String, in folder: String) -> String {
        if path.hasPrefix("~/"), let home = Environment.value("HOME") { return home + path.dropFirst(1) }
        return path.hasPrefix("/") ? path : folder + "/" + path
    }

    static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func name(_ path: String) -> String {
        let path = trimmed(path)
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }

    /// Which file stands there, whatever its name.
    struct Identity: Equatable {
        var device: UInt64
        var inode: UInt64
    }

    /// nil when there is none.
    static func identity(_ path: String) -> Identity? {
        var info = stat()
        return stat(path, &info) == 0 ? Identity(device: UInt64(info.st_dev), inode: UInt64(info.st_ino)) : nil
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func isFolder(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    /// A folder with nothing in it, hidden files included.
    static func isEmptyFolder(_ path: String) -> Bool {
        guard let directory = opendir(path) else { return false }
        defer { closedir(directory) }
        var entries = 0
        // "." and ".." are always there.
        while entries < 3, readdir(directory) != nil { entries += 1 }
        return entries == 2
    }

    /// Bytes; nil when there is no such file.
    static func size(_ path: String) -> Int? {
        var info = stat()
        return stat(path, &info) == 0 ? Int(info.st_size) : nil
    }

    /// Makes a folder and those that lead to it, 0700.
    /// - Throws: `Failure` (73).
    static func makeFolder(_ path: String) throws {
        if isFolder(path) { return }
        let above = parent(path)
        if above != path, !isFolder(above) { try makeFolder(above) }
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw Failure(.cannotCreate, tr("Cannot make the folder {0}: {1}.", path, reason()))
        }
    }

    /// The path with every link followed; nil when there is no such file.
    static func real(_ path: String) -> String? {
        guard let raw = realpath(path, nil) else { return nil }
        defer { free(raw) }
        return String(cString: raw)
    }

    /// What `errno` says, as words.
    static func reason(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }

    /// A whole file.
    /// - Throws: `Failure`: 66 when it is not there, `unreadable` when it cannot be read.
    static func read(_ path: String, unreadable: ExitStatus = .notFound) throws -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            let code = errno
            throw Failure(
                code == ENOENT ? .notFound : unreadable, tr("Cannot read {0}: {1}.", path, reason(code)))
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        let chunk = 65_536
        while true {
            let start = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: chunk))
            let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress! + start, chunk) }
            if count < 0, errno == EINTR {
                bytes.removeLast(chunk)
                continue
            }
            guard count >= 0 else { throw Failure(unreadable, tr("Cannot read {0}: {1}.", path, reason())) }
            bytes.removeLast(chunk - count)
            if count == 0 { return bytes }
        }
    }

    /// Replaces a file by way of a temporary one beside it, so that a crash leaves the old or the new: 0600.
    /// - Throws: `Failure` (73 or 74).
    static func replace(_ given: String, with bytes: [UInt8], mode: mode_t = 0o600) throws {
        // A link (to a folder of dotfiles, say) stays one.
        let path = real(given) ?? given
        let temporary = "\(path).\(getpid()).tmp"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw Failure(.cannotCreate, tr("Cannot write {0}: {1}.", path, reason())) }
        fchmod(file, mode)
        let written = writeAll(file, bytes) && fsync(file) == 0
        let code = errno
        close(file)
        guard written, rename(temporary, path) == 0 else {
            let why = reason(written ? errno : code)
            unlink(temporary)
            throw Failure(.ioError, tr("Cannot write {0}: {1}.", path, why))
        }
    }

    /// Writes a file that must not exist yet.
    /// - Throws: `Failure` (73).
    static func create(_ path: String, with bytes: [UInt8], mode: mode_t = 0o600) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard file >= 0 else { throw Failure(.cannotCreate, tr("Cannot create {0}: {1}.", path, reason())) }
        defer { close(file) }
        guard writeAll(file, bytes) else {
            throw Failure(.ioError, tr("Cannot write {0}: {1}.", path, reason()))
        }
    }

    /// Whether all bytes were written; `errno` says why not.
    static func writeAll(_ file: Int32, _ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                guard let base = buffer.baseAddress else { return true }
                let count = write(file, base + done, buffer.count - done)
                if count > 0 { done += count } else if errno != EINTR { return false }
            }
            return true
        }
    }
}
