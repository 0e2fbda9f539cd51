import Clock
import Dispatch
import Queue
import Sender
import Synchronization

/// Shows a run on stderr as it goes: a bar on a terminal, lines elsewhere.
final class ProgressReporter: Sendable {
    enum Style: String, CaseIterable, Sendable { case auto, bar, plain, json, none }

    private struct State {
        var latest = Progress()
        var isDrawing = false
        var isOver = false
        var drawn: Int64?
        var figures: Int64?
        var forecast: Timestamp?
        var tightest: LimitUse?
        var hasBar = false
    }

    private let style: Style
    private let name: String
    private let queue: Queue
    private let config: Config
    private let classifier: ReplyClassifier
    private let clock: any WallClock
    private let state = Mutex(State())
    /// Reads the queue and writes the terminal, so that no session waits for either.
    private let hand = DispatchQueue(label: "outpost.progress")

    /// - Parameter style: `auto` is a bar on a terminal and lines elsewhere.
    init(
        _ style: Style, campaign name: String, queue: Queue, config: Config, classifier: ReplyClassifier,
        clock: any WallClock = SystemClock()
    ) {
        self.style = style == .auto ? (Notice.isTerminal ? .bar : .plain) : style
        self.name = name
        self.queue = queue
        self.config = config
        self.classifier = classifier
        self.clock = clock
    }

    /// Takes a picture of the run; draws it now or with the next one.
    func take(_ progress: Progress) {
        guard style != .none else { return }
        let isIdle = state.withLock { state in
            state.latest = progress
            defer { state.isDrawing = true }
            return !state.isDrawing
        }
        if isIdle { hand.async { self.draw(isLast: false) } }
    }

    /// Draws the end; nothing is drawn after it.
    func finish() {
        guard style != .none else { return }
        hand.sync { draw(isLast: true) }
    }

    /// Microseconds between two drawings.
    private var interval: Int64 {
        switch style {
        case .bar: 200_000
        case .json: 1_000_000
        default: 5_000_000
        }
    }

    private func draw(isLast: Bool) {
        let now = clock.sinceBoot().microseconds
        let progress: Progress? = state.withLock { state in
            state.isDrawing = false
            guard !state.isOver, isLast || now - (state.drawn ?? now - interval) >= interval - 10_000 else {
                return nil
            }
            state.drawn = now
            if isLast { state.isOver = true }
            return state.latest
        }
        guard let progress, let campaign = try? queue.campaign(named: name) else { return }
        if style == .json {
            if let status = try? CampaignStatus(campaign, in: queue, config: config, by: classifier, clock: clock) {
                Notice.line(status.json)
            }
            return
        }
        refreshFigures(campaign, now: now, pace: progress.rate, force: isLast)
        let picture = picture(campaign, progress)
        if style == .bar {
            _ = FilePath.writeAll(
                2,
                Array(("\r" + ProgressLine.bar(picture, width: Notice.width) + "\u{1B}[K" + (isLast ? "\n" : "")).utf8))
        } else {
            Notice.line(ProgressLine.plain(picture))
        }
    }

    /// Caps and forecast cost more than tallies: every other second is enough.
    private func refreshFigures(_ campaign: Campaign, now: Int64, pace: Double, force: Bool) {
        let isDue = state.withLock { state in
            guard force || now - (state.figures ?? Int64.min / 2) >= 2_000_000 else { return false }
            state.figures = now
            return true
        }
        guard isDue else { return }
        let limits = config.limits(for: campaign)
        let source = config.source(for: campaign)
        let uses = (try? queue.uses(of: limits, account: campaign.account, source: source, campaign: campaign.id)) ?? []
        let forecast = try? queue.forecast(
            campaign.id, limits: limits, account: campaign.account, source: source, pace: pace > 0 ? pace : nil,
            pacing: config.pacing(for: campaign, in: queue, by: classifier))
        state.withLock { state in
            state.tightest = uses.min { $0.count - $0.used < $1.count - $1.used }
            state.forecast = forecast ?? nil
        }
    }

    private func picture(_ campaign: Campaign, _ progress: Progress) -> ProgressPicture {
        let tallies = campaign.tallies
        let (tightest, forecast) = state.withLock { ($0.tightest, $0.forecast) }
        return ProgressPicture(
            name: campaign.name, total: campaign.total, sent: tallies.sent, deferred: tallies.deferred,
            failed: tallies.failed, inDoubt: tallies.inDoubt,
            settled: tallies.sent + tallies.failed + tallies.suppressed + tallies.cancelled, rate: progress.rate,
            tightest: tightest, forecast: campaign.finishedAt == nil ? forecast : nil, waiting: progress.waiting,
            now: clock.now())
    }
}
