import Clock
import Glibc
import Synchronization

/// outpost.log: what the program did and why it stopped, a line each; never a password, never a message.
final class LogFile: Sendable {
    enum Level: String, Sendable { case info, warning, error }

    /// Past this size the file is kept as outpost.log.1 and a new one begun.
    static let largest = 8 * 1024 * 1024

    private let path: String
    private let clock: any WallClock
    private let file = Mutex<Int32?>(nil)

    init(_ path: String, clock: any WallClock = SystemClock()) {
        self.path = path
        self.clock = clock
    }

    deinit { file.withLock { if let open = $0 { close(open) } } }

    /// Adds a line. A log that cannot be written stops nothing: the queue holds the truth.
    func write(_ level: Level, _ text: String) {
        let line = "\(clock.now().iso8601) \(level.rawValue) [\(getpid())] \(OutsideText.plain(text))\n"
        file.withLock { open in
            if open == nil { open = opened() }
            guard let descriptor = open else { return }
            _ = FilePath.writeAll(descriptor, Array(line.utf8))
        }
    }

    private func opened() -> Int32? {
        guard (try? Places.makeFolder(of: path)) != nil else { return nil }
        if let size = FilePath.size(path), size > Self.largest { rename(path, path + ".1") }
        let descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        return descriptor >= 0 ? descriptor : nil
    }
}
