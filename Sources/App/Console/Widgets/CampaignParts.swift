import Clock
import Queue

/// The parts that list and live view share: reason, bar, tallies, rate and caps.
extension ConsoleModel {
    /// What is going on, in one sentence: the pace while it moves, else the reason.
    func condition(_ row: CampaignRow) -> (String, Style) {
        if let standstill = row.standstill {
            return (row.activity.word + "  " + standstill.sentence(self, campaign: row.name), row.activity.style)
        }
        let pace = Figures.count(row.perMinute ?? 0)
        let text =
            row.finish.map { tr("{0} a minute, finish about {1}", pace, Figures.soon($0, self)) }
            ?? tr("{0} a minute", pace)
        return (row.activity.word + "  " + text, row.activity.style)
    }

    func drawSummary(_ frame: inout Frame, _ area: Area, _ row: CampaignRow, _ detail: CampaignDetail?) {
        guard area.height > 0, area.width > 4 else { return }
        let x = area.x + 1
        let width = area.width - 2
        var y = area.y
        let (text, style) = condition(row)
        let lines = CellWidth.wrap(text, width, lines: area.height >= 6 ? 2 : 1)
        for line in lines {
            frame.put(line, x, y, style, width: width)
            y += 1
        }
        if y < area.y + area.height {
            drawProgress(&frame, x, y, width, row)
            y += 1
        }
        if y < area.y + area.height {
            drawTallies(&frame, x, y, width, row.tallies)
            y += 1
        }
        let rest = area.y + area.height - y
        guard rest >= 1, let detail else { return }
        let wide = size.columns >= 80 && rest >= 3
        let half = wide ? width / 2 - 1 : width
        if wide {
            // What the chart leaves belongs to the last attempts, when that is enough for a few of them.
            let height = rest >= 13 ? max(8, rest / 2) : rest
            drawRate(&frame, Area(x: x, y: y, width: half, height: min(height, 12)), detail)
            drawLimits(&frame, Area(x: x + half + 2, y: y, width: width - half - 2, height: height), detail)
            for (index, attempt) in detail.attempts.prefix(max(0, rest - height - 1)).enumerated() {
                drawAttempt(&frame, x, y + height + 1 + index, width, attempt)
            }
        } else if detail.limits.isEmpty || rest > detail.limits.count + 2 {
            drawRate(&frame, Area(x: x, y: y, width: width, height: max(1, rest - detail.limits.count)), detail)
            let taken = max(1, rest - detail.limits.count)
            drawLimits(&frame, Area(x: x, y: y + taken, width: width, height: rest - taken), detail)
        } else {
            drawLimits(&frame, Area(x: x, y: y, width: width, height: rest), detail)
        }
    }

    /// A bar of what is settled, with the number beside it.
    func drawProgress(_ frame: inout Frame, _ x: Int, _ y: Int, _ width: Int, _ row: CampaignRow) {
        let percent = Figures.percent(row.tallies.fractionSettled)
        let room = width - 7
        frame.bar(
            x, y, width: room, row.tallies.fractionSettled, row.activity == .paused ? row.activity.style : .accent)
        frame.put(percent, endingAt: x + width, y, .title)
    }

    /// All eight, so that they can be added up. Where room is short the zeros go, and what is being sent counts as left.
    func drawTallies(_ frame: inout Frame, _ x: Int, _ y: Int, _ width: Int, _ tallies: Tallies) {
        func entries(_ isShort: Bool) -> [(String, Int, Style)] {
            let all: [(String, Int, Style, Bool)] = [
                (tr("sent"), tallies.sent, .ok, true),
                (tr("queued"), tallies.pending + (isShort ? tallies.sending : 0), .plain, true),
                (tr("sending"), isShort ? 0 : tallies.sending, .accent, false),
                (tr("deferred"), tallies.deferred, .warn, false),
                (tr("failed"), tallies.failed, .error, false),
                (tr("in doubt"), tallies.inDoubt, .error, false),
                (tr("suppressed"), tallies.suppressed, .muted, false),
                (tr("cancelled"), tallies.cancelled, .muted, false),
            ]
            let isCancelled = tallies.cancelled > 0
            return all.filter { $0.3 || $0.1 > 0 || (!isShort && ($0.0 != tr("cancelled") || isCancelled)) }
                .map { ($0.0, $0.1, $0.2) }
        }
        func pieces(_ list: [(String, Int, Style)], gap: Int, figure: (Int) -> String) -> [(String, Style)] {
            list.enumerated().flatMap { index, entry in
                [
                    (String(repeating: " ", count: index == 0 ? 0 : gap) + entry.0 + " ", Style.muted),
                    (figure(entry.1), entry.1 > 0 ? Style(entry.2.role, bold: true) : .muted),
                ]
            }
        }
        let whole = [("   " + tr("of {0}", Figures.count(tallies.total)), Style.muted)]
        let forms = [
            pieces(entries(false), gap: 3, figure: Figures.count) + whole,
            pieces(entries(true), gap: 3, figure: Figures.count) + whole,
            pieces(entries(true), gap: 2, figure: Figures.count),
            pieces(entries(true), gap: 1, figure: Figures.short),
        ]
        let fitting = forms.first { $0.reduce(0) { $0 + CellWidth.of($1.0) } <= width } ?? forms[forms.count - 1]
        frame.put(fitting, x, y, width: width)
    }

