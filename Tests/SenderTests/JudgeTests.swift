import Clock
import Queue
import Testing

@testable import Sender

private let rules = [
    ReplyRule(
        id: "qq.frequency", host: "*.qq.com", code: "550", text: "frequency limited", level: .route, action: .rest,
        rest: .seconds(600)),
    ReplyRule(id: "nouser", code: "5.1.1", level: .recipient, action: .fail, suppress: true),
    ReplyRule(id: "mailbox", code: "5xx", text: "mailbox*full", level: .recipient, action: .defer),
]

private func judge(
    _ delivery: Delivery, attempts: Int = 0, losses: Int = 0, host: String = "smtp.qq.com",
    retry: [Duration] = [.seconds(60), .seconds(300)]
) -> Judgement {
    let account = Account(name: "a", host: host, port: 465, tls: .implicit, retry: RetrySchedule(retry))
    return Judge(account: account, classifier: ReplyClassifier(rules: rules)).judge(
        delivery, attempt: 7, domain: "example.com", attempts: attempts, losses: losses, bytes: 10, tls: nil,
        now: Timestamp(seconds: 1000),
        jitter: 0.5)
}

@Suite("What an answer means")
struct JudgeTests {
    @Test("only a 2xx to the dot is sent")
    func sent() {
        #expect(judge(.answered(.dot, Reply(code: 250, text: "ok"))).settlement.outcome == .sent)
        #expect(judge(.answered(.dot, Reply(code: 354, text: "?"))).settlement.outcome != .sent)
    }

