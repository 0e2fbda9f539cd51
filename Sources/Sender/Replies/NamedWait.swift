/// How long a server asks to wait, in its own words: “try again in 10 minutes”, “Greylisted for 300 seconds”, “come back
/// in 00:05:00”, “请5分钟后重试”.
enum NamedWait {
    /// No more than a day is waited on a server's word alone, in seconds.
    static let longest: Int64 = 86_400

    /// - Parameter folded: the reply's line, ASCII letters small.
    static func read(_ folded: [UInt8]) -> Duration? {
        let seconds =
            english(folded)
            ?? (folded.contains { $0 >= 0x80 } ? chinese(String(decoding: folded, as: UTF8.self)) : nil)
        return seconds.map { .seconds(min($0, longest)) }
    }

    // MARK: English

    private static let cues: Set<String> = ["again", "wait", "retry", "after", "back", "later"]
    /// After one of these, “for” says how long.
    private static let states = [
        "greylist", "graylist", "grey", "defer", "delay", "block", "limit", "throttl", "reject",
    ]
    private static let numbers: [String: Int64] = [
        "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10, "fifteen": 15,
        "twenty": 20, "thirty": 30, "sixty": 60,
    ]

    private static func english(_ folded: [UInt8]) -> Int64? {
        let words = folded.split { !(($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 122) || $0 == 58) }
            .map { String(decoding: $0, as: UTF8.self) }
        for (place, word) in words.enumerated() where isCue(word, words[..<place]) {
            for index in place..<min(words.count, place + 7) {
                if let seconds = time(words, index) { return seconds }
            }
        }
        return nil
    }

    private static func isCue(_ word: String, _ before: ArraySlice<String>) -> Bool {
        if cues.contains(word.hasSuffix(":") ? String(word.dropLast()) : word) { return true }
        return word == "for" && before.contains { word in states.contains { word.hasPrefix($0) } }
    }

    private static func time(_ words: [String], _ index: Int) -> Int64? {
        let word = words[index]
        // Only as a length of time: “after 14:30:00” is an hour of the day.
        if index > 0, ["in", "for"].contains(words[index - 1]), let seconds = clock(word) { return seconds }
        let digits = word.prefix { $0.isASCII && $0.isNumber }
        if word == "half", index + 2 < words.count, ["a", "an"].contains(words[index + 1]), words[index + 2] == "hour" {
            return 1_800
        }
        guard let number = digits.isEmpty ? numbers[word] : Int64(digits), number > 0, number < 100_000 else {
            return nil
        }
        let rest = digits.isEmpty ? "" : String(word.dropFirst(digits.count))
        let unit = rest.isEmpty && index + 1 < words.count ? words[index + 1] : rest
        if let factor = factor(unit) { return number * factor }
        // `Retry-After: 120`, as HTTP has it.
        let isHeader = index > 1 && words[index - 2] == "retry" && words[index - 1].hasPrefix("after")
        return isHeader && rest.isEmpty && !digits.isEmpty ? number : nil
    }

    /// milter-greylist's `00:05:00`.
    private static func clock(_ word: String) -> Int64? {
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ (1...2).contains($0.count) }) else { return nil }
        let numbers = parts.compactMap { Int64($0) }
        guard numbers.count == 3 else { return nil }
        let seconds = numbers[0] * 3_600 + numbers[1] * 60 + numbers[2]
        return seconds > 0 ? seconds : nil
    }

    private static func factor(_ unit: String) -> Int64? {
        switch unit {
        case "s", "sec", "secs", "second", "seconds": 1
        case "m", "min", "mins", "minute", "minutes": 60
        case "h", "hr", "hrs", "hour", "hours": 3_600
        case "d", "day", "days": 86_400
        default: nil
        }
    }

    // MARK: Chinese

    private static let figures: [Unicode.Scalar: Int64] = [
        "一": 1, "二": 2, "两": 2, "兩": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
    ]
    private static let units: [(name: String, seconds: Int64)] = [
        ("秒", 1), ("分", 60), ("小时", 3_600), ("小時", 3_600), ("个小时", 3_600), ("個小時", 3_600), ("天", 86_400),
    ]

    private static func chinese(_ text: String) -> Int64? {
        let scalars = Array(text.unicodeScalars).filter { $0 != " " }
        var index = 0
        while index < scalars.count {
            guard let (number, end) = number(scalars, index) else {
                index += 1
                continue
            }
            if let (seconds, after) = unit(scalars, end), isWait(scalars, from: index, to: after) {
                return number < 0 ? seconds / 2 : number * seconds
            }
            index = end
        }
        return nil
    }

    /// A number and where it ends; -1 for a half.
    private static func number(_ scalars: [Unicode.Scalar], _ start: Int) -> (Int64, Int)? {
        if scalars[start] == "半" { return (-1, start + 1) }
        var index = start
        var value: Int64 = 0
        while index < scalars.count, index - start < 5, let digit = digit(scalars[index]) {
            value = value * 10 + digit
            index += 1
        }
        if index > start { return value > 0 ? (value, index) : nil }
        // 十, 十五, 三十, 二十五
        if let ones = figures[scalars[index]] {
            value = ones
            index += 1
        }
        if index < scalars.count, scalars[index] == "十" {
            value = max(1, value) * 10
            index += 1
            if index < scalars.count, let ones = figures[scalars[index]] {
                value += ones
                index += 1
            }
        }
        return index > start ? (value, index) : nil
    }

    private static func digit(_ scalar: Unicode.Scalar) -> Int64? {
        switch scalar.value {
        case 0x30...0x39: Int64(scalar.value - 0x30)
        case 0xFF10...0xFF19: Int64(scalar.value - 0xFF10)
        default: nil
        }
    }

    private static func unit(_ scalars: [Unicode.Scalar], _ start: Int) -> (Int64, Int)? {
        for (name, seconds) in units {
            let wanted = Array(name.unicodeScalars)
            if scalars[start...].starts(with: wanted) { return (seconds, start + wanted.count) }
        }
        return nil
    }

    /// Whether a span is one to wait: 后 follows it, or a word of waiting stands before it.
    private static func isWait(_ scalars: [Unicode.Scalar], from start: Int, to end: Int) -> Bool {
        let after = scalars[end..<min(scalars.count, end + 3)]
        let before = scalars[max(0, start - 4)..<start]
        return after.contains { $0 == "后" || $0 == "後" } || before.contains { "等待禁隔".unicodeScalars.contains($0) }
    }
}
