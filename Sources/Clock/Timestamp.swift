/// An instant in UTC with microsecond resolution.
public struct Timestamp: Sendable, Hashable, Comparable, Codable {
    /// Microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }
    public init(seconds: Double) { self.microseconds = Int64((seconds * 1_000_000).rounded()) }

    public var seconds: Double { Double(microseconds) / 1_000_000 }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }
    public static func + (a: Timestamp, d: Duration) -> Timestamp {
        Timestamp(microseconds: a.microseconds + d.inMicroseconds)
    }
    public static func - (a: Timestamp, b: Timestamp) -> Duration {
        .microseconds(a.microseconds - b.microseconds)
    }
}

extension Duration {
    /// Whole microseconds, rounded towards zero.
    public var inMicroseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
    public var inSeconds: Double { Double(inMicroseconds) / 1_000_000 }
}

/// A calendar date and time of day in the proleptic Gregorian calendar.
public struct CivilTime: Sendable, Hashable {
    public var year: Int, month: Int, day: Int
    public var hour: Int, minute: Int, second: Int, microsecond: Int
    /// 0 is Sunday.
    public var weekday: Int

    /// The civil time of an instant at a fixed offset from UTC, in seconds.
    public init(_ time: Timestamp, offset: Int = 0) {
        let total = time.microseconds + Int64(offset) * 1_000_000
        let days = Int(total.flooredDivision(by: 86_400_000_000))
        let rest = total - Int64(days) * 86_400_000_000
        (year, month, day) = CivilTime.date(daysSinceEpoch: days)
        hour = Int(rest / 3_600_000_000)
        minute = Int(rest / 60_000_000 % 60)
        second = Int(rest / 1_000_000 % 60)
        microsecond = Int(rest % 1_000_000)
        weekday = ((days % 7) + 11) % 7
    }

    /// Days since 1970-01-01 of a date (H. Hinnant, "chrono-compatible low-level date algorithms").
    public static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func date(daysSinceEpoch: Int) -> (Int, Int, Int) {
        let z = daysSinceEpoch + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let mp = (5 * dayOfYear + 2) / 153
        let month = mp < 10 ? mp + 3 : mp - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * mp + 2) / 5 + 1)
    }
}

extension Int64 {
    fileprivate func flooredDivision(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}

extension Timestamp {
    /// `2026-01-02T03:04:05.678Z` (RFC 3339, milliseconds).
    public var iso8601: String {
        let t = CivilTime(self)
        return "\(padded(t.year, 4))-\(padded(t.month, 2))-\(padded(t.day, 2))T\(padded(t.hour, 2)):"
            + "\(padded(t.minute, 2)):\(padded(t.second, 2)).\(padded(t.microsecond / 1000, 3))Z"
    }

    /// Reads what `iso8601` writes; a fraction of any length, and no other offset than `Z`.
    public init?(iso8601 text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z") else { return nil }
        func number(_ from: Int, _ count: Int) -> Int? {
            var value = 0
            for byte in bytes[from..<from + count] {
                guard byte >= 48, byte <= 57 else { return nil }
                value = value * 10 + Int(byte - 48)
            }
            return value
        }
        guard bytes[4] == 45, bytes[7] == 45, bytes[10] == 84, bytes[13] == 58, bytes[16] == 58,
            let year = number(0, 4), let month = number(5, 2), let day = number(8, 2), let hour = number(11, 2),
            let minute = number(14, 2), let second = number(17, 2),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        var micro = 0
        if bytes[19] == 46 {
            let digits = bytes[20..<bytes.count - 1]
            guard !digits.isEmpty, digits.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
            for index in 0..<6 { micro = micro * 10 + (index < digits.count ? Int(bytes[20 + index] - 48) : 0) }
        } else if bytes.count != 20 {
            return nil
        }
        let days = Int64(CivilTime.daysSinceEpoch(year: year, month: month, day: day))
        let secs = days * 86_400 + Int64(hour * 3600 + minute * 60 + second)
        self.init(microseconds: secs * 1_000_000 + Int64(micro))
    }
}

/// A number in decimal with leading zeros; ICU-free, so that start-up does not pay for it.
public func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return digits.count >= width ? digits : String(repeating: "0", count: width - digits.count) + digits
}
