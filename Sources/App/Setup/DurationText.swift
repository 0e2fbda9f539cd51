import Clock

/// Durations as the configuration writes them: `30s`, `5m`, `1h`, `24h`, `7d`, and lists of waits.
enum DurationText {
    /// One number and one unit (s, m, h, d; ms for tests of short windows); more than zero.
    static func duration(_ text: String) -> Duration? {
        let text = text.trimmingSpaces
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits), number > 0 else { return nil }
        let factor: Int64
        switch text.dropFirst(digits.count) {
        case "ms": factor = 1_000
        case "s": factor = 1_000_000
        case "m": factor = 60_000_000
        case "h": factor = 3_600_000_000
        case "d": factor = 86_400_000_000
        default: return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        // A century: longer is a slip of the pen, and keeps later sums from overflowing.
        guard !overflow, product <= 36_525 * 86_400_000_000 else { return nil }
        return .microseconds(product)
    }

    /// The waits between attempts: `1m, 5m*2, 30m, 1h*6` (at most 1,000 of them).
    static func waits(_ text: String) -> [Duration]? {
        var waits: [Duration] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pieces = part.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
            guard let first = pieces.first, let wait = duration(first) else { return nil }
            var times = 1
            if pieces.count == 2 {
                guard let count = Int(pieces[1].trimmingSpaces), (1...1000).contains(count) else { return nil }
                times = count
            } else if pieces.count != 1 {
                return nil
            }
            guard waits.count + times <= 1000 else { return nil }
            waits.append(contentsOf: repeatElement(wait, count: times))
        }
        return waits
    }

    /// The shortest exact form: `1h`, `90s`, `24h`, `250ms`.
    static func text(_ duration: Duration) -> String {
        let micro = duration.inMicroseconds
        if micro % 1_000_000 != 0 { return "\(micro / 1000)ms" }
        let seconds = micro / 1_000_000
        if seconds > 0, seconds % 86_400 == 0, seconds > 86_400 { return "\(seconds / 86_400)d" }
        if seconds > 0, seconds % 3600 == 0 { return "\(seconds / 3600)h" }
        if seconds > 0, seconds % 60 == 0 { return "\(seconds / 60)m" }
        return "\(seconds)s"
    }
}

extension StringProtocol {
    /// Without spaces and tabs at both ends.
    var trimmingSpaces: String {
        var rest = self[...]
        while let first = rest.first, first == " " || first == "\t" { rest = rest.dropFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
        return String(rest)
    }
}
