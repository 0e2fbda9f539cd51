import CSystem
import Glibc

/// Data for stdout, gathered into large writes.
struct StandardOutput: ~Copyable {
    private var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(65_536) }

    /// Adds text as it is; whoever brings text from outside makes it plain first.
    /// - Throws: `Failure` (74).
    mutating func write(_ text: String) throws {
        bytes.append(contentsOf: text.utf8)
        if bytes.count >= 60_000 { try flush() }
    }

    mutating func line(_ text: String) throws { try write(text + "\n") }

    mutating func write(_ raw: [UInt8]) throws {
        bytes.append(contentsOf: raw)
        if bytes.count >= 60_000 { try flush() }
    }

    /// - Throws: `Failure` (74).
    mutating func flush() throws {
        guard !bytes.isEmpty else { return }
        let done = FilePath.writeAll(1, bytes)
        let code = errno
        bytes.removeAll(keepingCapacity: true)
        if done { return }
        if code == EPIPE {
            // The reader (`| head`) has seen enough: end as any filter does.
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
        }
        throw Failure(.ioError, tr("Cannot write the output: {0}.", FilePath.reason(code)))
    }

    /// One text, at once.
    static func print(_ text: String) throws {
        var output = StandardOutput()
        try output.write(text)
        try output.flush()
    }
}

/// Words for the person at the terminal: stderr. Failing to write them stops nothing.
enum Notice {
    static func line(_ text: String) { _ = FilePath.writeAll(2, Array((plain(text) + "\n").utf8)) }

    static var isTerminal: Bool { isatty(2) == 1 && Environment.value("TERM") != "dumb" }

    /// Columns of the terminal; 80 when it does not tell.
    static var width: Int {
        let columns = CSystem_columns(2)
        return columns > 0 ? Int(columns) : 80
    }

    /// Our own line breaks stay; all else that is no plain text goes.
    static func plain(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { OutsideText.plain(String($0)) }
            .joined(separator: "\n")
    }

    /// Asks and reads a line from the terminal; true for yes.
    static func confirm(_ question: String) -> Bool {
        _ = FilePath.writeAll(2, Array((plain(question) + " [y/N] ").utf8))
        guard let answer = readLine() else { return false }
        return ["y", "yes", "j", "是", "好"].contains(answer.trimmingSpaces.lowercased())
    }
}
