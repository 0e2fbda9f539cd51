import Clock
import Dispatch
import Queue
import Synchronization

/// Reads the source once a second on a thread of its own, and carries out orders there.
///
/// When nothing was committed, nothing is read; while something is being sent, the figures are read anew at least every
/// two seconds, because a process that stopped says so by silence.
final class Watcher: Sendable {
    private struct State {
        var watched: String?
        /// The campaign whose waits are shown.
        var waits: String?
        var counter: Int?
        var own: [String] = []
        var hasActive = false
        /// When the source was last read, in microseconds since boot; nil reads anew at the next look.
        var read: Int64?
        var isStopped = false
        /// A look is waiting for its turn: one is enough, however many keys were pressed.
        var isLookDue = false
        var trouble: String?
        var last: Snapshot?
    }

    private let source: any ConsoleSource
    private let inbox: Inbox
    private let clock: any WallClock
    private let queue = DispatchQueue(label: "console.source")
    private let state = Mutex(State())

    init(source: any ConsoleSource, inbox: Inbox, clock: any WallClock) {
        self.source = source
        self.inbox = inbox
        self.clock = clock
        again()
    }

    func stop() { state.withLock { $0.isStopped = true } }

    /// Which campaign's details are wanted; they are read at once.
    func watch(_ campaign: String?) { want { $0.watched = campaign } }

    /// Whose waits are wanted with each look; nil wants none.
    func watchWaits(_ campaign: String?) { want { $0.waits = campaign } }

    private func want(_ change: (inout State) -> Void) {
        let isDue = state.withLock { state in
            change(&state)
            state.read = nil
            defer { state.isLookDue = true }
            return state.isLookDue
        }
        if !isDue { queue.async { self.look() } }
    }

    private func again() {
        queue.asyncAfter(deadline: .now() + .seconds(1)) { [weak self] in
            guard let self, !self.state.withLock({ $0.isStopped }) else { return }
            self.look()
            self.again()
        }
    }

    private func look() {
        state.withLock { $0.isLookDue = false }
        let now = clock.sinceBoot().microseconds
        do {
            let counter = try source.changeCounter()
            let own = source.ownRunners()
            let (isDue, watched, waits) = state.withLock { state in
                // What is waited for goes on while nothing is committed.
                let moves = state.hasActive || state.waits != nil
                let isStale = state.read.map { moves && now - $0 >= 1_900_000 } ?? true
                return (isStale || state.counter != counter || state.own != own, state.watched, state.waits)
            }
            guard isDue else { return }
            var snapshot = try source.snapshot(selected: watched)
            snapshot.ownRunners = own
            let isNews = state.withLock { state in
                state.counter = counter
                state.own = own
                state.read = now
                state.hasActive = snapshot.campaigns.contains {
                    [.running, .waiting, .idle].contains($0.activity)
                }
                defer {
                    state.last = snapshot
                    state.trouble = nil
                }
                return state.last != snapshot || state.trouble != nil
            }
            // Ages and elapsed times move although nothing was committed.
            if isNews || state.withLock({ $0.hasActive }) { inbox.post(.snapshot(snapshot)) }
            if let waits { inbox.post(.waits(try source.waits(waits))) }
        } catch {
            let text = told("\(error)")
            let isNews = state.withLock { state in
                defer { state.trouble = text }
                state.read = nil
                return state.trouble != text
            }
            if isNews { inbox.post(.trouble(text)) }
        }
    }

    private static func settled(_ count: Int, _ decision: DoubtDecision) -> String {
        switch decision {
        case .resend: trn("{0} goes back into the queue", "{0} go back into the queue", count)
        case .sent: trn("{0} counts as sent", "{0} count as sent", count)
        case .failed: trn("{0} counts as failed", "{0} count as failed", count)
        }
    }

    /// Does what an effect asks for, and says how it went.
    func carryOut(_ effect: ConsoleEffect) {
        queue.async { [self] in
            do {
                switch effect {
                case .terms(let campaign): inbox.post(.terms(try source.terms(campaign)))
                case .start(let campaign):
                    try source.start(campaign)
                    inbox.post(.done(tr("{0} is being sent by a process of its own", campaign)))
                case .pause(let campaign):
                    try source.pause(campaign)
                    inbox.post(.done(tr("{0} is paused; what is in flight finishes", campaign)))
                case .resume(let campaign):
                    try source.resume(campaign)
                    inbox.post(.done(tr("{0} goes on", campaign)))
                case .settle(let campaign, let email, let decision):
                    let count = try source.settle(campaign, email: email, as: decision)
                    inbox.post(.done(Self.settled(count, decision)))
                case .lift(let rest):
                    let count = try source.lift(rest)
                    inbox.post(
                        .done(
                            count == 0
                                ? tr("that rest is over already")
                                : tr("{0} lifted. One session tries now; what it is told decides.", count)))
                case .drain: source.drain()
                case .watch, .waits, .people, .redraw, .suspend, .end: return
                }
            } catch {
                inbox.post(.refused(told("\(error)")))
            }
            state.withLock { $0.read = nil }
            look()
        }
    }
}
