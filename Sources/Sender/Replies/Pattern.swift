/// A piece of text to look for, whatever its letters' case; `*` stands for anything in between.
public struct Pattern: Sendable, Hashable {
    /// As written.
    public let text: String
    private let parts: [[UInt8]]

    public init(_ text: String) {
        self.text = text
        self.parts = text.split(separator: "*").map { Self.folded($0.utf8) }
    }

    /// Whether all parts occur, one after another.
    public func matches(_ subject: String) -> Bool { matches(folded: Self.folded(subject.utf8)) }

    static func folded(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        bytes.map { $0 >= 65 && $0 <= 90 ? $0 + 32 : $0 }
    }

    func matches(folded subject: [UInt8]) -> Bool {
        var start = 0
        for part in parts {
            guard let found = Self.find(part, in: subject, from: start) else { return false }
            start = found + part.count
        }
        return true
    }

    private static func find(_ needle: [UInt8], in hay: [UInt8], from start: Int) -> Int? {
        guard hay.count - start >= needle.count else { return nil }
        for index in start...(hay.count - needle.count) where hay[index..<index + needle.count] == needle[...] {
            return index
        }
        return nil
    }
}
