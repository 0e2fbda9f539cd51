/// The waits between the attempts of one recipient after temporary refusals, in the grammar `1m, 5m*2, 30m, 1h*6`.
public struct RetrySchedule: Sendable, Hashable {
    /// One wait an attempt; after the last one a further refusal is final.
    public let waits: [Duration]

    public init(_ waits: [Duration]) { self.waits = waits }

    /// `1m, 5m*2, 30m, 1h*6`.
    public static let standard = RetrySchedule(
        [.seconds(60), .seconds(300), .seconds(300), .seconds(1800)] + Array(repeating: .seconds(3600), count: 6))

    /// Reads the grammar. Units are `s`, `m`, `h` and `d`; at most 1,000 waits.
    /// - Throws: `RetryGrammarError`, naming the part that could not be read.
    public init(parsing text: String) throws(RetryGrammarError) {
        var waits: [Duration] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: "*", omittingEmptySubsequences: false)
            let word = words[0].filter { $0 != " " }
            guard words.count <= 2, let unit = word.last, let seconds = Self.units[unit],
                let number = Int64(word.dropLast()), number >= 0, number < 1_000_000
            else { throw RetryGrammarError(part: String(part)) }
            var times = 1
            if words.count == 2 {
                guard let count = Int(words[1].filter { $0 != " " }), (1...1000).contains(count) else {
                    throw RetryGrammarError(part: String(part))
                }
                times = count
            }
            waits += Array(repeating: .seconds(number * seconds), count: times)
            guard waits.count <= 1000 else { throw RetryGrammarError(part: String(part)) }
        }
        self.waits = waits
    }

    private static let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]

    /// The wait after the `attempts`-th attempt (from 1) was refused for now; `nil` when there is to be no other.
    /// - Parameter jitter: a number in 0..<1; it spreads the wait over ±10 %.
    public func wait(after attempts: Int, jitter: Double) -> Duration? {
        guard attempts >= 1, attempts <= waits.count else { return nil }
        return waits[attempts - 1] * (0.9 + 0.2 * jitter)
    }
}

/// A retry schedule that could not be read.
public struct RetryGrammarError: Error, CustomStringConvertible {
    public let part: String
    public var description: String {
        "the retry schedule has “\(part)”, which is not a wait: write for example `1m, 5m*2, 30m, 1h*6`"
    }
}
