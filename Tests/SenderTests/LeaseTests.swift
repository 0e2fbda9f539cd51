import Clock
import Foundation
import Queue
import Testing

@testable import Sender

/// Two processes of different speed on one queue, in simulated time.
@Suite("shared work")
struct LeaseTests {
    private struct Side {
        let runner: Runner
        let feed: Feed
        /// What one message takes it.
        var pace: Duration
        var next: Timestamp
        var sent: [Int64] = []
        /// When it first found nobody left.
        var idleSince: Timestamp?
        /// Leased, and not begun at that moment.
        var held = 0
    }

    /// Sends all by whichever runner's turn comes first. A message is begun and settled at once; its time passes before the next.
    private func run(
        _ people: Int, _ paces: [Duration], _ change: (Int, Duration) -> Duration? = { _, _ in nil }
    ) async throws -> (runners: [Side], start: Timestamp) {
        let rig = try Rig(people: people)
        let clock = ManualClock(SystemClock().now())
        let queue = try Queue.open(at: rig.folder + "/home/queue.sqlite3", access: .readWrite, clock: clock)
        let start = clock.now()
        var heartbeat = start
        var runners: [Side] = []
        for pace in paces {
            let runner = try await queue.startRunner(
                rig.campaign.id, account: "a", source: "default", limits: [], doubt: .hold)
            runners.append(
                Side(runner: runner, feed: Feed(runner, batch: 16, clock: clock), pace: pace, next: start))
        }
        while let index = runners.indices.filter({ runners[$0].idleSince == nil }).min(by: {
            runners[$0].next < runners[$1].next
        }) {
            if runners[index].next > clock.now() { clock.advance(runners[index].next - clock.now()) }
            guard case .recipients(let taken) = try await runners[index].feed.take(1) else {
                runners[index].idleSince = clock.now()
                for other in runners.indices where other != index {
                    runners[other].held = people - runners.reduce(0) { $0 + $1.sent.count }
                }
                continue
            }
            for recipient in taken {
                let request = BeginRequest(
                    recipient: recipient.id, server: "x:25", messageID: "<\(recipient.id)@x>", domain: recipient.domain)
                guard
                    case .begun(let attempt) = try await runners[index].runner.exchange(settle: [], begin: [request])[0]
                else {
                    Issue.record("somebody else has \(recipient.id)")
                    continue
                }
                _ = try await runners[index].runner.exchange(
                    settle: [Settlement(attempt: attempt, outcome: .sent)], begin: [])
                runners[index].sent.append(recipient.id)
            }
            if let pace = change(index, clock.now() - start) { runners[index].pace = pace }
            // The heartbeat of both, once a second.
            if clock.now() >= heartbeat {
                heartbeat = clock.now() + .seconds(1)
                for runner in runners { await runner.feed.trim() }
            }
            runners[index].next = clock.now() + runners[index].pace
        }
        for runner in runners { try await runner.runner.stop() }
        return (runners, start)
    }

    @Test(
        "a slow process sends at its own pace to the end, a fast one at its, and neither sits on what the other could send"
    )
    func fair() async throws {
        let (runners, start) = try await run(1_500, [.milliseconds(2), .milliseconds(500)])
        let (fast, slow) = (runners[0], runners[1])
        let all = fast.sent + slow.sent
        #expect(all.count == 1_500 && Set(all).count == 1_500)
        let idle = try #require(fast.idleSince) - start
        // Neither ever waited for the other: the fast one sent as many as its time allows, so did the slow one.
        #expect(fast.sent.count == Int(idle.inMicroseconds / 2_000))
        let whole = try #require(slow.idleSince) - start
        #expect(slow.sent.count == Int(whole.inMicroseconds / 500_000))
        // What the slow one kept for itself when the fast one had nothing left: two small leases at most.
        #expect(slow.held <= 20, "\(slow.held) held")
    }

    @Test("who was fast and becomes slow gives back what it cannot send soon")
    func slowed() async throws {
        let (runners, _) = try await run(4_000, [.milliseconds(2), .milliseconds(2)]) { index, time in
            index == 1 && time > .seconds(1) ? .milliseconds(500) : nil
        }
        let all = runners.flatMap(\.sent)
        #expect(all.count == 4_000 && Set(all).count == 4_000)
        #expect(runners[1].held <= 20, "\(runners[1].held) held")
    }
}
