import Clock

/// `Tue, 24 Nov 2026 23:30:00 +0000` (RFC 5322 §3.3).
enum DateHeader {
    private static let days: [StaticString] = ["Sun, ", "Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, "]
    private static let months: [StaticString] = [
        " Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ", " Jul ", " Aug ", " Sep ", " Oct ", " Nov ", " Dec ",
    ]

    static func write(_ time: Timestamp, to writer: inout ByteWriter) {
        let civil = CivilTime(time)
        writer.put(days[civil.weekday])
        if civil.day >= 10 { writer.put(UInt8(48 + civil.day / 10)) }
        writer.put(UInt8(48 + civil.day % 10))
        writer.put(months[civil.month - 1])
        let year = min(max(civil.year, 0), 9999)
        two(year / 100, to: &writer)
        two(year % 100, to: &writer)
        writer.put(UInt8(ascii: " "))
        two(civil.hour, to: &writer)
        writer.put(UInt8(ascii: ":"))
        two(civil.minute, to: &writer)
        writer.put(UInt8(ascii: ":"))
        two(civil.second, to: &writer)
        writer.put(" +0000")
    }

    private static func two(_ value: Int, to writer: inout ByteWriter) {
        writer.put(UInt8(48 + value / 10))
        writer.put(UInt8(48 + value % 10))
    }
}
