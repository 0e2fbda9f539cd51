import Clock
import Synchronization

/// Several windows that all hold, with what was found last kept at hand: the clock is asked on every message.
final class Openings: Sendable {
    /// Nothing changes in `from..<until`.
    struct Spell: Sendable {
        var from: Timestamp
        var until: Timestamp
        var isOpen: Bool
        /// When closed: the next opening.
        var opening: Timestamp
    }

    let windows: [SendingWindow]
    /// Nothing before this.
    let start: Timestamp?
    private let known = Mutex<Spell?>(nil)

    init(_ windows: [SendingWindow], start: Timestamp?) {
        self.windows = windows
        self.start = start
    }

    /// nil when `time` is inside all of them; else when it will be.
    func obstacle(at time: Timestamp) -> Timestamp? {
        if windows.isEmpty, start == nil { return nil }
        let spell = spell(at: time)
        return spell.isOpen ? nil : spell.opening
    }

    func spell(at time: Timestamp) -> Spell {
        if let spell = known.withLock({ $0 }), spell.from <= time, time < spell.until { return spell }
        let spell = find(time)
        known.withLock { $0 = spell }
        return spell
    }

    private func find(_ time: Timestamp) -> Spell {
        // What never opens is looked at again tomorrow; the configuration refuses it.
        let never = time + .seconds(86_400)
        var opening = max(time, start ?? time)
        var moved = true
        var rounds = 0
        while moved {
            moved = false
            for window in windows {
                guard let next = window.nextOpening(atOrAfter: opening), rounds < 1_000 else {
                    return Spell(from: time, until: never, isOpen: false, opening: never)
                }
                if next > opening {
                    opening = next
                    moved = true
                    rounds += 1
                }
            }
        }
        if opening > time { return Spell(from: time, until: opening, isOpen: false, opening: opening) }
        let closing = windows.compactMap { $0.closing(after: time) }.min() ?? time + .seconds(SendingWindow.horizon)
        return Spell(from: time, until: closing, isOpen: true, opening: time)
    }
}
