import Clock
import Foundation
import PostOffice
import Queue
import Sender
import Testing

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
        #expect(campaign.tallies.failed >= RefusalWatchSpan.least && campaign.tallies.pending > 100)
        #expect(try rig.queue.verify(deep: true).isEmpty)
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

    private enum RefusalWatchSpan { static let least = 50 }
}
