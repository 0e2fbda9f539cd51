import Clock
import Queue

/// A course cut at local midnights.
struct ForecastDays {
    struct Day: Equatable {
        /// `2026-01-02`
        var date: String
        var count: Int
    }

    private(set) var days: [Day] = []

    /// - Parameters:
    ///   - people: of whom some may need several messages.
    ///   - offset: seconds east of UTC at a moment.
    init(_ course: Course, people: Int, offset: (Timestamp) -> Int = TimeText.offset) {
        var counts: [(date: Int, count: Int)] = []
        func add(_ count: Int, _ date: Int) {
            if let last = counts.indices.last, counts[last].date == date {
                counts[last].count += count
            } else {
                counts.append((date, count))
            }
        }
        var midnight: (date: Int, end: Int64)?
        for stretch in course.stretches {
            var time = stretch.first.microseconds
            var left = stretch.count
            while left > 0 {
                if midnight == nil || time >= midnight?.end ?? 0 {
                    midnight = Self.midnight(after: Timestamp(microseconds: time), offset)
                }
                guard let (date, end) = midnight else { break }
                let fit = stretch.stepMicroseconds == 0 ? left : Int((end - 1 - time) / stretch.stepMicroseconds) + 1
                let now = min(left, max(1, fit))
                add(now, date)
                left -= now
                time += stretch.stepMicroseconds * Int64(now)
            }
        }
        // Days may come twice where domains were merged; and tries are counted as people.
        counts.sort { $0.date < $1.date }
        let messages = counts.reduce(0) { $0 + $1.count }
        var tried = 0
        var told = 0
        for (date, count) in counts {
            tried += count
            let until = messages > 0 ? Int((Double(people) * Double(tried) / Double(messages)).rounded()) : 0
            let text = Self.date(date)
            if days.last?.date == text {
                days[days.count - 1].count += until - told
            } else {
                days.append(Day(date: text, count: until - told))
            }
            told = until
        }
    }

    /// The local day of a moment (days since 1970-01-01), and when the next one begins.
    private static func midnight(after time: Timestamp, _ offset: (Timestamp) -> Int) -> (date: Int, end: Int64) {
        let there = CivilTime(time, offset: offset(time))
        let day = CivilTime.daysSinceEpoch(year: there.year, month: there.month, day: there.day)
        let next = Int64(day + 1) * 86_400_000_000
        // The zone may change in the night: ask again where the guess falls.
        var end = next - Int64(offset(time)) * 1_000_000
        end = next - Int64(offset(Timestamp(microseconds: end))) * 1_000_000
        return (day, max(end, time.microseconds + 1))
    }

    private static func date(_ day: Int) -> String {
        let civil = CivilTime(Timestamp(microseconds: Int64(day) * 86_400_000_000))
        return "\(padded(civil.year, 4))-\(padded(civil.month, 2))-\(padded(civil.day, 2))"
    }
}
