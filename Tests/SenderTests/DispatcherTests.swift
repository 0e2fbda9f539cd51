import Clock
import Foundation
import PostOffice
import Queue
import Sender
import Testing

@Suite("A campaign sent to a post office", .timeLimit(.minutes(2)))
struct DispatcherTests {
    @Test("everybody gets it once, over several sessions", arguments: [true, false])
    func plain(_ pipelining: Bool) async throws {
        let rig = try Rig(people: 200) { $0.pipelining = pipelining }
        guard case .finished = try await rig.send() else {
            Issue.record("not finished")
            return
        }
        #expect(try rig.tallies.sent == 200)
        #expect(try Set(rig.accepted()).count == 200 && rig.accepted().count == 200)
        #expect(try rig.queue.verify(deep: true).isEmpty)
        #expect(try rig.queue.campaign(id: rig.campaign.id)?.state == .finished)
        let attempt = try #require(try rig.log.first)
        #expect(attempt.code == 250 && attempt.outcome == .sent && attempt.messageID.hasSuffix("@example.com>"))
    }

    @Test(
        "over STARTTLS and over implicit TLS, with a login",
        arguments: [TLSMode.starttls, .implicit], [AuthMethod.plain, .login])
    func protected(_ mode: TLSMode, _ method: AuthMethod) async throws {
        let rig = try Rig(people: 30) {
            $0.tls = mode == .implicit ? .implicit : .starttls
            $0.users = ["me@test": "秘密 secret"]
        }
        let ending = try await rig.send {
            $0.tls = mode
            $0.caFile = rig.folder + "/ca.pem"
            $0.user = "me@test"
            $0.auth = method
            $0.password = { "秘密 secret" }
        }
        guard case .finished = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(try rig.accepted().count == 30)
        #expect(try rig.log.allSatisfy { $0.tls == "TLSv1.3" })
    }

