import CSystem
import Clock
import Foundation
import Glibc

/// How far a time zone is from UTC at an instant.
enum ZoneOffset {
    /// Seconds east of UTC at a moment (whole seconds since 1970) in an IANA zone; nil is the machine's own zone.
    ///
    /// A zone this machine does not know is taken for UTC: `SendingWindow.checked` refuses it before it gets here.
    static func seconds(_ zone: TimeZone?, at moment: Int64) -> Int64 {
        if let zone { return Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(moment)))) }
        var time = time_t(moment)
        var parts = tm()
        guard localtime_r(&time, &parts) != nil else { return 0 }
        return Int64(parts.tm_gmtoff)
    }

    /// The zone of an IANA name, as `Europe/Berlin`.
    static func zone(_ name: String) -> TimeZone? {
        // An abbreviation such as CST is one zone to some and another to others.
        guard name == "UTC" || name.contains("/") else { return nil }
        return TimeZone(identifier: name)
    }
}

extension Timestamp {
    /// `Sat 10:00`, in the machine's zone; with the date when it is a week after `now` or more.
    public func weekdayText(now: Timestamp) -> String {
        let offset = Int(ZoneOffset.seconds(nil, at: microseconds / 1_000_000))
        let time = CivilTime(self, offset: offset)
        let short =
            "\(Self.weekdayNames[time.weekday]) "
            + (self - now >= .seconds(6 * 86_400)
                ? "\(padded(time.year, 4))-\(padded(time.month, 2))-\(padded(time.day, 2)) " : "")
        return short + "\(padded(time.hour, 2)):\(padded(time.minute, 2))"
    }

    private static let weekdayNames = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
}
