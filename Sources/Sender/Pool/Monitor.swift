import Clock
import Queue

/// Beside the workers: tells the queue that this process lives and what it waits for, hears its orders, and gives the
/// screen its picture.
struct Monitor: Sendable {
    private let run: RunContext
    private let progress: @Sendable (Progress) -> Void

    init(_ run: RunContext, _ progress: @escaping @Sendable (Progress) -> Void) {
        self.run = run
        self.progress = progress
    }

    /// Until cancelled.
    func watch() async {
        var history: [(at: Int64, sent: Int)] = []
        var round = 0
        while !Task.isCancelled {
            var picture = run.gate.picture()
            let now = run.ticks()
            history.append((now, picture.sent))
            history.removeAll { now - $0.at > 5_000_000 }
            if let first = history.first, now > first.at {
                picture.rate = Double(picture.sent - first.sent) * 1_000_000 / Double(now - first.at)
            }
            progress(picture)
            if round % 2 == 0 { await report(picture) }
            round += 1
            try? await Task.sleep(for: .milliseconds(200))
        }
        progress(run.gate.picture())
    }

    private func report(_ picture: Progress) async {
        let status = RunnerStatus(
            waitingFor: picture.waiting.map { Self.words($0, now: run.clock.now()) }, until: picture.waiting?.until,
            sessions: picture.sessions.map {
                SessionStatus(
                    number: $0.number, server: run.account.server, state: $0.step, since: $0.since, sent: $0.delivered)
            })
        guard let order = try? await run.runner.status(status) else { return }
        switch order {
        case .paused, .cancelled: run.halted(order)
        case .draft, .sending, .finished: break
        }
    }

    /// The reason nothing moves, in English words; it is stored with the runner and shown by `status` and the console.
    static func words(_ reason: WaitReason, now: Timestamp) -> String {
        switch reason {
        case .cap(let limit, let key, _):
            "the cap of \(limit.count) for \(limit.scope.rawValue) \(key) is used up"
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
