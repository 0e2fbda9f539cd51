import Glibc

/// `people.rejects.csv` beside `people.csv`: line, reason and row of each row that was no recipient. Reasons are English in every
/// language, for a script that sorts by them; what is told of them on stderr is the user's.
struct RejectsFile: ~Copyable {
    let path: String
    private(set) var count = 0
    /// The first ones, as `line 7: no @ in the address`.
    private(set) var first: [String] = []
    private var waiting: [UInt8] = []
    private var file: Int32 = -1
    /// Why it could not be written; nil when it could.
    private(set) var fault: String?

    init(beside csv: String) {
        let name = FilePath.name(csv)
        let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
        path = FilePath.parent(csv) + "/" + stem + ".rejects.csv"
    }

    mutating func add(line: Int, reason: String, raw: String) {
        count += 1
        if first.count < 5 { first.append(tr("line {0}: {1}", "\(line)", told(reason))) }
        if count == 1 { waiting = Array(CSVText.row(["line", "reason", "row"]).utf8) }
        waiting.append(contentsOf: CSVText.row([String(line), reason, raw]).utf8)
        if waiting.count > 65_536 { write() }
    }

    private mutating func write() {
        if file < 0 { file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600) }
        if file < 0 || !FilePath.writeAll(file, waiting) { fault = fault ?? FilePath.reason(errno) }
        waiting.removeAll(keepingCapacity: true)
    }

    /// Writes what is left. Without any reject a file left by an earlier import goes, for it would mislead.
    mutating func finish() {
        if count == 0 {
            unlink(path)
            return
        }
        write()
        if file >= 0 { close(file) }
        file = -1
    }

    deinit { if file >= 0 { close(file) } }
}
