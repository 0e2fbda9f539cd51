import Clock
import Histogram
import Queue
import Sender
import Synchronization

/// What a load test counts while it runs. The lanes and the post office's reader write to it, the picture reads.
final class StressMeter: Sendable {
    /// The times of hand-overs, in microseconds, with three digits of precision up to an hour.
    private struct Hands {
        var latency = Histogram<UInt64>(
            lowestDiscernibleValue: 1, highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: .three)
        var begun = 0
        var sent = 0
        var bytes = 0
        var failures: [String: Int] = [:]
    }
    private let hands = Mutex(Hands())
    private let reckoning: Mutex<Reckoning>

    init() { reckoning = Mutex(Reckoning(people: 0)) }

    /// A hand-over has its answer, or will have none.
    func took(_ settlement: Settlement, _ duration: Duration) {
        let micro = UInt64(max(0, duration.inMicroseconds))
        hands.withLock { hands in
            hands.begun += 1
            hands.bytes += settlement.bytes
            if settlement.outcome == .sent {
                hands.sent += 1
                if !hands.latency.record(micro) { _ = hands.latency.record(3_600_000_000) }
            } else {
                hands.failures[Self.kind(settlement), default: 0] += 1
            }
        }
    }

    /// `deferred 451`, `in_doubt`, `aborted`.
    static func kind(_ settlement: Settlement) -> String {
        settlement.outcome.rawValue + (settlement.code.map { " \($0)" } ?? "")
    }

    func took(_ event: PostOfficeEvent) {
        guard event.kind == .accepted else { return }
        reckoning.withLock { $0.take(event.person) }
    }

    func expect(people: Int) { reckoning.withLock { $0.grow(to: people) } }

    /// Compares with the queue and forgets its people, for the next queue to begin anew.
    func settle(_ standing: (Int) -> Reckoning.Standing?) -> Reckoning.Verdict {
        reckoning.withLock { reckoning in
            defer { reckoning = Reckoning(people: 0) }
            return reckoning.verdict(complete: false, standing: standing)
        }
    }

    struct Picture: Sendable {
        var begun = 0
        var sent = 0
        var bytes = 0
        var failures: [(kind: String, count: Int)] = []
        var latency = Latency()
    }

    /// Microseconds; 0 where nothing was measured.
    struct Latency: Sendable, Equatable {
        var p50: UInt64 = 0, p90: UInt64 = 0, p99: UInt64 = 0, p999: UInt64 = 0, max: UInt64 = 0
    }

    func picture() -> Picture {
        // Of a copy: finding percentiles takes milliseconds, in which no lane may wait to record what it sent.
        let hands = hands.withLock { $0 }
        let times = hands.latency
        let any = times.totalCount > 0
        func at(_ percent: Double) -> UInt64 { any ? min(times.valueAtPercentile(percent), times.maxRecorded) : 0 }
        return Picture(
            begun: hands.begun, sent: hands.sent, bytes: hands.bytes,
            failures: hands.failures.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .map { (kind: $0.key, count: $0.value) },
            latency: Latency(
                p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: any ? times.maxRecorded : 0))
    }
}
