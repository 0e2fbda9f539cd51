import CSystem
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
        let seconds = micro / 1_000_000
        if seconds < 60 { return micro > 0 && seconds == 0 ? tr("<1 s") : tr("{0} s", seconds) }
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400)
        if hours == 0 { return seconds % 60 == 0 ? tr("{0} min", minutes) : tr("{0} min {1} s", minutes, seconds % 60) }
        if days == 0 { return minutes % 60 == 0 ? tr("{0} h", hours) : tr("{0} h {1} min", hours, minutes % 60) }
        return hours % 24 == 0 ? tr("{0} d", days) : tr("{0} d {1} h", days, hours % 24)
    }
}
