import Clock
import Foundation
import PostOffice
import Queue
import Synchronization
import Testing

@testable import Sender

@Suite("A route in trouble", .timeLimit(.minutes(2)))
struct TroubleTests {
    @Test("a server that knows HELO alone is greeted with it")
    func helo() async throws {
        let rig = try Rig("at ehlo first 1 reply 502 5.5.1 not here\n", people: 5)
        _ = try await rig.send { $0.sessions = 1 }
        #expect(try rig.tallies.pending == 0)
        #expect(try rig.accepted().count == 5)
    }

    @Test("an answer that cannot be one to the command ends the connection and burns nobody", arguments: [true, false])
    func outOfStep(_ pipelining: Bool) async throws {
        let rig = try Rig("at data every 4 reply 250 what\n") { $0.pipelining = pipelining }
        _ = try await rig.send()
        #expect(try rig.tallies.sent == 20)
        #expect(Set(try rig.accepted()).count == 20)
        #expect(try rig.log.contains { $0.outcome == .aborted && $0.reply?.contains("out of step") == true })
    }

    @Test("a bare 421 rests the route no longer than the account's own first wait")
    func briefRest() async throws {
        let rig = try Rig("at rcpt every 7 reply 421 4.3.2 bye\n")
        _ = try await rig.send { $0.sessions = 1 }
        #expect(try rig.tallies.pending == 0)
        #expect(try rig.tallies.sent == 20)
    }

    @Test("garbage, a stalled greeting and a 554 banner end in words, not in a hang")
    func hostile() async throws {
        for script in ["at ehlo garbage\n", "at banner stall 30s\n", "at banner reply 554 5.3.2 no\n"] {
            let rig = try Rig(script, people: 3)
            let ending = try await rig.send(SendOptions()) {
                $0.timeouts = Timeouts(connect: .milliseconds(300), reply: .milliseconds(300), final: .seconds(1))
                $0.sessions = 1
            }
            switch ending {
            case .unreachable, .resting: break
            default: Issue.record("\(script): \(ending)")
            }
            #expect(try rig.tallies.pending == 3)
        }
    }

    @Test("a list that servers refuse is paused before it is burnt, and the reason is kept")
    func refusedList() async throws {
        let rig = try Rig("at rcpt to p* reply 550 5.7.1 Not today\n", people: 300)
        guard case .paused = try await rig.send(SendOptions()) else {
            Issue.record("went on")
            return
        }
        let campaign = try #require(try rig.queue.campaign(id: rig.campaign.id))
        #expect(campaign.state == .paused && campaign.reason.contains("refusals"))
        // Of three sessions, each one more at most was under way.
        #expect((50...54).contains(campaign.tallies.failed), "\(campaign.tallies.failed)")
        // Each order to go on costs ten more, with whoever was under way.
        try rig.queue.resume(campaign.id)
        _ = try await rig.send(SendOptions())
        let failed = try rig.tallies.failed
        #expect((60...68).contains(failed), "\(failed)")
        #expect(try rig.queue.verify(deep: true).isEmpty)
    }

    @Test("an answer that is lost is decided about by the policy, in the run as well", arguments: DoubtPolicy.allCases)
    func lostAnswer(_ policy: DoubtPolicy) async throws {
        let rig = try Rig("at dot first 2 drop-after\n", people: 6)
        _ = try await rig.send(SendOptions(wait: true, doubt: policy)) { $0.sessions = 1 }
        let tallies = try rig.tallies
        #expect(tallies.inDoubt == (policy == .hold ? 2 : 0) && tallies.sent == (policy == .hold ? 4 : 6), "\(tallies)")
        #expect(try rig.log.count { $0.outcome == .inDoubt } == 2)
        // What was begun behind it and had not left goes back, and is begun again.
        #expect(try rig.log.count { $0.outcome != .aborted } == (policy == .resend ? 8 : 6))
        #expect(try rig.queue.verify(deep: true).isEmpty)
    }

    @Test("a run that stays waits for a server that is not there yet; one that does not, gives up")
    func notYetThere() async throws {
        let rig = try Rig(people: 3)
        let port = rig.office.port
        rig.office.stop()
        guard case .unreachable = try await rig.send(SendOptions()) else {
            Issue.record("did not give up")
            return
        }
        // As long as it takes eight tries in a row to fail; the name is looked up anew at each.
        let clock = ManualClock()
        let gate = Gate(workers: 1, options: SendOptions(wait: true), clock: clock)
        for _ in 0..<40 { #expect(gate.failed(opening: true).pause != nil) }
        let dispatcher = Dispatcher(
            queue: rig.queue, campaign: rig.campaign,
            account: rig.account {
                $0.host = "not-yet.invalid"; $0.port = port
            }, plan: rig.plan,
            classifier: ReplyClassifier(rules: []), options: SendOptions(wait: true))
        let reason = Mutex("")
        let run = Task {
            try await dispatcher.run { picture in
                if case .reconnect(_, let error)? = picture.waiting { reason.withLock { $0 = error } }
            }
        }
        for _ in 0..<600 where reason.withLock({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(50)) }
        #expect(reason.withLock { $0.contains("not-yet.invalid") }, "\(reason.withLock { $0 })")
        dispatcher.drain()
        guard case .interrupted = try await run.value else {
            Issue.record("did not wait")
            return
        }
    }

    @Test("after a rest one session tries, and the campaign ends well")
    func probing() async throws {
        let rig = try Rig("at mail first 3 reply 550 Connection frequency limited\n", people: 60)
        let rule = ReplyRule(
            id: "freq", code: "550", text: "frequency limited", level: .route, action: .rest,
            rest: .milliseconds(100))
        guard case .finished = try await rig.send(rules: [rule], { $0.sessions = 8 }) else {
            Issue.record("not finished")
            return
        }
        #expect(try rig.tallies.sent == 60)
    }
}
