import Glibc
import Synchronization

/// The processes that this console started to send campaigns.
///
/// Each is `outpost send NAME --wait --yes --progress none`, the same executable in a session of its own, so that
/// neither ctrl-c nor a closed terminal reaches it; what it says goes to the log file.
final class RunnerProcesses: Sendable {
    private struct State {
        var children: [(campaign: String, process: pid_t)] = []
        var endings: [String: Int32] = [:]
    }

    private let state = Mutex(State())
    private let home: String?
    private let log: String

    /// - Parameters:
    ///   - home: what `--home` said, nil without it.
    ///   - log: the file that takes what the process writes to stdout and stderr.
    init(home: String?, log: String) {
        self.home = home
        self.log = log
    }

    /// POSIX_SPAWN_SETSID of <spawn.h>, which shows it to GNU sources only.
    private static let newSession: Int16 = 0x80

    struct CannotStart: Error, CustomStringConvertible {
        var campaign: String
        var code: Int32
        var description: String {
            tr("cannot start a process for {0}: {1}", campaign, String(cString: strerror(code)))
        }
    }

    func start(_ campaign: String) throws(CannotStart) {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        // The console's own handlers and mask are not the runner's.
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, Self.newSession | Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
        var words = ["outpost"]
        if let home { words += ["--home", home] }
        words += ["send", campaign, "--wait", "--yes", "--progress", "none"]
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, "/proc/self/exe", &actions, &attributes, &arguments, environ)
        guard code == 0 else { throw CannotStart(campaign: campaign, code: code) }
        state.withLock {
            $0.children.append((campaign, process))
            $0.endings[campaign] = nil
        }
    }

    /// Campaigns whose process is alive; those that ended are reaped.
    func alive() -> [String] {
        state.withLock { state in
            var alive: [(campaign: String, process: pid_t)] = []
            for child in state.children {
                var status: Int32 = 0
                let answer = waitpid(child.process, &status, WNOHANG)
                if answer == child.process {
                    state.endings[child.campaign] =
                        status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
                } else if answer == 0 || errno == EINTR {
                    alive.append(child)
                }
            }
            state.children = alive
            return alive.map(\.campaign)
        }
    }

    /// How the last process of each campaign ended, as a shell says it: the exit code, or 128 and the signal.
    var endings: [String: Int32] { state.withLock { $0.endings } }

    /// Asks all of them to begin nothing new and to end.
    func drain() {
        _ = alive()
        state.withLock { for child in $0.children { kill(child.process, SIGTERM) } }
    }
}
