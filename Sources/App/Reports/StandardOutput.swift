import CSystem
import Glibc
import Synchronization

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
    /// Whether each line is a JSON object, for whoever asked for that (`send --progress json`) and reads stderr by program.
    private static let speaksJSON = Atomic(false)

    /// From now on each line of this process's stderr is a JSON object, in the same words in every language.
    static func speakJSON() {
        speaksJSON.store(true, ordering: .relaxed)
        Translation.speakEnglish()
    }

    private static var isJSON: Bool { speaksJSON.load(ordering: .relaxed) }

    /// As JSON, `{"notice": …}`.
    static func line(_ text: String) { write(isJSON ? object("notice", text).line : plain(text)) }

    /// The last words of a process; as JSON, `{kind: …, "next": …, "exit_code": …}`.
    static func last(_ kind: String, _ what: String, next: String?, _ status: ExitStatus) {
        guard isJSON else {
            line(kind == "error" ? "outpost: " + what : what)
            if let next { line("  " + next) }
            return
        }
        var object = object(kind, what)
        object.add("next", next)
        object.add("exit_code", Int(status.rawValue))
        line(object)
    }

    private static func object(_ kind: String, _ text: String) -> JSONText {
        var object = JSONText()
        object.add(kind, text.trimmingSpaces)
        return object
    }

    static func line(_ object: JSONText) { write(object.line) }

    private static func write(_ line: String) { _ = FilePath.writeAll(2, Array((line + "\n").utf8)) }

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
        if isJSON {
            line(object("question", question))
        } else {
            _ = FilePath.writeAll(2, Array((plain(question) + " [y/N] ").utf8))
        }
        guard let answer = readLine() else { return false }
        return ["y", "yes", "j", "是", "好"].contains(answer.trimmingSpaces.lowercased())
    }
}
