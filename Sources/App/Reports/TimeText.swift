import Clock
import Glibc

/// Times and spans as people read them, in the machine's time zone.
enum TimeText {
    /// Seconds east of UTC at an instant, by the machine's time zone.
    static func offset(at time: Timestamp) -> Int {
        var seconds = time_t(time.microseconds / 1_000_000)
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return 0 }
        return parts.tm_gmtoff
    }

    /// `14:03:05`; with the day when it is another one than `now`'s: `tomorrow 09:00`, `2026-01-03 09:00`.
    static func moment(_ time: Timestamp, now: Timestamp, offset: Int? = nil) -> String {
        let offset = offset ?? self.offset(at: time)
        let there = CivilTime(time, offset: offset)
        let here = CivilTime(now, offset: offset)
        let day = CivilTime.daysSinceEpoch(year: there.year, month: there.month, day: there.day)
        let today = CivilTime.daysSinceEpoch(year: here.year, month: here.month, day: here.day)
        let short = "\(padded(there.hour, 2)):\(padded(there.minute, 2))"
        switch day - today {
        case 0: return short + ":\(padded(there.second, 2))"
        case 1: return tr("tomorrow {0}", short)
        case -1: return tr("yesterday {0}", short)
        default: return "\(padded(there.year, 4))-\(padded(there.month, 2))-\(padded(there.day, 2)) \(short)"
        }
    }

    /// When a window opens: with its weekday, `Sat 10:00`; from a week ahead with its date.
    static func opening(_ time: Timestamp, now: Timestamp, offset: Int? = nil) -> String {
        let there = CivilTime(time, offset: offset ?? self.offset(at: time))
        let days = [tr("Sun"), tr("Mon"), tr("Tue"), tr("Wed"), tr("Thu"), tr("Fri"), tr("Sat")]
        let date =
            time - now < .seconds(6 * 86_400)
            ? "" : " \(padded(there.year, 4))-\(padded(there.month, 2))-\(padded(there.day, 2))"
        return "\(days[there.weekday])\(date) \(padded(there.hour, 2)):\(padded(there.minute, 2))"
    }

    /// The two largest units: `1 h 5 min`, `42 s`, `3 d 2 h`.
    static func span(_ duration: Duration) -> String {
        let micro = max(0, duration.inMicroseconds)
        if micro > 0, micro < 1_000_000 { return "<1 s" }
        let seconds = micro / 1_000_000
        if seconds < 60 { return "\(seconds) s" }
        func pair(_ unit: Int64, _ big: String, _ lower: Int64, _ small: String) -> String {
            let rest = seconds % unit / lower
            return rest == 0 ? "\(seconds / unit) \(big)" : "\(seconds / unit) \(big) \(rest) \(small)"
        }
        if seconds < 3600 { return pair(60, "min", 1, "s") }
        if seconds < 86_400 { return pair(3600, "h", 60, "min") }
        return pair(86_400, "d", 3600, "h")
    }
}
