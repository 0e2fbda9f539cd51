import Clock
import Queue

/// How many messages of a campaign went out in each second that the console saw.
///
/// The queue keeps minutes; a campaign of five minutes would be five columns of a chart.
struct Trail: Sendable, Equatable {
    let campaign: String
    private var sent: Int
    private var second: Int64
    private var values: [Int] = []

    private static let longest = 300

    init(_ row: CampaignRow, at time: Timestamp) {
        campaign = row.name
        sent = row.tallies.sent
        second = time.microseconds / 1_000_000
    }

    /// Takes in new figures. Seconds that were not seen share evenly in what went out meanwhile.
    mutating func add(_ row: CampaignRow, at time: Timestamp) {
        let now = time.microseconds / 1_000_000
        let passed = Int(now - second)
        let more = max(0, row.tallies.sent - sent)
        sent = row.tallies.sent
        // A clock that was set, or a long sleep, says nothing about seconds.
        guard passed >= 0, passed < Self.longest else {
            self = Trail(row, at: time)
            return
        }
        second = now
        if passed == 0, !values.isEmpty {
            values[values.count - 1] += more
            return
        }
        let parts = max(1, passed)
        for index in 0..<parts { values.append(more * (index + 1) / parts - more * index / parts) }
        if values.count > Self.longest { values.removeFirst(values.count - Self.longest) }
    }

    /// One value a second up to now, oldest first; nil before there is anything to show.
    func values(now: Timestamp) -> [Int]? {
        if values.isEmpty { return nil }
        let still = Int(now.microseconds / 1_000_000 - second)
        return still > 1 && still < Self.longest ? values + Array(repeating: 0, count: still - 1) : values
    }
}
