import CSystem
import Clock
import Dispatch
import Glibc
import Synchronization

/// `outpost postoffice` as a child on a loopback port, with its log read as it is written.
///
/// The log is a pipe with a name: the post office writes each event before its client hears of it, and here it is known
/// at once, without a file that grows with the load.
final class PostOfficeProcess: Sendable {
    let port: UInt16
    let process: pid_t
    private let child: Mutex<ChildProcess?>
    private let reader: EventReader

    /// - Parameters:
    ///   - folder: for the pipe, the script, the certificate and what it prints.
    ///   - take: told of each event, in their order, on a thread of its own.
    /// - Throws: `Failure` (70, 73).
    init(
        in folder: String, tls: String, script: String = "", login: (user: String, password: String)? = nil,
        take: @escaping @Sendable (PostOfficeEvent) -> Void
    ) throws {
        let pipe = folder + "/events"
        unlink(pipe)
        guard mkfifo(pipe, 0o600) == 0 else {
            throw Failure(.cannotCreate, tr("Cannot create {0}: {1}.", pipe, FilePath.reason()))
        }
        var words = ["postoffice", "--port", "0", "--tls", tls, "--log", pipe]
        if tls != "none" { words += ["--ca-file", Self.authority(folder)] }
        if !script.isEmpty {
            try FilePath.replace(folder + "/script", with: Array(script.utf8))
            words += ["--script", folder + "/script"]
        }
        if let login {
            setenv(Self.variable, login.password, 1)
            words += ["--user", login.user, "--password-env", Self.variable]
        }
        defer { if login != nil { unsetenv(Self.variable) } }
        // The reading end first, or opening the writing end would wait for it.
        reader = try EventReader(pipe, take: take)
        let started = try ChildProcess(
            words, stdout: .pipe, stderr: .file(folder + "/postoffice.err"), ownSession: true)
        process = started.process
        var found: UInt16?
        while found == nil, let line = started.line() {
            if line.hasPrefix("listening on "), let colon = line.lastIndex(of: ":") {
                found = UInt16(line[line.index(after: colon)...])
            }
        }
        guard let found else {
            started.wait()
            reader.stop()
            let words = (try? FilePath.read(folder + "/postoffice.err")).map { String(decoding: $0, as: UTF8.self) }
            throw Failure(
                .internalError, tr("The built-in post office did not start."), next: words?.trimmingSpaces)
        }
        port = found
        child = Mutex(started)
    }

    static let variable = "OUTPOST_LOAD_PASSWORD"
    static func authority(_ folder: String) -> String { folder + "/postoffice-ca.pem" }

    /// The largest resident set so far, in bytes; nil when the kernel does not tell.
    var peakMemory: Int? { ProcessMemory.peak(of: process) }

    /// Ends it, and returns when every event it wrote has been taken.
    func stop() {
        let running = child.withLock { child in
            defer { child = nil }
            return child
        }
        guard let running else { return }
        running.signal(SIGTERM)
        // One that is stuck is not waited for: all that it told its clients is in the pipe already.
        let patience = DispatchWorkItem { [process] in kill(process, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + 5, execute: patience)
        running.wait()
        patience.cancel()
        reader.stop()
    }

    deinit { stop() }
}

/// Reads a post office's events from its pipe, on a thread of its own.
private final class EventReader: Sendable {
    private let over = DispatchSemaphore(value: 0)
    private let stopped = Mutex(false)
    private let path: String

    init(_ path: String, take: @escaping @Sendable (PostOfficeEvent) -> Void) throws {
        self.path = path
        let file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { throw Failure(.cannotCreate, tr("Cannot read {0}: {1}.", path, FilePath.reason())) }
        let over = over
        let stopped: @Sendable () -> Bool = { [weak self] in self?.stopped.withLock { $0 } ?? true }
        let reading = DispatchQueue(label: "outpost.events")
        reading.async {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            var rest: [UInt8] = []
            while true {
                var ready = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
                // Asked before the read: what was written before the end is read before the end.
                let isLast = stopped()
                if !isLast { _ = poll(&ready, 1, 100) }
                let count = read(file, &buffer, buffer.count)
                if count <= 0 {
                    // End of file is also what a pipe shows before its writer has come.
                    if isLast { break }
                    if count == 0 { usleep(500) }
                    continue
                }
                var start = 0
                for index in 0..<count where buffer[index] == 10 {
                    let event: PostOfficeEvent?
                    if rest.isEmpty {
                        event = PostOfficeEvent(buffer[start..<index])
                    } else {
                        rest.append(contentsOf: buffer[start..<index])
                        event = PostOfficeEvent(rest)
                        rest.removeAll(keepingCapacity: true)
                    }
                    if let event { take(event) }
                    start = index + 1
                }
                rest.append(contentsOf: buffer[start..<count])
            }
            close(file)
            over.signal()
        }
    }

    /// The writer is gone: returns when all it wrote is read.
    func stop() {
        let first = stopped.withLock { stopped in
            defer { stopped = true }
            return !stopped
        }
        guard first else { return }
        over.wait()
        unlink(path)
    }
}
