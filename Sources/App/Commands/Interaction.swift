import Glibc

/// Whether somebody is there to be asked.
enum Interaction {
    /// A person can read the question and type an answer.
    static var isPossible: Bool { isatty(0) == 1 && isatty(2) == 1 }
}
