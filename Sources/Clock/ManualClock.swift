import Synchronization

/// A clock that stands still until told to move: the test form of `WallClock`.
public final class ManualClock: WallClock {
    private let state: Mutex<(wall: Timestamp, boot: BootTime, isSynchronised: Bool)>

    public init(_ wall: Timestamp = Timestamp(seconds: 1_800_000_000), boot: String = "boot-1") {
        state = Mutex((wall, BootTime(boot: boot, microseconds: 1_000_000), false))
    }

    public func now() -> Timestamp { state.withLock { $0.wall } }
    public func sinceBoot() -> BootTime { state.withLock { $0.boot } }
    public func isSynchronised() -> Bool { state.withLock { $0.isSynchronised } }

    /// Real time passes: both clocks move.
    public func advance(_ duration: Duration) {
        state.withLock {
            $0.wall = $0.wall + duration
            $0.boot.microseconds += duration.inMicroseconds
        }
    }

    /// Somebody sets the wall clock; no time passes.
    public func step(_ duration: Duration) {
        state.withLock {
            $0.wall = $0.wall + duration
            $0.isSynchronised = false
        }
    }

    /// A time server sets the wall clock right; no time passes.
    public func synchronise(_ wall: Timestamp? = nil) {
        state.withLock {
            $0.wall = wall ?? $0.wall
            $0.isSynchronised = true
        }
    }

    /// The machine starts anew, `after` its last reading, and has heard no time server yet.
    public func reboot(_ boot: String, after: Duration) {
        state.withLock {
            $0.wall = $0.wall + after
            $0.boot = BootTime(boot: boot, microseconds: 0)
            $0.isSynchronised = false
        }
    }
}
