import Clock
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// How long all connections of one open queue wait, together, for another program that holds the file.
///
/// The wait is counted from the first refusal, not anew for each piece of work: what is tried on the way out of a run
/// (settling, giving leases back, taking the runner's row away) waits only for what is left of it.
final class Patience: Sendable {
    /// Seconds, in all.
    static let seconds = 15
    private static let most = Int64(seconds) * 1_000_000
    /// Refusals further apart than this have nothing to do with each other.
    private static let pause: Int64 = 5_000_000

    private struct State {
        var since: Int64?
        var last: Int64 = 0
    }

    private let state = Mutex(State())
    /// The machine's own clock, whatever clock the queue is given: what is waited for is another process.
    private let clock = SystemClock()

    /// Somebody else has the lock. Sleeps a moment and answers whether to try again.
    /// - Parameter tries: how often this piece of work was refused before.
    func goesOn(after tries: Int) -> Bool {
        let now = clock.sinceBoot().microseconds
        let waited = state.withLock { state in
            if state.since == nil || now - state.last > Self.pause { state.since = now }
            state.last = now
            return now - (state.since ?? now)
        }
        guard waited < Self.most else { return false }
        // SQLite's own waiting backs off to 100 ms, which starves one of two busy runners; a commit takes about 1 ms.
        usleep(tries < 200 ? .random(in: 500...1_500) : .random(in: 5_000...15_000))
        return true
    }

    /// The lock was had: whatever comes next has its full time.
    func restore() { state.withLock { if $0.since != nil { $0.since = nil } } }
}
