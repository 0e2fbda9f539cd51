import Clock

/// What a stretch of a campaign's time was used for.
public enum SpellKind: String, Sendable, Codable, CaseIterable {
    case sending
    /// A cap is used up.
    case cap
    /// Outside the sending window.
    case window
    /// Whoever is left waits for another try.
    case retry
    /// The server asked for less.
    case rest
    /// The server cannot be reached.
    case connection
    /// Spread over the window.
    case pace
    /// Other processes have whoever is left.
    case others
    case paused, finished, cancelled
    /// No process was sending.
    case noRunner = "no-runner"
    /// Before this was written down, or too long ago.
    case unrecorded
}

/// Why nothing moves, as it is written down: the kind, and which cap or answer.
public struct WaitCause: Sendable, Hashable, Codable {
    public var kind: SpellKind
    public var what: String

    public init(_ kind: SpellKind, _ what: String = "") {
        self.kind = kind
        self.what = what
    }

    public static let sending = WaitCause(.sending)
}

/// A stretch of a campaign's time with one cause.
public struct Spell: Sendable, Hashable {
    public var cause: WaitCause
    /// The process's number; nil when it was none's.
    public var runner: Int64?
    public var since: Timestamp
    public var until: Timestamp
    /// Its length; it is exact, whatever was done to the wall clock meanwhile.
    public var microseconds: Int64
}

/// A campaign's time from its first moment to its end, or to now, without gaps or overlaps.
public struct SpellHistory: Sendable {
    public let since: Timestamp
    public let until: Timestamp
    /// Oldest first; their lengths add up to `microseconds`.
    public let spells: [Spell]
    public let microseconds: Int64

    /// The time by cause, most first.
    public var sums: [(cause: WaitCause, microseconds: Int64)] {
        Dictionary(grouping: spells, by: \.cause)
            .map { ($0.key, $0.value.reduce(0) { $0 + $1.microseconds }) }
            .sorted { ($0.1, $1.0.kind.rawValue, $1.0.what) > ($1.1, $0.0.kind.rawValue, $0.0.what) }
    }
}

/// Turns what a runner says at its heartbeats into spells: what lasts for less than a second is no change.
struct SpellWatch: Sendable {
    static let least: Int64 = 1_000_000

    private(set) var current = WaitCause.sending
    /// When the present cause was left, if that was less than a second ago.
    private var left: Int64?

    /// - Returns: when the new spell began, if one did; its cause is `current`.
    mutating func observe(_ cause: WaitCause, at now: Int64) -> Int64? {
        guard cause != current else {
            left = nil
            return nil
        }
        let since = left ?? now
        guard now - since >= Self.least else {
            left = since
            return nil
        }
        current = cause
        left = nil
        return since
    }
}
