/// The exit codes of the contract (sysexits.h, and 128 + signal).
enum ExitStatus: Int32, Sendable {
    case done = 0
    /// `check`, `verify` or `prove` found errors, or `drill` or `stress` something lost or doubled.
    case findings = 1
    case usage = 64
    case badData = 65
    case notFound = 66
    case unreachable = 69
    case internalError = 70
    case cannotCreate = 73
    case ioError = 74
    case workLeft = 75
    case loginRefused = 77
    case configuration = 78
    case interrupted = 130
    case terminated = 143
}

/// An error a person can act on: what failed, on what, and what to do next.
///
/// Commands throw it; the entry point turns it into words on stderr and an exit code, and nothing else does.
struct Failure: Error, Sendable, Equatable {
    var status: ExitStatus
    /// One sentence; it names the file, account or campaign.
    var what: String
    /// What to type or change next, when that is known.
    var next: String?

    init(_ status: ExitStatus, _ what: String, next: String? = nil) {
        self.status = status
        self.what = what
        self.next = next
    }
}

extension Failure: CustomStringConvertible {
    var description: String { next.map { "\(what)\n  \($0)" } ?? what }
}
