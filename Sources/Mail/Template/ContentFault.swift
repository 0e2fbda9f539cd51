/// One thing wrong with a campaign's content, at a place its author can find.
public struct ContentFault: Sendable, Hashable, CustomStringConvertible {
    /// `subject`, `from`, `header X-Foo`, or the name of a message file.
    public let part: String
    /// From 1; nil when the fault is about the whole part.
    public let line: Int?
    /// In characters, from 1.
    public let column: Int?
    /// What is wrong and what to do about it.
    public let message: String

    init(_ part: String, line: Int? = nil, column: Int? = nil, _ message: String) {
        self.part = part
        self.line = line
        self.column = column
        self.message = message
    }

    public var description: String {
        guard let line else { return "\(part): \(message)" }
        return "\(part), line \(line)" + (column.map { ", column \($0)" } ?? "") + ": \(message)"
    }
}

/// Everything that is wrong with a campaign's content, found before anything is sent.
public struct ContentError: Error, Sendable, Hashable, CustomStringConvertible {
    public let faults: [ContentFault]

    public var description: String { faults.map(\.description).joined(separator: "\n") }
}
