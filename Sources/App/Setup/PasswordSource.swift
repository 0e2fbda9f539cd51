import CSystem
import Dispatch
import Glibc
import Synchronization

/// Where an account's password comes from. The password itself is never in a file of ours, an argument, a log or an
/// error.
enum PasswordSource: Sendable, Equatable {
    /// The first line a command prints.
    case command([String])
    /// An environment variable.
    case environment(String)
    /// A file that only its owner may read.
    case file(String)

    /// Reads it; a command may ask a person (for the key of a password store) on the terminal.
    /// - Throws: `Failure` (78).
    func read(account: String) async throws -> String {
        switch self {
        case .environment(let name):
            guard let value = Environment.value(name) else {
                throw Failure(
                    .configuration,
                    tr("Account \"{0}\": the environment variable {1} holds no password.", account, name),
                    next: tr("Set it and try again: export {0}=…", name))
            }
            return value
        case .file(let path): return try Self.contents(of: path, account: account)
        case .command(let words):
            return try await withCheckedThrowingContinuation { continuation in
                // A thread may block for as long as a person types; the cooperative pool must not.
                DispatchQueue(label: "outpost.password").async {
                    continuation.resume(with: Result { try Self.output(of: words, account: account) })
                }
            }
        }
    }

    private static func contents(of path: String, account: String) throws -> String {
        var info = stat()
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw Failure(
                .configuration, tr("Account \"{0}\": cannot read {1}: {2}.", account, path, FilePath.reason()))
        }
        defer { close(file) }
        guard fstat(file, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            throw Failure(.configuration, tr("Account \"{0}\": {1} is not a file.", account, path))
        }
        guard info.st_uid == geteuid(), info.st_mode & 0o077 == 0 else {
            throw Failure(
                .configuration, tr("Account \"{0}\": others than you may read {1}.", account, path),
                next: tr("Type: chmod 600 {0}", path))
        }
        return try firstLine(try FilePath.read(path, unreadable: .configuration), from: path, account: account)
    }

    private static func firstLine(_ bytes: [UInt8], from origin: String, account: String) throws -> String {
        var line = bytes.prefix { $0 != 10 }
        if line.last == 13 { line.removeLast() }
        guard !line.isEmpty, !line.contains(0), let text = String(validating: line, as: UTF8.self) else {
            throw Failure(.configuration, tr("Account \"{0}\": {1} gives no password.", account, origin))
        }
        return text
    }

    private static func output(of words: [String], account: String) throws -> String {
        let program = words.first ?? ""
        let command: PipedCommand
        do { command = try PipedCommand(words) } catch {
            throw Failure(
                .configuration, tr("Account \"{0}\": cannot run {1}: {2}.", account, program, error.words))
        }
        defer { close(command.output) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 65_536 {
            let count = Glibc.read(command.output, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            bytes.append(contentsOf: buffer[0..<count])
        }
        guard command.wait() == 0 else {
            throw Failure(
                .configuration, tr("Account \"{0}\": {1} failed and gave no password.", account, program),
                next: tr("Run it by hand to see why."))
        }
        return try firstLine(bytes, from: program, account: account)
    }
}

/// A password read once a process, on the first login: a password store should not ask again for each session.
final class RememberedPassword: Sendable {
    private let source: PasswordSource
    private let account: String
    private let known = Mutex<String?>(nil)

    init(_ source: PasswordSource, account: String) {
        self.source = source
        self.account = account
    }

    /// - Throws: `Failure` (78).
    func value() async throws -> String {
        if let value = known.withLock({ $0 }) { return value }
        let value = try await source.read(account: account)
        known.withLock { $0 = value }
        return value
    }
}
