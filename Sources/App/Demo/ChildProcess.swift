import CSystem
import Dispatch
import Glibc
import Synchronization

/// Another copy of this program, started with other words.
final class ChildProcess: Sendable {
    /// Where what the child prints goes.
    enum Output {
        /// Where this process's own goes.
        case inherited
        /// Appended to a file (0600).
        case file(String)
        /// To be read from `output`.
        case pipe
    }

    /// Who must live for the child to live.
    enum Bond {
        /// It ends with this process, however this one ends.
        case parent
        /// It goes on by itself, in a session of its own.
        case none
    }

    let process: pid_t
    /// The reading end of the child's stdout, with `Output.pipe`.
    let output: Int32?
    /// How it ended, once that is known: the kernel tells it once.
    private let ended = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - words: the command line after the program's name.
    ///   - ownSession: neither ctrl-c nor a closed terminal reaches it.
    /// - Throws: `Failure` (70).
    init(
        _ words: [String], stdout: Output, stderr: Output = .inherited, ownSession: Bool = false, bond: Bond = .parent
    ) throws(Failure) {
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
                guard CSystem_pipe(&ends) == 0 else {
                    throw Failure(.internalError, tr("Cannot start a process: {0}.", FilePath.reason()))
                }
                posix_spawn_file_actions_adddup2(&actions, ends[1], descriptor)
            }
        }
        var variables: [UnsafeMutablePointer<CChar>?] = []
        if bond == .parent, Lifeline.end >= 0 {
            // After the others: what this process has under that number may be one of them.
            posix_spawn_file_actions_adddup2(&actions, Lifeline.end, Lifeline.descriptor)
            variables.append(strdup("\(Lifeline.variable)=1"))
        }
        defer { for variable in variables { free(variable) } }
        // The handlers and the mask of this process are not the child's.
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF)
        // 0x80: POSIX_SPAWN_SETSID of <spawn.h>, which shows it to GNU sources only.
        posix_spawnattr_setflags(&attributes, ownSession ? flags | 0x80 : flags)
        var arguments = (["outpost"] + words).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var environment = variables
        var next = environ
        while let variable = next.pointee {
            environment.append(variable)
            next += 1
        }
        environment.append(nil)
        var started: pid_t = 0
        let code = posix_spawn(&started, "/proc/self/exe", &actions, &attributes, &arguments, environment)
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
        if let code = ended.withLock({ $0 }) { return code }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            if errno != EINTR { return 0 }
        }
        return note(status)
    }

    /// Waits for the end; one that takes longer than so many seconds is killed, and nil is the answer.
    func wait(atMost seconds: Int) -> Int32? {
        let process = process
        let isLate = Mutex(false)
        let patience = DispatchWorkItem {
            isLate.withLock { $0 = true }
            kill(process, SIGKILL)
        }
        DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(seconds), execute: patience)
        defer { patience.cancel() }
        let code = wait()
        return isLate.withLock { $0 } ? nil : code
    }

    /// How it ended, as `wait` says it; nil while it lives. Not while somebody else waits for it.
    func ending() -> Int32? {
        if let code = ended.withLock({ $0 }) { return code }
        var status: Int32 = 0
        let answer = waitpid(process, &status, WNOHANG)
        if answer == process { return note(status) }
        return answer == 0 || errno == EINTR ? nil : 0
    }

    private func note(_ status: Int32) -> Int32 {
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        ended.withLock { $0 = code }
        return code
    }
}
