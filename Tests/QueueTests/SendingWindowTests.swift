import Clock
import Foundation
import Testing

@testable import Queue

@Suite struct SendingWindowTests {
    static let zones = ["Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe"]
    /// 2027-01-01, a Friday; 2027 has no leap day, and both changes of the clock in each of the zones that have them.
    static let start = Timestamp(iso8601: "2027-01-01T00:00:00Z")!

    static let windows: [SendingWindow] = [
        SendingWindow(days: .workdays, from: 9 * 60, to: 17 * 60),
        .nonWorking10To16,
        // Over the hours at which clocks are set, and over midnight.
        SendingWindow(days: .everyDay, from: 2 * 60 + 15, to: 2 * 60 + 45),
        SendingWindow(days: [.weekday(6), .weekday(0)], from: 22 * 60, to: 3 * 60),
        SendingWindow(days: [.weekday(0)], from: 60, to: 60),
        SendingWindow(days: .everyDay),
    ]

    /// Each minute of a year, by Foundation's calendar.
    private static func minutes(of window: SendingWindow, in zone: String) -> [Bool] {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: zone)!
        var open: [Bool] = []
        open.reserveCapacity(366 * 1440)
        let (holidays, makeUp) = (window.holidays, window.workdays)
        // All zones here are off by whole half-hours: within one, local time runs on.
        for half in 0..<(366 * 48) {
            let date = Date(timeIntervalSince1970: start.seconds + Double(half) * 1800)
            let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .weekday], from: date)
            let day = CivilTime.daysSinceEpoch(year: parts.year!, month: parts.month!, day: parts.day!)
            func allowed(_ day: Int, _ weekday: Int) -> Bool {
                if holidays.contains(day) { return window.days.contains(.holidays) }
                if makeUp.contains(day), [0, 6].contains((weekday + 7) % 7) {
                    return (1...5).allSatisfy { window.days.contains(.weekday($0)) }
                }
                return window.days.contains(.weekday((weekday + 7) % 7))
            }
            let weekday = parts.weekday! - 1
            let today = allowed(day, weekday)
            let yesterday = allowed(day - 1, weekday - 1)
            for minute in 0..<30 {
                let now = parts.hour! * 60 + parts.minute! + minute
                if window.from < window.to {
                    open.append(today && now >= window.from && now < window.to)
                } else {
                    open.append(today && now >= window.from || yesterday && now < window.to)
                }
            }
        }
        return open
    }

    @Test("minute by minute over a year it is what the calendar says, over every change of the clock", arguments: zones)
    func bruteForce(_ zone: String) {
        for (number, shape) in Self.windows.enumerated() {
            var window = shape
            window.zone = zone
            window.holidays = Set(
                ["2027-01-01", "2027-02-08", "2027-10-31", "2027-12-25"].compactMap(SendingWindow.day))
            // Among them the days on which the clocks of Berlin, Lord Howe and New York are set, and a working day.
            window.workdays = Set(
                ["2027-02-20", "2027-03-14", "2027-03-28", "2027-04-04", "2027-05-05", "2027-11-07"]
                    .compactMap(SendingWindow.day))
            let open = Self.minutes(of: window, in: zone)
            func time(_ minute: Int) -> Timestamp { Self.start + .seconds(Int64(minute) * 60) }
            // Forward by openings and closings: every minute between two of them has the same answer.
            var minute = 0
            var spells = 0
            while minute < open.count {
                let end =
                    open[minute] ? window.closing(after: time(minute)) : window.nextOpening(atOrAfter: time(minute))
                let next = open[minute...].firstIndex(of: !open[minute]) ?? open.count
                let found = end.map { Int(($0 - Self.start).inMicroseconds / 60_000_000) } ?? open.count
                #expect(min(found, open.count) == next, "window \(number) in \(zone) from \(time(minute).iso8601)")
                guard min(found, open.count) == next else { return }
                minute = next
                spells += 1
            }
            #expect(number == 5 ? spells < 12 : spells > 50)
            // And each by itself, at odd seconds too.
            for minute in stride(from: 0, to: open.count, by: 7) {
                let at = time(minute) + .milliseconds(Int64(minute % 60_000))
                guard window.isOpen(at: at) != open[minute] else { continue }
                Issue.record("window \(number) in \(zone) at \(at.iso8601)")
                return
            }
        }
    }

    @Test("an hour that does not exist opens after the gap; one that exists twice is inside twice")
    func gaps() {
        var window = SendingWindow(days: .everyDay, from: 150, to: 240, zone: "Europe/Berlin")
        // 28 March 2027, 02:00 becomes 03:00: from 02:30 on is from 03:00 on, at 01:00 UTC.
        #expect(
            window.nextOpening(atOrAfter: Timestamp(iso8601: "2027-03-28T00:00:00Z")!)
                == Timestamp(iso8601: "2027-03-28T01:00:00Z"))
        // 31 October, 03:00 becomes 02:00.
        window.to = 165
        let first = window.nextOpening(atOrAfter: Timestamp(iso8601: "2027-10-30T23:00:00Z")!)!
        #expect(first.iso8601 == "2027-10-31T00:30:00.000Z")
        let closing = window.closing(after: first)!
        #expect(closing.iso8601 == "2027-10-31T00:45:00.000Z")
        #expect(window.nextOpening(atOrAfter: closing)!.iso8601 == "2027-10-31T01:30:00.000Z")
        // Lord Howe sets its clocks by half an hour: 02:00 becomes 02:30 on 3 October.
        let howe = SendingWindow(days: .everyDay, from: 120, to: 180, zone: "Australia/Lord_Howe")
        let opening = howe.nextOpening(atOrAfter: Timestamp(iso8601: "2027-10-02T12:00:00Z")!)!
        #expect(opening.iso8601 == "2027-10-02T15:30:00.000Z")
        #expect(howe.closing(after: opening)!.iso8601 == "2027-10-02T16:00:00.000Z")
    }

    @Test("a holiday is closed, or open where days says so; the guide's preset opens on Saturday at ten")
    func holidays() {
        let monday = Timestamp(iso8601: "2027-02-08T04:00:00Z")!  // noon in Shanghai
        var work = SendingWindow(days: .workdays, from: 540, to: 1020, zone: "Asia/Shanghai")
        #expect(work.isOpen(at: monday))
        work.holidays = [SendingWindow.day("2027-02-08")!]
        #expect(!work.isOpen(at: monday))
        #expect(work.nextOpening(atOrAfter: monday)?.iso8601 == "2027-02-09T01:00:00.000Z")
        var guide = SendingWindow.nonWorking10To16
        guide.zone = "Asia/Shanghai"
        #expect(!guide.isOpen(at: monday))
        #expect(guide.nextOpening(atOrAfter: monday)?.iso8601 == "2027-02-13T02:00:00.000Z")
        guide.holidays = work.holidays
        #expect(guide.isOpen(at: monday))
        // A Saturday on the list is a holiday, not a weekend.
        var weekend = SendingWindow(days: .weekend, zone: "Asia/Shanghai")
        weekend.holidays = [SendingWindow.day("2027-02-13")!]
        #expect(!weekend.isOpen(at: Timestamp(iso8601: "2027-02-13T04:00:00Z")!))
    }

    @Test(
        "a weekend day on which people work is a working day: open where all of these are, closed where the weekend is")
    func workdays() throws {
        // Before the Spring Festival of 2027 people in China work on Saturday 6 February.
        let saturday = Timestamp(iso8601: "2027-02-06T04:00:00Z")!  // noon in Shanghai
        let makeUp: Set = [SendingWindow.day("2027-02-06")!]
        func isOpen(_ days: SendingWindow.Days) -> Bool {
            SendingWindow(days: days, from: 540, to: 1020, zone: "Asia/Shanghai", workdays: makeUp).isOpen(at: saturday)
        }
        #expect(isOpen(.workdays) && isOpen(.everyDay))
        #expect(
            !isOpen(.weekend) && !isOpen(.nonWorking) && !isOpen(.weekday(6)) && !isOpen([.weekday(1), .weekday(6)]))
        var work = SendingWindow(days: .workdays, from: 540, to: 1020, zone: "Asia/Shanghai", workdays: makeUp)
        #expect(
            work.nextOpening(atOrAfter: Timestamp(iso8601: "2027-02-05T12:00:00Z")!)?.iso8601
                == "2027-02-06T01:00:00.000Z")
        #expect(work.closing(after: saturday)?.iso8601 == "2027-02-06T09:00:00.000Z")
        // What is a working day anyway is what it was: a Friday for who sends on Fridays.
        work.days = .weekday(5)
        work.workdays = [SendingWindow.day("2027-02-05")!]
        #expect(work.isOpen(at: Timestamp(iso8601: "2027-02-05T04:00:00Z")!))
        // Berlin sets its clocks forward on Sunday 28 March: 01:30 to 03:30 is an hour long, and is open.
        let night = SendingWindow(
            days: .workdays, from: 90, to: 210, zone: "Europe/Berlin", workdays: [SendingWindow.day("2027-03-28")!])
        let opening = night.nextOpening(atOrAfter: Timestamp(iso8601: "2027-03-27T12:00:00Z")!)!
        #expect(opening.iso8601 == "2027-03-28T00:30:00.000Z")
        #expect(night.closing(after: opening)!.iso8601 == "2027-03-28T01:30:00.000Z")
    }

    @Test("a window stored before there were make-up workdays is read, with none")
    func stored() throws {
        let window = SendingWindow(
            days: .workdays, from: 540, to: 1020, zone: "UTC", holidays: [20_000], workdays: [20_001])
        let text = String(decoding: try JSONEncoder().encode(window), as: UTF8.self)
        #expect(try JSONDecoder().decode(SendingWindow.self, from: Data(text.utf8)) == window)
        let old = Data(#"{"days":62,"from":540,"to":1020,"zone":"UTC","holidays":[20000]}"#.utf8)
        var expected = window
        expected.workdays = []
        #expect(try JSONDecoder().decode(SendingWindow.self, from: old) == expected)
    }

    @Test("what never opens, and what never closes, has no end to name")
    func never() {
        let now = Self.start
        #expect(SendingWindow(days: .holidays).nextOpening(atOrAfter: now) == nil)
        #expect(SendingWindow().closing(after: now) == nil)
        #expect(SendingWindow().nextOpening(atOrAfter: now) == now)
    }

    @Test("times, dates and zones are read strictly")
    func reading() {
        #expect(SendingWindow.minutes("00:00") == 0 && SendingWindow.minutes("24:00") == 1440)
        for text in ["", "9:00", "09:60", "24:01", "0900", "09:00:00", "-1:00", "ab:cd"] {
            #expect(SendingWindow.minutes(text) == nil, "\(text)")
        }
        #expect(SendingWindow.day("1970-01-02") == 1 && SendingWindow.day("2028-02-29") != nil)
        for text in ["2027-02-29", "2027-13-01", "2027-1-1", "27-01-01", "2027/01/01", "2027-00-10"] {
            #expect(SendingWindow.day(text) == nil, "\(text)")
        }
        #expect(SendingWindow.isZone("Asia/Shanghai") && SendingWindow.isZone("UTC"))
        #expect(!SendingWindow.isZone("Asia/Shangai") && !SendingWindow.isZone("CST") && !SendingWindow.isZone(""))
        #expect(
            SendingWindow.Days(word: "non-working") == .nonWorking && SendingWindow.Days(word: "sun") == .weekday(0))
        #expect(SendingWindow.Days(word: "monday") == nil)
    }

    @Test("several windows open together, not before the hour of the campaign")
    func several() {
        let zone = "Europe/Berlin"
        let both = Openings(
            [
                SendingWindow(days: .workdays, from: 480, to: 720, zone: zone),
                SendingWindow(days: .everyDay, from: 600, to: 1200, zone: zone),
            ], start: Timestamp(iso8601: "2027-01-04T09:30:00Z"))
        #expect(both.obstacle(at: Self.start)?.iso8601 == "2027-01-04T09:30:00.000Z")
        #expect(both.obstacle(at: Timestamp(iso8601: "2027-01-04T10:59:59Z")!) == nil)
        #expect(
            both.obstacle(at: Timestamp(iso8601: "2027-01-04T11:00:00Z")!)?.iso8601 == "2027-01-05T09:00:00.000Z")
        // A clock set back is believed.
        #expect(both.obstacle(at: Timestamp(iso8601: "2027-01-04T10:00:00Z")!) == nil)
        let apart = Openings([SendingWindow(days: .workdays), SendingWindow(days: .weekend)], start: nil)
        #expect(apart.obstacle(at: Self.start) != nil)
        #expect(Openings([], start: nil).obstacle(at: Self.start) == nil)
    }
}
