import Glibc

/// A program that runs beside this one and whose output is read. It has this one's standard input and error.
struct PipedCommand {
    /// Why it could not be started: an `errno`.
    struct Fault: Error {
        let code: Int32
        var words: String { FilePath.reason(code) }
    }

    /// The reading end of its output; the caller closes it.
    let output: Int32
    private let child: pid_t

    /// - Parameter words: the program, looked for as a shell does, and its arguments.
    init(_ words: [String]) throws(Fault) {
        var pipes: [Int32] = [0, 0]
        guard pipe(&pipes) == 0 else { throw Fault(code: errno) }
        for end in pipes { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pipes[1], 1)
        var arguments = words.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        // This process ignores SIGPIPE; the command shall not.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        var started: pid_t = 0
        let failed = posix_spawnp(&started, words.first ?? "", &actions, &attributes, arguments, environ)
        close(pipes[1])
        guard failed == 0 else {
            close(pipes[0])
            throw Fault(code: failed)
        }
        output = pipes[0]
        child = started
    }

    /// Waits for its end; 0 when all went well.
    func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status
    }
}
