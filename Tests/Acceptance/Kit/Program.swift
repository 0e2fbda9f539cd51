import Foundation
import Glibc
import Synchronization
import Testing

/// The built binary, and how a test runs it: as a person would, by its command line, its files and its exit code.
enum Program {
    /// `OUTPOST_BINARY`, or the `outpost` that was built beside this test bundle.
    static let path: String = {
        if let path = ProcessInfo.processInfo.environment["OUTPOST_BINARY"], !path.isEmpty { return path }
        let bundle = URL(
            fileURLWithPath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "")
        return bundle.deletingLastPathComponent().appendingPathComponent("outpost").path
    }()

    /// The whole environment a program gets: nothing of the person's who runs the tests.
    static func environment(_ extra: [String: String]) -> [String: String] {
        var environment = [
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TERM": "xterm",
            "HOME": "/nonexistent", "SWIFT_BACKTRACE": "enable=no",
        ]
        for (name, value) in extra { environment[name] = value }
        return environment
    }
}

/// What a program left behind when it ended.
struct Outcome: Sendable {
    /// The exit code, or 128 + the signal that ended it.
    var code: Int32
    var signal: Int32?
    var out: String
    var err: String
    /// Largest resident set, in KiB (VmHWM).
    var peakKilobytes: Int
    var seconds: Double

    /// `{…}` lines of stdout.
    func objects(_ place: SourceLocation = #_sourceLocation) throws -> [JSON] {
        try out.split(separator: "\n").map { try JSON(String($0), place) }
    }

    func object(_ place: SourceLocation = #_sourceLocation) throws -> JSON {
        let all = try objects(place)
        return try #require(
            all.count == 1 ? all[0] : nil, "one JSON object expected, got: \(out)\(err)", sourceLocation: place)
    }
}

/// A program that runs. Its output goes to files, so that nothing it writes can block it.
final class Running: Sendable {
    private enum State { case running, ended(status: Int32, peak: Int, at: ContinuousClock.Instant) }

    let pid: pid_t
    let outPath: String
    let errPath: String
    private let started = ContinuousClock.now
    /// Kept until the program is done with it.
    private let folder: Folder
    private let state: Mutex<State>

    /// - Parameter input: what stdin is; the empty file without it.
    init(
        _ executable: String, _ arguments: [String], environment: [String: String], folder: Folder,
        input: String? = nil
    ) throws {
        self.folder = folder
        let name = "\(folder.path)/run-\(UUID().uuidString)"
        let (out, err) = ("\(name).out", "\(name).err")
        var stdin = "/dev/null"
        if let input {
            stdin = "\(name).in"
            try Data(input.utf8).write(to: URL(fileURLWithPath: stdin))
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, stdin, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, err, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        _ = SpawnExtras.addChdir(&actions, folder.path)
        _ = SpawnExtras.addCloseFrom(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A session of its own: no terminal, and the signals of the test's terminal stay away from it.
        posix_spawnattr_setflags(&attributes, SpawnExtras.newSession | Int16(POSIX_SPAWN_SETSIGMASK))
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)

        var argv: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) }
        var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") }
        argv.append(nil)
        envp.append(nil)
        defer { for pointer in argv + envp { free(pointer) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, executable, &actions, &attributes, argv, envp)
        guard code == 0 else { throw Failure("\(executable) could not be started: \(String(cString: strerror(code)))") }
        let child = pid
        self.pid = child
        outPath = out
        errPath = err
        state = Mutex(.running)
        // A thread of its own waits for it, so that no thread of the tests' pool is ever held.
        Thread.detachNewThread { [self] in
            var status: Int32 = 0
            var peak = 0
            // ru_maxrss would count what this process had when the child was begun, so the child's own mark is read
            // while it lives.
            while true {
                peak = max(peak, Running.highWaterMark(child))
                let ended = waitpid(child, &status, WNOHANG)
                if ended == child || (ended == -1 && errno != EINTR) { break }
                usleep(2000)
            }
            let mark = peak
            state.withLock { $0 = .ended(status: status, peak: mark, at: .now) }
        }
    }

    /// VmHWM of a process, in KiB; 0 when it has ended.
    private static func highWaterMark(_ process: pid_t) -> Int {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return 0 }
        return Int(line.split(separator: " ").dropFirst().first ?? "") ?? 0
    }

    deinit { if isRunning { Glibc.kill(pid, SIGKILL) } }

    var isRunning: Bool { state.withLock { if case .running = $0 { true } else { false } } }
    var out: String { Folder.text(outPath) }
    var err: String { Folder.text(errPath) }

    func signal(_ number: Int32) { if isRunning { Glibc.kill(pid, number) } }

    /// Waits for its end. One that takes longer than `seconds` is killed, and that fails the test.
    func ended(within seconds: Double = 60, _ place: SourceLocation = #_sourceLocation) async throws -> Outcome {
        let limit = ContinuousClock.now + .seconds(seconds)
        while true {
            let state = state.withLock { $0 }
            if case .ended(let status, let peak, let at) = state {
                let signal = status & 0x7f
                return Outcome(
                    code: signal == 0 ? (status >> 8) & 0xff : 128 + signal, signal: signal == 0 ? nil : signal,
                    out: out,
                    err: err, peakKilobytes: peak, seconds: (at - started) / .seconds(1))
            }
            if ContinuousClock.now > limit {
                Glibc.kill(pid, SIGKILL)
                throw Failure(
                    "still running after \(seconds) s\nstdout: \(out.suffix(2000))\nstderr: \(err.suffix(2000))")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    func kill() async throws {
        signal(SIGKILL)
        _ = try await ended(within: 10)
    }
}

/// What glibc declares under _GNU_SOURCE only, which Swift's Glibc module does not set.
private enum SpawnExtras {
    typealias Actions = UnsafeMutablePointer<posix_spawn_file_actions_t>
    static let newSession: Int16 = 0x80
    static let addChdir = unsafeBitCast(
        dlsym(nil, "posix_spawn_file_actions_addchdir_np"),
        to: (@convention(c) (Actions, UnsafePointer<CChar>) -> Int32).self)
    static let addCloseFrom = unsafeBitCast(
        dlsym(nil, "posix_spawn_file_actions_addclosefrom_np"), to: (@convention(c) (Actions, Int32) -> Int32).self)
}

struct Failure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Runs any program to its end.
@discardableResult
func run(
    _ executable: String, _ arguments: [String], in folder: Folder, environment: [String: String] = [:],
    input: String? = nil,
    within seconds: Double = 60
) async throws -> Outcome {
    try await Running(
        executable, arguments, environment: Program.environment(environment), folder: folder,
        input: input
    ).ended(within: seconds)
}

/// Asks until the answer is yes.
func eventually(
    within seconds: Double = 20, _ what: String, _ place: SourceLocation = #_sourceLocation,
    _ holds: () async throws -> Bool
) async throws {
    let limit = ContinuousClock.now + .seconds(seconds)
    while try await !holds() {
        if ContinuousClock.now > limit { throw Failure("after \(seconds) s still not: \(what)") }
        try await Task.sleep(for: .milliseconds(10))
    }
}