    @Test("a wrong password is tried once, costs nobody an attempt, and is nowhere in the queue")
    func wrongPassword() async throws {
        let rig = try Rig(people: 10) {
            $0.tls = .starttls
            $0.users = ["me@test": "right"]
        }
        let ending = try await rig.send {
            $0.tls = .starttls
            $0.caFile = rig.folder + "/ca.pem"
            $0.user = "me@test"
            $0.password = { "wr0ng-passw0rd" }
        }
        guard case .loginRefused(let reply) = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(reply.hasPrefix("535"))
        #expect(try rig.tallies.pending == 10 && rig.log.isEmpty)
        #expect(try rig.events().filter { $0["code"] as? Int == 535 }.count == 1)
        for file in try FileManager.default.contentsOfDirectory(atPath: rig.folder + "/home") {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: rig.folder + "/home/" + file))
            #expect(bytes.range(of: Data("wr0ng-passw0rd".utf8)) == nil)
        }
    }

    @Test("a certificate nobody vouches for is the end, not a fallback")
    func unknownIssuer() async throws {
        let rig = try Rig(people: 5) { $0.tls = .starttls }
        guard case .unreachable = try await rig.send(SendOptions(), rules: [], { $0.tls = .starttls }) else {
            Issue.record("sent all the same")
            return
        }
        #expect(try rig.tallies.pending == 5 && rig.accepted().isEmpty)
    }

    @Test("STARTTLS that is not offered is refused before anything is said; a login without TLS goes to this machine")
    func downgrade() async throws {
        let rig = try Rig(people: 5) {
            $0.users = ["u": "p"]; $0.allowsPlaintextAuth = true
        }
        guard case .unreachable = try await rig.send(SendOptions(), rules: [], { $0.tls = .starttls }) else {
            Issue.record("went on without TLS")
            return
        }
        #expect(rig.office.counts().logins == 0)
        _ = try await rig.send(SendOptions(), rules: []) {
            $0.user = "u"
            $0.password = { "p" }
        }
        #expect(try rig.office.counts().logins > 0 && rig.accepted().count == 5)
    }

    @Test("temporary refusals come back and get through")
    func transient() async throws {
        let rig = try Rig(
            "seed 3\nat rcpt rate 20% reply 451 4.3.2 later\nat dot rate 10% reply 452 4.2.2 full\n", people: 100)
        let ending = try await rig.send { $0.retry = RetrySchedule(Array(repeating: .milliseconds(20), count: 30)) }
        guard case .finished = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(try rig.tallies.sent == 100)
        #expect(try rig.log.contains { $0.outcome == .deferred })
        #expect(try Set(rig.accepted()).count == 100 && rig.accepted().count == 100)
        #expect(try rig.queue.verify(deep: true).isEmpty)
    }

    @Test("without --wait, what waits for another try is left, and said")
    func noWait() async throws {
        let rig = try Rig("at rcpt to p3@* reply 451 4.3.2 later\n")
        let ending = try await rig.send(SendOptions()) { $0.retry = RetrySchedule([.seconds(3600)]) }
        guard case .waiting(let until) = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(until > SystemClock().now() + .seconds(3000))
        #expect(try rig.tallies.sent == 19 && rig.tallies.deferred == 1)
    }

    @Test(
        "who waits for room under a domain's cap is said to, by the run that filled it and by the next",
        arguments: [nil, "Test.Example"])
    func waitsForDomain(_ key: String?) async throws {
        let rig = try Rig(people: 20)
        let cap = Limit(scope: .domain, key: key?.lowercased(), count: 6, per: .seconds(3600))
        for run in 0..<2 {
            let ending = try await rig.send(SendOptions()) { $0.limits.append(cap) }
            guard case .capped(let limit, key: "test.example", let until) = ending else {
                Issue.record("run \(run): \(ending)")
                return
            }
            #expect(limit.scope == .domain && limit.count == 6)
            #expect(until > SystemClock().now() + .seconds(3000))
            #expect(try rig.tallies.sent == 6 && rig.tallies.pending == 14)
        }
    }

    @Test("a server that writes Chinese in GBK is understood, and its words are kept as text")
    func chineseBytes() async throws {
        // 发信频率过高, 邮箱已满
        let rig = try Rig(
            """
            at rcpt to p3@* reply 550 5.7.1 \\xB7\\xA2\\xD0\\xC5\\xC6\\xB5\\xC2\\xCA\\xB9\\xFD\\xB8\\xDF
            at rcpt to p5@* reply 550 \\xD3\\xCA\\xCF\\xE4\\xD2\\xD1\\xC2\\xFA
            """)
        let rules = [
            ReplyRule(id: "often", code: "550", text: "频率*高", level: .recipient, action: .defer),
            ReplyRule(id: "full", code: "550", text: "邮箱已满", level: .recipient, action: .fail, suppress: true),
        ]
        _ = try await rig.send(SendOptions(), rules: rules) { $0.retry = RetrySchedule([.seconds(3600)]) }
        let tallies = try rig.tallies
        #expect(tallies.sent == 18 && tallies.deferred == 1 && tallies.failed == 1, "\(tallies)")
        let log = try rig.log
        #expect(log.filter { $0.reply == "发信频率过高" }.map(\.outcome) == [.deferred])
        #expect(log.filter { $0.reply == "邮箱已满" }.map(\.outcome) == [.failed])
    }

    @Test("an address that does not exist fails alone, and is never mailed again")
    func hardBounce() async throws {
        let rig = try Rig("at rcpt to p7@* reply 550 5.1.1 No such user\n")
        let rule = ReplyRule(id: "nouser", code: "5.1.1", level: .recipient, action: .fail, suppress: true)
        guard case .finished = try await rig.send(rules: [rule]) else {
            Issue.record("not finished")
            return
        }
        #expect(try rig.tallies.sent == 19 && rig.tallies.failed == 1)
        #expect(try rig.queue.isSuppressed(key: "p7@test.example") != nil)
    }

    @Test("throttling rests the route and burns nobody")
    func throttled() async throws {
        let rig = try Rig("cap 5 per 1h reply 550 Connection frequency limited\n")
        let rule = ReplyRule(
            id: "freq", code: "550", text: "frequency limited", level: .route, action: .rest, rest: .seconds(600))
        let ending = try await rig.send(SendOptions(), rules: [rule])
        guard case .resting(let until, let reply) = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(reply.contains("frequency limited") && until > SystemClock().now() + .seconds(500))
        let tallies = try rig.tallies
        #expect(tallies.sent == 5 && tallies.failed == 0 && tallies.deferred >= 1)
        let again = try await rig.send(SendOptions(), rules: [rule])
        guard case .resting = again else {
            Issue.record("the rest was forgotten: \(again)")
            return
        }
        #expect(try rig.accepted().count == 5)
    }

    @Test("a line lost after the dot is a doubt, before it no harm")
    func lostLines() async throws {
        let rig = try Rig("at dot every 10 drop-after\nat dot every 7 drop-before\n", people: 60)
        let ending = try await rig.send()
        guard case .inDoubt(let count) = ending else {
            Issue.record("\(ending)")
            return
        }
        let tallies = try rig.tallies
        #expect(tallies.inDoubt == count && tallies.sent + tallies.inDoubt == 60)
        let accepted = try rig.accepted()
        #expect(Set(accepted).count == accepted.count, "somebody got it twice")
        let sent = try rig.queue.recipients(rig.campaign.id, state: .sent, after: 0, limit: 100).map(\.email)
        #expect(Set(sent).isSubset(of: accepted))
        #expect(try rig.queue.verify(deep: true).isEmpty)
    }

    @Test("a server that hangs up on one message alone does not hold up the others for ever")
    func poison() async throws {
        let rig = try Rig("at dot to p4@* drop-before\n", people: 12)
        let ending = try await rig.send {
            $0.sessions = 1; $0.retry = RetrySchedule([.milliseconds(10)])
        }
        switch ending {
        case .finished, .inDoubt: break
        default: Issue.record("\(ending)")
        }
        let tallies = try rig.tallies
        #expect(tallies.sent == 11)
        #expect(tallies.failed + tallies.inDoubt == 1)
    }

    @Test("a cap ends the run, and the next run does not pass it")
    func capped() async throws {
        let rig = try Rig()
        for _ in 0..<2 {
            let ending = try await rig.send(SendOptions()) {
                $0.limits = [Limit(scope: .source, count: 7, per: .seconds(3600))]
            }
            guard case .capped(let limit, "default", let until) = ending else {
                Issue.record("\(ending)")
                return
            }
            #expect(limit.count == 7 && until > SystemClock().now() + .seconds(3500))
            #expect(try rig.tallies.sent == 7)
        }
        #expect(try rig.accepted().count == 7)
    }

    @Test("with --wait it goes on when the cap frees")
    func waits() async throws {
        let rig = try Rig(people: 12)
        let ending = try await rig.send { $0.limits = [Limit(scope: .source, count: 5, per: .milliseconds(400))] }
        guard case .finished = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(try rig.accepted().count == 12)
    }

    @Test("a domain at its cap does not hold up another domain")
    func domainCap() async throws {
        let rig = try Rig(people: 10, domain: "one.example")
        let importer = try rig.queue.importer(for: rig.campaign.id)
        for index in 0..<10 {
            let email = "q\(index)@two.example"
            try importer.add(
                ImportRow(email: email, key: email, domain: "two.example", fields: "\(email)\u{1F}x", line: 50))
        }
        _ = try importer.finish()
        let ending = try await rig.send(SendOptions()) {
            $0.limits = [Limit(scope: .domain, key: "one.example", count: 3, per: .seconds(3600))]
        }
        guard case .capped(_, key: "one.example", _) = ending else {
            Issue.record("\(ending)")
            return
        }
        let accepted = try rig.accepted()
        #expect(accepted.filter { $0.hasSuffix("one.example") }.count == 3)
        #expect(accepted.filter { $0.hasSuffix("two.example") }.count == 10)
    }

    @Test("--limit sends so many and no more")
    func limit() async throws {
        let rig = try Rig()
        guard case .limitReached = try await rig.send(SendOptions(limit: 4)) else {
            Issue.record("ended otherwise")
            return
        }
        #expect(try rig.accepted().count == 4 && rig.tallies.sent == 4)
        #expect(try rig.queue.verify(deep: true).isEmpty)
    }

    @Test("nobody there is said so, and nobody is burnt")
    func unreachable() async throws {
        let rig = try Rig(people: 3)
        rig.office.stop()
        guard case .unreachable = try await rig.send(SendOptions()) else {
            Issue.record("ended otherwise")
            return
        }
        #expect(try rig.tallies.pending == 3 && rig.log.isEmpty)
    }

    @Test("a pause from elsewhere stops it at a message's end")
    func pause() async throws {
        let rig = try Rig("at dot latency 20ms\n", people: 500)
        async let sending = rig.send()
        while try rig.tallies.sent < 5 { try await Task.sleep(for: .milliseconds(5)) }
        try rig.queue.pause(rig.campaign.id, reason: "test")
        guard case .paused = try await sending else {
            Issue.record("ended otherwise")
            return
        }
        let tallies = try rig.tallies
        #expect(tallies.sending == 0 && tallies.inDoubt == 0 && tallies.sent + tallies.pending == 500)
        #expect(try rig.accepted().count == tallies.sent)
    }

    @Test("asked to end, it finishes what is in flight and begins nothing")
    func drain() async throws {
        let rig = try Rig("at dot latency 20ms\n", people: 500)
        let dispatcher = Dispatcher(
            queue: rig.queue, campaign: rig.campaign, account: rig.account(), plan: rig.plan,
            classifier: ReplyClassifier(rules: []), options: SendOptions())
        async let sending = dispatcher.run()
        while try rig.tallies.sent < 5 { try await Task.sleep(for: .milliseconds(5)) }
        dispatcher.drain()
        guard case .interrupted = try await sending else {
            Issue.record("ended otherwise")
            return
        }
        let tallies = try rig.tallies
        #expect(tallies.sending == 0 && tallies.inDoubt == 0)
        #expect(try rig.accepted().count == tallies.sent)
    }

    @Test("two processes' dispatchers on one queue send nobody twice and pass no cap")
    func two() async throws {
        let rig = try Rig(people: 120)
        let second = try Queue.open(at: rig.folder + "/home/queue.sqlite3", access: .readWrite)
        let limits = [Limit(scope: .source, count: 40, per: .milliseconds(700))]
        let account = rig.account { $0.limits = limits }
        async let first = rig.send { $0.limits = limits }
        async let other = Dispatcher(
            queue: second, campaign: rig.campaign, account: account, plan: rig.plan,
            classifier: ReplyClassifier(rules: []), options: SendOptions(wait: true)
        ).run()
        _ = try await (first, other)
        let accepted = try rig.accepted()
        #expect(accepted.count == 120 && Set(accepted).count == 120)
        #expect(try rig.queue.verify(deep: true).isEmpty)
    }
}
