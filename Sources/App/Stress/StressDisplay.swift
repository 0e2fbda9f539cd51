import Clock
import Glibc

/// How a load test shows itself on stderr while it runs: one block drawn anew on a terminal, a line now and then elsewhere.
struct StressDisplay {
    /// What there is to see at a moment.
    struct Frame: Sendable {
        var elapsed = 0.0
        /// Seconds it will take; nil when a number of messages ends it.
        var duration: Double?
        var messages: Int?
        var open = 0
        var connections = 0
        var picture = StressMeter.Picture()
        /// Messages a second, a second each, oldest first.
        var rates: [Double] = []
    }

    let isTerminal: Bool
    let colours: Bool
    let unicode: Bool
    let interval: Double
    private var drawn = 0
    private var next = 0.0

    init() {
        isTerminal = Notice.isTerminal
        colours = isTerminal && Environment.value("NO_COLOR") == nil
        let locale = Environment.value("LC_ALL") ?? Environment.value("LC_CTYPE") ?? Environment.value("LANG") ?? ""
        unicode = locale.uppercased().contains("UTF")
        interval = isTerminal ? 0.25 : 5
        next = isTerminal ? 0 : interval
    }

    /// Draws when it is time to.
    mutating func show(_ frame: Frame) {
        guard frame.elapsed >= next else { return }
        next = frame.elapsed + interval
        guard isTerminal else { return Notice.line(Self.line(frame)) }
        let width = max(20, Notice.width - 1)
        var text = drawn > 0 ? "\u{1B}[\(drawn)A" : ""
        let lines = block(frame, width: width)
        for line in lines { text += "\r\(line)\u{1B}[K\n" }
        drawn = lines.count
        _ = FilePath.writeAll(2, Array(text.utf8))
    }

    /// The block: time, rate as a chart, counts, latency.
    func block(_ frame: Frame, width: Int) -> [String] {
        let rate = frame.rates.last ?? 0
        let head = tr("rate") + "  "
        let tail = "  " + NumberText.rate(perSecond: rate)
        let room = max(5, min(60, width - CellWidth.of(head) - CellWidth.of(tail)))
        let chart = Self.sparkline(frame.rates.suffix(room).map { $0 }, glyphs: unicode ? .unicode : .ascii)
        let latency = frame.picture.latency
        let failures = frame.picture.begun - frame.picture.sent
        let lost = tr("{0} failed", NumberText.count(failures))
        return [
            CellWidth.clip(Self.progress(frame), to: width),
            head + paint(chart, "36") + tail,
            CellWidth.clip(tr("sent {0}", NumberText.count(frame.picture.sent)), to: width - CellWidth.of(lost) - 2)
                + "  " + paint(lost, failures > 0 ? "31" : "32"),
            CellWidth.clip(
                tr("latency") + "  p50 \(StressReport.milliseconds(latency.p50))"
                    + "  p99 \(StressReport.milliseconds(latency.p99))  max \(StressReport.milliseconds(latency.max))",
                to: width),
        ]
    }

    static func line(_ frame: Frame) -> String {
        let latency = frame.picture.latency
        return [
            progress(frame), tr("sent {0}", NumberText.count(frame.picture.sent)),
            NumberText.rate(perSecond: frame.rates.last ?? 0),
            tr("{0} failed", NumberText.count(frame.picture.begun - frame.picture.sent)),
            "p50 \(StressReport.milliseconds(latency.p50))", "p99 \(StressReport.milliseconds(latency.p99))",
        ].joined(separator: ", ")
    }

    private static func progress(_ frame: Frame) -> String {
        let time = TimeText.span(.seconds(Int64(frame.elapsed)))
        let goal =
            frame.messages.map { tr("{0} messages", NumberText.count($0)) }
            ?? frame.duration.map { TimeText.span(.milliseconds(Int64($0 * 1000))) } ?? ""
        return tr("{0} of {1}, {2} of {3} connections", time, goal, frame.open, frame.connections)
    }

    /// One character of eight heights a value; the highest value is a full one.
    static func sparkline(_ values: [Double], glyphs: Glyphs) -> String {
        let top = max(values.max() ?? 0, 1e-9)
        return values.map { glyphs.levels[max(0, min(7, Int(($0 / top * 8).rounded(.up)) - 1))] }.joined()
    }

    private func paint(_ text: String, _ colour: String) -> String {
        colours ? "\u{1B}[\(colour)m\(text)\u{1B}[0m" : text
    }
}
