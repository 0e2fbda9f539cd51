import Glibc
import Synchronization

/// The processes that this console started to send campaigns.
///
/// Each is `outpost send NAME --wait --yes --progress none`, the same executable in a session of its own, so that
/// neither ctrl-c nor a closed terminal reaches it; what it says goes to the log file.
final class RunnerProcesses: Sendable {
    private struct State {
        var children: [(campaign: String, process: ChildProcess)] = []
        var endings: [String: Int32] = [:]
    }

    private let state = Mutex(State())
    private let home: String?
    private let log: String
    private let bond: ChildProcess.Bond

    /// - Parameters:
    ///   - home: what `--home` said, nil without it.
    ///   - log: the file that takes what the process writes to stdout and stderr.
    ///   - bond: whether they go on when this process has ended.
    init(home: String?, log: String, bond: ChildProcess.Bond = .none) {
        self.home = home
        self.log = log
        self.bond = bond
    }

    /// - Throws: `Failure` (70).
    func start(_ campaign: String) throws(Failure) {
        var words: [String] = []
        if let home { words += ["--home", home] }
        words += ["send", campaign, "--wait", "--yes", "--progress", "none"]
        let process = try ChildProcess(words, stdout: .file(log), stderr: .file(log), ownSession: true, bond: bond)
        state.withLock {
            $0.children.append((campaign, process))
            $0.endings[campaign] = nil
        }
    }

    /// Campaigns whose process is alive; those that ended are reaped.
    func alive() -> [String] {
        state.withLock { state in
            var alive: [(campaign: String, process: ChildProcess)] = []
            for child in state.children {
                if let ending = child.process.ending() {
                    state.endings[child.campaign] = ending
                } else {
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
        state.withLock { for child in $0.children { child.process.signal(SIGTERM) } }
    }
}