    @Test("a throttling 550 rests the route, and burns neither recipient nor attempt")
    func throttled() {
        let judgement = judge(.answered(.mail, Reply(code: 550, text: "Connection frequency limited")))
        #expect(judgement.settlement.outcome == .deferred)
        #expect(!judgement.settlement.countsAsAttempt)
        #expect(judgement.settlement.suppress == nil)
        #expect(
            judgement.consequence
                == .rest(.seconds(600), rule: "qq.frequency", reply: "550 Connection frequency limited", attempt: 7))
        #expect(judgement.settlement.retryAt == Timestamp(seconds: 1600))
    }

    @Test("a rule for one provider's hosts says nothing about another's")
    func otherHost() {
        let judgement = judge(
            .answered(.rcpt, Reply(code: 550, text: "Connection frequency limited")), host: "mx.example.org")
        #expect(judgement.settlement.outcome == .failed)
    }

    @Test("an address that does not exist fails and is suppressed; another 550 fails only")
    func hardBounce() {
        let gone = judge(.answered(.rcpt, Reply(code: 550, enhanced: "5.1.1", text: "No such user")))
        #expect(gone.settlement.outcome == .failed && gone.settlement.suppress == "550 5.1.1 No such user")
        let other = judge(.answered(.rcpt, Reply(code: 550, text: "no")))
        #expect(other.settlement.outcome == .failed && other.settlement.suppress == nil)
    }

    @Test("4xx waits by the schedule, and fails when it is used up")
    func deferred() {
        let reply = Reply(code: 451, text: "later")
        let first = judge(.answered(.rcpt, reply))
        #expect(first.settlement.outcome == .deferred && first.settlement.retryAt == Timestamp(seconds: 1060))
        #expect(first.settlement.countsAsAttempt)
        #expect(judge(.answered(.rcpt, reply), attempts: 1).settlement.retryAt == Timestamp(seconds: 1300))
        #expect(judge(.answered(.rcpt, reply), attempts: 2).settlement.outcome == .failed)
    }

    @Test("a wait the server names is obeyed when it is longer")
    func named() {
        let reply = Reply(code: 450, text: "Greylisted, try again in 10 minutes")
        #expect(judge(.answered(.rcpt, reply)).settlement.retryAt == Timestamp(seconds: 1600))
    }

    @Test("a full mailbox is a matter of time, whatever the code")
    func mailboxFull() {
        #expect(judge(.answered(.rcpt, Reply(code: 552, text: "Mailbox is FULL"))).settlement.outcome == .deferred)
    }

    @Test("a refused login stops the account and uses up nothing", arguments: [530, 534, 535, 538])
    func login(_ code: Int) {
        let judgement = judge(.answered(.mail, Reply(code: code, text: "no")))
        #expect(judgement.consequence == .loginRefused("\(code) no"))
        #expect(judgement.settlement.outcome == .deferred && !judgement.settlement.countsAsAttempt)
    }

    @Test(
        "421 rests the route for the account's first wait, a minute at most or as the server says, and uses up nothing")
    func closing() {
        let waits: [(text: String, retry: Int64, rest: Int64)] = [
            ("bye", 60, 60), ("bye", 2, 2), ("bye", 3600, 60), ("try again in 5 minutes", 2, 300),
        ]
        for (text, retry, rest) in waits {
            let judgement = judge(.answered(.mail, Reply(code: 421, text: text)), retry: [.seconds(retry)])
            #expect(
                judgement.consequence
                    == .rest(.seconds(rest), rule: "default.closing", reply: "421 \(text)", attempt: 7))
            #expect(judgement.settlement.outcome == .deferred && !judgement.settlement.countsAsAttempt)
        }
    }

    @Test("lost before the dot is no harm, after it a doubt")
    func lost() {
        let before = judge(.lost("reset"), losses: 1)
        #expect(before.settlement.outcome == .aborted && !before.settlement.countsAsAttempt)
        #expect(before.consequence == .reconnect)
        let after = judge(.doubtful("reset"))
        #expect(after.settlement.outcome == .inDoubt && after.consequence == .reconnect)
        #expect(judge(.untouched).settlement.outcome == .aborted)
    }

    @Test("a message lost again and again counts at last")
    func lostOften() {
        #expect(judge(.lost("reset"), losses: 3).settlement.outcome == .deferred)
        #expect(judge(.lost("reset"), attempts: 2, losses: 3).settlement.outcome == .failed)
    }

    @Test("content refused at the dot fails the message")
    func content() {
        #expect(judge(.answered(.dot, Reply(code: 554, text: "spam"))).settlement.outcome == .failed)
    }

    @Test(
        "waits in a server's words",
        arguments: [
            ("450 try again in 5 minutes", 300), ("451 please wait 30 seconds", 30), ("450 retry after 90s", 90),
            ("421 try again later", nil), ("450 greylisted for 300 seconds", 300), ("451 try again in 2 hours", 7200),
            ("450 4.2.0 try again in 99999 hours", 86_400), ("451 come back in 00:05:00", 300),
            ("451 greylisting in action, please come back in 01:00:30", 3630), ("451 try again after 14:30:00", nil),
            ("421 retry-after: 120", 120), ("450 try again in an hour", 3600),
            ("450 please retry in half an hour", 1800),
            ("450 wait ten minutes", 600), ("450 try later, in 15min", 900), ("451 rate limited for 10 minutes", 600),
            ("450 blocked for 1 day", 86_400), ("450 only for 10 minutes of fame", nil),
            ("421 4.7.0 too many connections, 10 of 20", nil), ("450 again 0 minutes", nil),
            ("450 请5分钟后重试", 300), ("450 请 30 秒后再试", 30), ("550 发送过快,请1小时后再发", 3600),
            ("450 请在2个小时之后重试", 7200), ("450 请半小时后重试", 1800), ("450 请十五分钟后重试", 900),
            ("450 已封禁24小时", 86_400), ("450 請等待 10 分鐘", 600), ("450 请等待20分钟", 1200),
            ("450 每小时限100封,请稍后重试", nil), ("450 10分钟内发送过多", nil), ("450 请3天后重试", 86_400),
            ("450 请５分钟后重试", 300),
        ] as [(String, Int?)])
    func waits(_ text: String, _ seconds: Int?) {
        #expect(NamedWait.read(Pattern.folded(text.utf8)) == seconds.map { .seconds($0) })
    }

    @Test("code patterns")
    func codes() {
        #expect(ReplyRule.code("5xx", covers: "550") && !ReplyRule.code("5xx", covers: "450"))
        #expect(ReplyRule.code("4.7.x", covers: "4.7.650") && !ReplyRule.code("4.7.x", covers: "4.2.1"))
        #expect(!ReplyRule.code("550", covers: "5.5.0"))
    }

    @Test("a text pattern looks for its parts in order")
    func patterns() {
        #expect(Pattern("a*B").matches("xxA..b") && !Pattern("a*b").matches("b..a"))
        #expect(Pattern("用户不存在").matches("550 用户不存在"))
        #expect(!Pattern("abc").matches("ab"))
    }
}
