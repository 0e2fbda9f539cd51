import Clock
import Queue
import Sender

/// What a run shows of itself while it goes on.
struct ProgressPicture: Sendable {
    var name: String
    var total: Int
    var sent: Int
    var deferred: Int
    var failed: Int
    var inDoubt: Int
    /// Those nothing more will be done about: sent, failed, suppressed, cancelled.
    var settled: Int
    /// Messages sent a second.
    var rate: Double
    /// The cap with least left.
    var tightest: LimitUse?
    var forecast: Timestamp?
    var waiting: WaitReason?
    var now: Timestamp
}

/// A picture as one line.
enum ProgressLine {
    /// A bar with what fits beside it; never wider than `width` columns.
    static func bar(_ picture: ProgressPicture, width: Int) -> String {
        let width = max(10, width - 1)
        var parts = [counts(picture)]
        if let waiting = picture.waiting, let words = words(waiting, now: picture.now) {
            parts.append(words)
        } else if picture.rate > 0 {
            parts.append(CellWidth.fit(NumberText.rate(perSecond: picture.rate), 7, .right))
        }
        if let use = picture.tightest { parts.append(left(use)) }
        if picture.deferred > 0 { parts.append(tr("{0} deferred", NumberText.count(picture.deferred))) }
        if picture.failed > 0 { parts.append(tr("{0} failed", NumberText.count(picture.failed))) }
        if let forecast = picture.forecast { parts.append("~" + TimeText.moment(forecast, now: picture.now)) }
        // What is said last goes first when there is no room.
        while parts.count > 1, CellWidth.of(parts.joined(separator: "  ")) > width - 14 { parts.removeLast() }
        let text = OutsideText.plain(parts.joined(separator: "  "))
        let room = min(40, width - CellWidth.of(text) - 4)
        guard room >= 8 else { return CellWidth.clip(text, to: width) }
        let share = picture.total > 0 ? Double(picture.settled) / Double(picture.total) : 1
        let filled = min(room, Int(share * Double(room)))
        return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: room - filled) + "]  " + text
    }

    /// A line for a log: everything in words.
    static func plain(_ picture: ProgressPicture) -> String {
        var parts = [
            tr("{0}: {1} of {2} sent", picture.name, NumberText.count(picture.sent), NumberText.count(picture.total))
        ]
        if picture.deferred > 0 { parts.append(tr("{0} deferred", NumberText.count(picture.deferred))) }
        if picture.failed > 0 { parts.append(tr("{0} failed", NumberText.count(picture.failed))) }
        if picture.inDoubt > 0 { parts.append(tr("{0} in doubt", NumberText.count(picture.inDoubt))) }
        if let waiting = picture.waiting, let words = words(waiting, now: picture.now) {
            parts.append(words)
        } else if picture.rate > 0 {
            parts.append(NumberText.rate(perSecond: picture.rate))
        }
        if let use = picture.tightest { parts.append(left(use)) }
        if let forecast = picture.forecast {
            parts.append(tr("finish ~{0}", TimeText.moment(forecast, now: picture.now)))
        }
        return OutsideText.plain(parts.joined(separator: ", "))
    }

    /// In columns of their own, so that the bar beside them keeps its length.
    private static func counts(_ picture: ProgressPicture) -> String {
        let share = picture.total > 0 ? picture.settled * 100 / picture.total : 100
        let total = NumberText.count(picture.total)
        let sent = CellWidth.fit(NumberText.count(picture.sent), total.count, .right)
        return "\(sent)/\(total) \(CellWidth.fit("\(share)", 3, .right)) %"
    }

    private static func left(_ use: LimitUse) -> String {
        tr(
            "cap {0} left of {1}", NumberText.count(max(0, use.count - use.used)),
            "\(NumberText.count(use.count))/\(DurationText.text(.milliseconds(Int64(use.perSeconds * 1000))))")
    }

    /// Why nothing moves, as a person would say it.
    static func words(_ reason: WaitReason, now: Timestamp) -> String? {
        let until = reason.until.map { TimeText.moment($0, now: now) } ?? ""
        switch reason {
        case .cap(let limit, let key, _):
            return tr(
                "waits until {0}: {1} {2} is at its cap of {3}", until, LimitReport.word(limit.scope), key,
                LimitText.text(limit))
        case .claim(let limit, let key, _):
            return tr(
                "waits until {0}: after a claim, {1} {2} counts as at its cap of {3}", until,
                LimitReport.word(limit.scope), key, LimitText.text(limit))
        case .closed(let until):
            return tr("outside the sending window, next opening {0}", TimeText.opening(until, now: now))
        case .retry: return tr("waits until {0}: everybody left gets another try then", until)
        case .rest(_, let reply): return tr("waits until {0}: the server asked for less ({1})", until, reply)
        case .reconnect(_, let error): return tr("tries again at {0}: {1}", until, told(error))
        case .others: return tr("another process has whoever is left")
        default: return nil  // short, or nothing to wait for
        }
    }
}

/// A cap in words.
enum LimitText {
    /// `100 / 1h`.
    static func text(_ limit: Limit) -> String {
        "\(NumberText.count(limit.count)) / \(DurationText.text(.microseconds(limit.perMicroseconds)))"
    }
}
