import Glibc
import Queue

/// Backups under a password, as files: complete or not there.
struct SealedBackup {
    let password: String

    /// Writes a consistent copy of the queue to `path`, sealed.
    ///
    /// The plain copy is made beside the queue, where the queue itself lies plain, and has no name any more as soon as it
    /// is complete.
    /// - Throws: `Failure` (73, 74), `QueueError`.
    func write(_ queue: Queue, to path: String) throws {
        try Self.make(path) { output in
            let draft = queue.path + "-backup.\(getpid()).\(UInt32.random(in: 0...UInt32.max))"
            try queue.backup(to: draft)
            let input = Glibc.open(draft, O_RDONLY | O_CLOEXEC)
            unlink(draft)
            guard input >= 0 else { throw SealedFile.Fault.read(errno) }
            defer { close(input) }
            try SealedFile.seal(input, to: output, password: password)
        }
    }

    /// Opens a sealed backup; `path` holds a queue then.
    /// - Throws: `Failure` (65, 66, 73, 74).
    func open(_ sealed: String, to path: String) throws {
        let input = Glibc.open(sealed, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw Failure(.notFound, tr("Cannot read {0}: {1}.", sealed, FilePath.reason())) }
        defer { close(input) }
        try Self.make(path, from: sealed) { try SealedFile.open(input, to: $0, password: password) }
    }

    private static func make(_ path: String, from source: String? = nil, _ body: (Int32) throws -> Void) throws {
        let output = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard output >= 0 else {
            throw Failure(.cannotCreate, tr("Cannot create {0}: {1}.", path, FilePath.reason()))
        }
        defer { close(output) }
        do {
            try body(output)
            guard fsync(output) == 0 else { throw SealedFile.Fault.write(errno) }
        } catch {
            unlink(path)
            guard let fault = error as? SealedFile.Fault else { throw error }
            throw failure(fault, source ?? path, path)
        }
    }

    private static func failure(_ fault: SealedFile.Fault, _ source: String, _ path: String) -> Failure {
        switch fault {
        case .notSealed:
            Failure(.badData, tr("{0} is no backup that outpost has encrypted.", source))
        case .unknownVersion:
            Failure(.badData, tr("{0} was encrypted in a way this version does not know.", source))
        case .wrongPassword:
            Failure(
                .badData, tr("{0} does not open with this password; nothing was written.", source),
                next: tr("If the password is right, the file's beginning is damaged: take another backup."))
        case .damaged(let chunk):
            Failure(
                .badData,
                tr(
                    "{0} is damaged or cut off after {1}; nothing was written.", source,
                    NumberText.bytes(chunk * SealedFile.chunkSize)), next: tr("Take another backup."))
        case .read(let code): Failure(.ioError, tr("Cannot read {0}: {1}.", source, FilePath.reason(code)))
        case .write(let code): Failure(.ioError, tr("Cannot write {0}: {1}.", path, FilePath.reason(code)))
        case .library: Failure(.internalError, tr("OpenSSL could not encrypt or decrypt {0}.", source))
        case .tooLarge: Failure(.badData, tr("{0} is larger than one file can hold.", source))
        }
    }
}
