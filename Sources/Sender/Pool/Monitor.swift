import Clock
import Queue

/// Beside the workers: tells the queue that this process lives and what it waits for, hears its orders, and gives the
/// screen its picture.
struct Monitor: Sendable {
    private let run: RunContext
    private let next: NextMessage
    private let progress: @Sendable (Progress) -> Void

    init(_ run: RunContext, _ next: NextMessage, _ progress: @escaping @Sendable (Progress) -> Void) {
        self.run = run
        self.next = next
        self.progress = progress
    }

    /// Until cancelled, or until the queue's file is gone from its place: then it ends the run and answers why.
    func watch() async -> (any Error)? {
        var history: [(at: Int64, sent: Int)] = []
        var round = 0
        var known: (reason: WaitReason, foreseen: WaitReason)?
        while !Task.isCancelled {
            var picture = run.gate.picture()
            let now = run.ticks()
            history.append((now, picture.sent))
            history.removeAll { now - $0.at > 5_000_000 }
            if let first = history.first, now > first.at {
                picture.rate = Double(picture.sent - first.sent) * 1_000_000 / Double(now - first.at)
            }
            if let reason = picture.waiting {
                // The queue is asked once a wait, not at each look.
                if known?.reason != reason { known = (reason, (try? await next.foreseen(reason)) ?? reason) }
                picture.waiting = known?.foreseen
            }
            progress(picture)
            if round % 2 == 0, let error = await report(picture) {
                // Who waits for a cap would not notice.
                run.gate.stop(.interrupted)
                return error
            }
            round += 1
            try? await Task.sleep(for: .milliseconds(200))
        }
        var last = run.gate.picture()
        if let known, last.waiting == known.reason { last.waiting = known.foreseen }
        progress(last)
        return nil
    }

    /// Answers an error that nothing can go on after; any other may be over at the next heartbeat.
    private func report(_ picture: Progress) async -> QueueError? {
        let status = RunnerStatus(
            waitingFor: picture.waiting.map { Self.words($0, now: run.clock.now()) }, until: picture.waiting?.until,
            sessions: picture.sessions.map {
                SessionStatus(
                    number: $0.number, server: run.account.server, state: $0.step, since: $0.since, sent: $0.delivered)
            }, cause: picture.waiting.map(Self.cause))
        let orders: RunnerOrders
        do {
            orders = try await run.runner.status(status, route: run.routeName)
        } catch {
            if case .replaced = error as? QueueError { return error as? QueueError }
            return nil
        }
        switch orders.state {
        case .paused, .cancelled: run.halted(orders.state)
        case .draft, .sending, .finished: break
        }
        if run.clock.now() < .earliestSane { run.gate.stop(.wrongClock) }
        run.gate.obey(orders.rest)
        await run.feed.trim()
        return nil
    }

    /// The reason nothing moves, for the history of it: without the moment at which it ends, so that one that goes on
    /// and on is one spell.
    static func cause(_ reason: WaitReason) -> WaitCause {
        switch reason {
        case .cap(let limit, let key, _), .claim(let limit, let key, _):
            WaitCause(.cap, "\(limit.scope.rawValue) \(key) \(limit.count)/\(span(limit))")
        case .closed: WaitCause(.window)
        case .retry: WaitCause(.retry)
        case .rest(_, let reply): WaitCause(.rest, reply)
        case .reconnect(_, let error): WaitCause(.connection, error)
        case .pace: WaitCause(.pace)
        case .others: WaitCause(.others)
        case .turn, .history, .nothing: .sending
        }
    }

    /// `1h`, `24h`, `7d`, `90s`: a cap's window as config.toml has it.
    private static func span(_ limit: Limit) -> String {
        let seconds = limit.perMicroseconds / 1_000_000
        if limit.perMicroseconds % 1_000_000 != 0 { return "\(limit.perMicroseconds / 1000)ms" }
        if seconds > 86_400, seconds % 86_400 == 0 { return "\(seconds / 86_400)d" }
        if seconds % 3_600 == 0 { return "\(seconds / 3_600)h" }
        return seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }

    /// The reason nothing moves, in English words; it is stored with the runner and shown by `status` and the console.
    static func words(_ reason: WaitReason, now: Timestamp) -> String {
        switch reason {
        case .cap(let limit, let key, _):
            "the cap of \(limit.count) for \(limit.scope.rawValue) \(key) is used up"
        case .claim(let limit, let key, _):
            "what was sent from elsewhere before the queue was claimed is unknown, so the cap of \(limit.count) for \(limit.scope.rawValue) \(key) counts as used up"
        case .closed(let until): "outside the sending window, next opening \(until.weekdayText(now: now))"
        case .retry: "everybody left waits for another try"
        case .rest(_, let reply): "the server asked for less: \(reply)"
        case .reconnect(_, let error): "no connection: \(error)"
        case .pace: "spreading over the window"
        case .turn: "as many sessions are open as the server is trusted with at the moment"
        case .history: "finding out what was sent before to the same servers"
        case .others: "another process has whoever is left"
        case .nothing: "nobody is left to take"
        }
    }
}