    /// Messages a minute over the last hours, or a second while all of it is young, as much of it as fits, with its scale.
    func drawRate(_ frame: inout Frame, _ area: Area, _ detail: CampaignDetail) {
        guard area.width > 10, area.height > 0 else { return }
        let seconds = trail?.campaign == detail.name ? trail?.values(now: now.wall) : nil
        let isYoung = seconds != nil && (current?.started.map { (now.wall - $0).inSeconds < 900 } ?? false)
        let step = isYoung ? 1 : 60
        let all = isYoung ? seconds ?? [] : detail.pulse
        let values = all.suffix(area.width - 6).map(Double.init)
        let top = Self.scale(values.max() ?? 0)
        let axis = area.height >= 3 ? 1 : 0
        let height = area.height - axis
        frame.put(CellWidth.fit(Figures.short(Int(top)), 5, .right), area.x, area.y, .muted)
        if height > 2 { frame.put("    0", area.x, area.y + height - 1, .muted) }
        let chart = Area(x: area.x + 6, y: area.y, width: area.width - 6, height: height)
        frame.chart(chart, values, top: top, .accent)
        guard axis == 1 else { return }
        let y = area.y + height
        let span = chart.width
        let start = Timestamp(microseconds: now.wall.microseconds - Int64(span * step) * 1_000_000)
        frame.put(String(repeating: frame.glyphs.horizontal, count: span), chart.x, y, .muted)
        let left = Figures.clock(start, self, seconds: isYoung)
        let right = Figures.clock(now.wall, self, seconds: isYoung)
        frame.put(left + " ", chart.x, y, .muted)
        frame.put(" " + right, endingAt: chart.x + span, y, .muted)
        let label = " " + (isYoung ? tr("sent a second") : tr("sent a minute")) + " "
        if span > 2 * left.utf8.count + 2 + CellWidth.of(label) {
            frame.put(label, chart.x + (span - CellWidth.of(label)) / 2, y, .muted)
        }
    }

    /// The next round number, so that the scale does not move with every message.
    static func scale(_ highest: Double) -> Double {
        var unit = 10.0
        while true {
            for step in [1, 1.5, 2, 3, 4, 5, 6, 8] where highest <= unit * step { return unit * step }
            unit *= 10
        }
    }

    func drawLimits(_ frame: inout Frame, _ area: Area, _ detail: CampaignDetail) {
        guard area.height > 0 else { return }
        if detail.limits.isEmpty {
            frame.put(tr("no cap applies"), area.x, area.y, .muted, width: area.width)
            return
        }
        let numbers = detail.limits.map { "\(Figures.short($0.used))/\(Figures.short($0.count))" }
        let numberWidth = numbers.map(\.utf8.count).max() ?? 0
        let hasNext = area.width >= 46 && detail.limits.contains { $0.used >= $0.count && $0.nextFree != nil }
        let labels = detail.limits.map { limit in
            let since = limit.knownSince.map { " " + tr("(known since {0})", Figures.time($0, self)) } ?? ""
            return "\(Standstill.scope(limit.scope)) \(limit.key)" + since
        }
        let labelWidth = min(labels.map { CellWidth.of($0) }.max() ?? 0, max(8, area.width * 2 / 5))
        let barWidth = area.width - labelWidth - 6 - numberWidth - 1 - (hasNext ? 10 : 0)
        for (index, limit) in detail.limits.enumerated() where index < area.height {
            let y = area.y + index
            if index == area.height - 1, detail.limits.count > area.height {
                let more = detail.limits.count - index
                frame.put(tr("and {0} more: outpost limits", more), area.x, y, .muted, width: area.width)
                break
            }
            let share = limit.count == 0 ? 1 : Double(limit.used) / Double(limit.count)
            let style: Style = share >= 1 ? .error : share >= 0.8 ? .warn : .ok
            var x = area.x
            frame.put(CellWidth.fit(labels[index], labelWidth, mark: frame.ellipsis), x, y, .plain)
            x += labelWidth + 1
            frame.put(CellWidth.fit(Figures.window(limit.perSeconds), 4, .right), x, y, .muted)
            x += 5
            if barWidth >= 4 {
                frame.bar(x, y, width: barWidth, share, style)
                x += barWidth + 1
            }
            frame.put(CellWidth.fit(numbers[index], numberWidth, .right), x, y, style)
            x += numberWidth
            if hasNext, let next = limit.nextFree, share >= 1 {
                frame.put(" " + frame.glyphs.arrow + Figures.soon(next, self), x, y, .warn, width: 10)
            }
        }
    }
}

extension Figures {
    /// `14:02`, whatever day it is.
    static func clock(_ time: Timestamp, _ model: ConsoleModel, seconds: Bool = false) -> String {
        let then = CivilTime(time, offset: model.zone)
        let clock = "\(padded(then.hour, 2)):\(padded(then.minute, 2))"
        return seconds ? clock + ":" + padded(then.second, 2) : clock
    }
}
