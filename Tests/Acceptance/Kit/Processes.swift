import Foundation
import Glibc

/// What the kernel says of other processes (`man 5 proc`).
enum Processes {
    /// Those that a process has started and that it has not outlived.
    static func children(of process: pid_t) -> [pid_t] {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
        return tasks.flatMap { task in
            Folder.text("/proc/\(process)/task/\(task)/children").split(separator: " ").compactMap { pid_t($0) }
        }
    }

    static func words(_ process: pid_t) -> [String] {
        Folder.text("/proc/\(process)/cmdline").split(separator: "\0").map(String.init)
    }

    /// A zombie that nobody reaps is over, too.
    static func isAlive(_ process: pid_t) -> Bool {
        let text = Folder.text("/proc/\(process)/stat")
        guard let state = text.split(separator: ")").last?.split(separator: " ").first else { return false }
        return state != "Z" && state != "X"
    }
}

/// Runs the program under strace, which ends it as it enters a system call.
enum Strace {
    /// Whether it is here, and may trace.
    static let works: Bool = {
        let probe = Process()
        probe.executableURL = URL(fileURLWithPath: "/usr/bin/strace")
        probe.arguments = ["-f", "-qq", "-e", "trace=none", "/bin/true"]
        probe.standardError = FileHandle.nullDevice
        guard (try? probe.run()) != nil else { return false }
        probe.waitUntilExit()
        return probe.terminationStatus == 0
    }()

    /// Kills with the `count`th such call on the queue's database or log that a thread of it makes.
    static func start(
        _ home: Home, killing call: String, at count: Int, log: String, _ arguments: [String]
    ) throws -> Running {
        let queue = "\(home.path)/queue.sqlite3"
        return try Running(
            "strace",
            [
                "-f", "-qq", "-y", "-P", queue, "-P", queue + "-wal", "-e", "trace=pwrite64,fdatasync", "-e",
                "inject=\(call):signal=KILL:when=\(count)", "-o", log, Program.path,
            ] + arguments, environment: Program.environment(["OUTPOST_HOME": home.path]), folder: home.folder)
    }
}
