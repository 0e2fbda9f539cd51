/// Why a recipients file cannot be read at all. Single bad rows are no errors, they are `CSVRecord.bad`.
public struct CSVError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file as the caller named it.
    public let path: String
    /// The line it is about, from 1; nil when it is about the whole file.
    public let line: Int?
    /// What is wrong and what to do about it.
    public let message: String

    public var description: String {
        if let line { "\(path), line \(line): \(message)" } else { "\(path): \(message)" }
    }
}
