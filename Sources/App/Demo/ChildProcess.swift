import Glibc

/// Another copy of this program, started with other words.
final class ChildProcess {
    /// Where what the child prints goes.
    enum Output {
        /// Where this process's own goes.
        case inherited
        /// Appended to a file (0600).
        case file(String)
        /// To be read from `output`.
        case pipe
    }

    let process: pid_t
    /// The reading end of the child's stdout, with `Output.pipe`.
    let output: Int32?

    /// - Parameters:
    ///   - words: the command line after the program's name.
    ///   - ownSession: neither ctrl-c nor a closed terminal reaches it.
    /// - Throws: `Failure` (70).
    init(_ words: [String], stdout: Output, stderr: Output = .inherited, ownSession: Bool = false) throws {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        var ends: [Int32] = [-1, -1]
        for (output, descriptor) in [(stdout, STDOUT_FILENO), (stderr, STDERR_FILENO)] {
            switch output {
            case .inherited: break
            case .file(let path):
                posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            case .pipe:
                guard pipe(&ends) == 0 else {
                    throw Failure(.internalError, tr("Cannot start a process: {0}.", FilePath.reason()))
                }
                for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
                posix_spawn_file_actions_adddup2(&actions, ends[1], descriptor)
            }
        }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF)
        posix_spawnattr_setflags(&attributes, ownSession ? flags | 0x80 : flags)
        var arguments = (["outpost"] + words).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var started: pid_t = 0
        let code = posix_spawn(&started, "/proc/self/exe", &actions, &attributes, &arguments, environ)
        if ends[1] >= 0 { close(ends[1]) }
        guard code == 0 else {
            if ends[0] >= 0 { close(ends[0]) }
            throw Failure(.internalError, tr("Cannot start a process: {0}.", FilePath.reason(code)))
        }
        process = started
        output = ends[0] >= 0 ? ends[0] : nil
    }

    deinit { if let output { close(output) } }

    /// The next line the child prints; nil when it has closed its output.
    func line() -> String? {
        guard let output else { return nil }
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let count = read(output, &byte, 1)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self) }
            if byte == 10 { return String(decoding: bytes, as: UTF8.self) }
            if bytes.count < 4096 { bytes.append(byte) }
        }
    }

    func signal(_ number: Int32) { kill(process, number) }

    /// Waits for the end. Returns the exit code, or 128 + the signal that ended it.
    @discardableResult
    func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            if errno != EINTR { return 0 }
        }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }
}
