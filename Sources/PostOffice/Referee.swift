import Clock
import Transport

/// Applies a script over all sessions: chances, caps, greylist, sessions at once.
final class Referee: Sendable {
    /// What the script has to say at one point.
    struct Ruling: Sendable {
        var wait = Duration.zero
        var bytesPerSecond = 0
        var outcome = Outcome.proceed
    }
    enum Outcome: Sendable {
        case proceed
        case reply([UInt8], code: Int)
        case drop, dropBefore, dropAfter, garbage
    }
    /// A place under every cap, from MAIL or RCPT to the end of the message.
    struct Reservation: Sendable, Hashable { fileprivate var keys: [Key] }

    fileprivate struct Key: Sendable, Hashable {
        var cap: Int
        var name: [UInt8]
    }
    private struct Window {
        /// When messages were accepted, in microseconds since boot, oldest first from `head`.
        var accepted: [Int64] = []
        var head = 0
        var reserved = 0

        mutating func used(since oldest: Int64) -> Int {
            while head < accepted.count, accepted[head] <= oldest { head += 1 }
            if head > 4096, head * 2 > accepted.count {
                accepted.removeFirst(head)
                head = 0
            }
            return accepted.count - head + reserved
        }
    }
    private struct State {
        var seen: [Int]
        var random: UInt64
        var windows: [Key: Window] = [:]
        var greeted: [[UInt8]: Int64] = [:]
        var sessions = 0
    }

    private let script: Script
    private let clock: any WallClock
    private let stages: UInt32
    private let state: Guarded<State>

    init(_ script: Script, clock: any WallClock) {
        self.script = script
        self.clock = clock
        stages = script.rules.reduce(0) { $0 | $1.stage.bit }
        state = Guarded(State(seen: [Int](repeating: 0, count: script.rules.count), random: script.seed))
    }

    func ruling(
        at stage: Stage, from: [UInt8] = [], to: [UInt8] = [], user: [UInt8] = []
    ) -> Ruling {
        var ruling = Ruling()
        guard stages & stage.bit != 0 else { return ruling }
        state.withLock { state in
            for (index, rule) in script.rules.enumerated() where rule.stage == stage {
                guard rule.to?.matches(to) ?? true, rule.from?.matches(from) ?? true, rule.user?.matches(user) ?? true,
                    Referee.happens(rule.chance, &state.seen[index], &state.random)
                else { continue }
                switch rule.action {
                case .wait(let duration): ruling.wait += duration
                case .slow(let rate): ruling.bytesPerSecond = rate
                case .reply(let bytes, let code):
                    ruling.outcome = .reply(bytes, code: code)
                    return
                case .drop: ruling.outcome = .drop
                case .dropBefore: ruling.outcome = .dropBefore
                case .dropAfter: ruling.outcome = .dropAfter
                case .garbage: ruling.outcome = .garbage
                }
                if case .proceed = ruling.outcome { continue }
                return
            }
        }
        return ruling
    }

    private static func happens(_ chance: Script.Rule.Chance, _ seen: inout Int, _ random: inout UInt64) -> Bool {
        seen += 1
        switch chance {
        case .always: return true
        case .first(let count): return seen <= count
        case .after(let count): return seen > count
        case .every(let count): return seen % count == 0
        case .rate(let share):
            // SplitMix64: the same seed gives the same chances.
            random &+= 0x9e37_79b9_7f4a_7c15
            var mixed = random
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            mixed ^= mixed >> 31
            return Double(mixed >> 11) / 9_007_199_254_740_992 < share
        }
    }

    // MARK: Caps

    /// Takes a place under the caps that are counted at `stage`, or gives the reply of the one that is full.
    func reserve(_ held: inout Reservation?, at stage: Stage, peer: String, from: [UInt8], to: [UInt8]) -> Outcome {
        guard !script.caps.isEmpty else { return .proceed }
        let now = clock.sinceBoot().microseconds
        return state.withLock { state in
            var keys: [Key] = []
            for (index, cap) in script.caps.enumerated() where cap.stage == stage {
                let name: [UInt8] =
                    switch cap.key {
                    case .all: []
                    case .peer: Array(peer.utf8)
                    case .from: from
                    case .domain: Array(to.split(separator: UInt8(ascii: "@")).last ?? [])
                    }
                let key = Key(cap: index, name: name)
                let used = state.windows[key, default: Window()].used(since: now - cap.per.inMicroseconds)
                guard used < cap.count else { return .reply(cap.reply, code: cap.code) }
                keys.append(key)
            }
            for key in keys { state.windows[key, default: Window()].reserved += 1 }
            held = Reservation(keys: (held?.keys ?? []) + keys)
            return .proceed
        }
    }

    /// The message was accepted, or came to nothing.
    func settle(_ held: inout Reservation?, accepted: Bool) {
        guard let reservation = held else { return }
        held = nil
        let now = clock.sinceBoot().microseconds
        state.withLock { state in
            for key in reservation.keys {
                state.windows[key, default: Window()].reserved -= 1
                if accepted { state.windows[key, default: Window()].accepted.append(now) }
            }
        }
    }

    // MARK: Greylist and sessions

    /// Whether this pair is still to be put off.
    func isGrey(peer: String, to: [UInt8]) -> Bool {
        guard let wait = script.greylist else { return false }
        let now = clock.sinceBoot().microseconds
        return state.withLock { state in
            let key = Array(peer.utf8) + [0] + to
            guard let first = state.greeted[key] else {
                state.greeted[key] = now
                return true
            }
            return now - first < wait.inMicroseconds
        }
    }

    /// Counts a session in, or gives the reply when there are too many.
    func enter() -> [UInt8]? {
        state.withLock { state in
            state.sessions += 1
            guard let limit = script.sessions, state.sessions > limit.count else { return nil }
            return limit.reply
        }
    }

    func leave() { state.withLock { $0.sessions -= 1 } }
}
