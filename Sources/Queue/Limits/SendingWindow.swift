import Clock
import Foundation

/// When messages may be begun: days of the week and hours of the day, in a time zone.
///
/// An instant is inside if its local date and time are. So where clocks are set forward over the opening hour, the
/// window opens with the first minute after the gap, and an hour that clocks show twice is inside twice.
public struct SendingWindow: Sendable, Hashable, Encodable {
    /// A set of days: of the week, and those of the holiday list.
    public struct Days: OptionSet, Sendable, Hashable, Codable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// 0 is Sunday.
        public static func weekday(_ number: Int) -> Days { Days(rawValue: 1 << UInt8(number)) }
        /// Days of the holiday list, whatever day of the week they are.
        public static let holidays = Days(rawValue: 1 << 7)
        public static let workdays = Days(rawValue: 0b011_1110)
        public static let weekend = Days(rawValue: 0b100_0001)
        public static let nonWorking: Days = [.weekend, .holidays]
        public static let everyDay = Days(rawValue: 0b111_1111)

        /// The words of the configuration.
        public static let words = [
            "mon", "tue", "wed", "thu", "fri", "sat", "sun", "workdays", "weekend", "non-working", "every",
        ]

        /// nil for a word that is none of `words`.
        public init?(word: String) {
            switch word {
            case "workdays": self = .workdays
            case "weekend": self = .weekend
            case "non-working": self = .nonWorking
            case "every": self = .everyDay
            default:
                guard let number = Self.words.firstIndex(of: word), number < 7 else { return nil }
                self = .weekday((number + 1) % 7)
            }
        }
    }

    /// The days on which it opens. A day of the holiday list counts by `.holidays` alone, not by its weekday; one of the
    /// make-up workdays as a working day.
    public var days: Days
    /// Minutes after midnight, local time; 0…1439.
    public var from: Int
    /// 1…1440. Not after `from`: it ends on the next day, and belongs to the day on which it opened.
    public var to: Int
    /// An IANA name (`Asia/Shanghai`); nil is the zone of the machine that sends.
    public var zone: String?
    /// Days since 1970-01-01 (see `day`), in any order.
    public var holidays: Set<Int>
    /// Days since 1970-01-01 on which people work though they are off the week's working days (调休); none of `holidays`.
    public var workdays: Set<Int>

    public init(
        days: Days = .everyDay, from: Int = 0, to: Int = 1440, zone: String? = nil, holidays: Set<Int> = [],
        workdays: Set<Int> = []
    ) {
        self.days = days
        self.from = from
        self.to = to
        self.zone = zone
        self.holidays = holidays
        self.workdays = workdays
    }

    /// The preset `non-working-10-16`: ten to four on weekends and holidays.
    public static let nonWorking10To16 = SendingWindow(days: .nonWorking, from: 600, to: 960)

    /// Minutes after midnight of `HH:MM`, up to `24:00`; nil for anything else.
    public static func minutes(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":"), let hour = number(bytes[0..<2]),
            let minute = number(bytes[3..<5]), minute < 60, hour * 60 + minute <= 1440
        else { return nil }
        return hour * 60 + minute
    }

    /// Days since 1970-01-01 of `2027-01-01`; nil for a text that is no date, and for a day that does not exist.
    public static func day(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let number = CivilTime.daysSinceEpoch(year: year, month: month, day: day)
        let back = CivilTime(Timestamp(microseconds: Int64(number) * 86_400_000_000))
        return (back.month, back.day) == (month, day) ? number : nil
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var value = 0
        for digit in digits {
            guard (48...57).contains(digit) else { return nil }
            value = value * 10 + Int(digit - 48)
        }
        return value
    }

    public static func isZone(_ name: String) -> Bool { ZoneOffset.zone(name) != nil }

    // MARK: Asking

    public func isOpen(at time: Timestamp) -> Bool {
        let seconds = Self.floor(time.microseconds)
        let zone = zone.flatMap(ZoneOffset.zone)
        return isOpen(local: seconds + offset(zone, seconds))
    }

    /// The first instant from `time` on that is inside; nil when there is none within 400 days.
    public func nextOpening(atOrAfter time: Timestamp) -> Timestamp? { first(true, from: time) }

    /// The first instant from `time` on that is outside; nil when there is none within 400 days.
    public func closing(after time: Timestamp) -> Timestamp? { first(false, from: time) }

    static let horizon: Int64 = 400 * 86_400
    private static let day: Int64 = 86_400

    private func first(_ wanted: Bool, from time: Timestamp) -> Timestamp? {
        let zone = zone.flatMap(ZoneOffset.zone)
        let start = Self.floor(time.microseconds)
        guard isOpen(local: start + offset(zone, start)) != wanted else { return time }
        var moment = start
        while moment < start + Self.horizon {
            moment = nextChange(after: moment, zone)
            if isOpen(local: moment + offset(zone, moment)) == wanted {
                return Timestamp(microseconds: moment * 1_000_000)
            }
        }
        return nil
    }

    /// A moment after `moment` up to which nothing changes: the next of midnight, opening and closing hour on the
    /// local clock, or the instant at which that clock is set.
    private func nextChange(after moment: Int64, _ zone: TimeZone?) -> Int64 {
        let offset = offset(zone, moment)
        let local = moment + offset
        let midnight = Self.floor(local, by: Self.day)
        var next = midnight + Self.day
        for minute in [from, to] {
            let edge = midnight + Int64(minute) * 60
            if edge > local { next = min(next, edge) }
        }
        var late = next - offset
        guard self.offset(zone, late) != offset else { return late }
        // The clock is set on the way (never twice in a day): the first second with another offset.
        var early = moment
        while late - early > 1 {
            let middle = early + (late - early) / 2
            if self.offset(zone, middle) == offset { early = middle } else { late = middle }
        }
        return late
    }

    private func isOpen(local: Int64) -> Bool {
        let day = Self.floor(local, by: Self.day) / Self.day
        let minute = Int((local - day * Self.day) / 60)
        if from < to { return minute >= from && minute < to && opens(Int(day)) }
        return minute >= from && opens(Int(day)) || minute < to && opens(Int(day) - 1)
    }

    private func opens(_ day: Int) -> Bool {
        if holidays.contains(day) { return days.contains(.holidays) }
        let weekday = Days.weekday(((day % 7) + 11) % 7)
        // Which day of the week a weekend day stands for is nobody's to say: it needs all five.
        if Days.weekend.contains(weekday), workdays.contains(day) { return days.contains(.workdays) }
        return days.contains(weekday)
    }

    private func offset(_ zone: TimeZone?, _ moment: Int64) -> Int64 { ZoneOffset.seconds(zone, at: moment) }

    private static func floor(_ microseconds: Int64) -> Int64 { floor(microseconds, by: 1_000_000) / 1_000_000 }

    private static func floor(_ value: Int64, by unit: Int64) -> Int64 {
        let rest = value % unit
        return value - (rest < 0 ? rest + unit : rest)
    }
}

extension SendingWindow: Decodable {
    /// A window stored before there were make-up workdays has none.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        days = try values.decode(Days.self, forKey: .days)
        from = try values.decode(Int.self, forKey: .from)
        to = try values.decode(Int.self, forKey: .to)
        zone = try values.decodeIfPresent(String.self, forKey: .zone)
        holidays = try values.decode(Set<Int>.self, forKey: .holidays)
        workdays = try values.decodeIfPresent(Set<Int>.self, forKey: .workdays) ?? []
    }
}
