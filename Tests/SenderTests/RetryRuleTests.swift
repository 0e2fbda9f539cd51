import Clock
import Queue
import Testing

@testable import Sender

@Suite("Which retry schedule holds")
struct RetryRuleTests {
    private static func rule(_ scope: RetryRule.Scope, _ cause: RetryRule.Cause, _ seconds: Int) -> RetryRule {
        RetryRule(scope: scope, cause: cause, schedule: RetrySchedule([.seconds(seconds), .seconds(seconds)]))
    }

    private static let rules = [
        rule(.everybody, .any, 1), rule(.account("qq"), .any, 2), rule(.account("other"), .any, 3),
        rule(.campaign("spring"), .any, 4), rule(.campaign("autumn"), .any, 5), rule(.domain("qq.com"), .any, 6),
        rule(.everybody, .kind(.greylisted), 7), rule(.account("qq"), .kind(.greylisted), 8),
        rule(.domain("163.com"), .kind(.greylisted), 9), rule(.everybody, .rule("general.greylisted-zh"), 10),
    ]

    @Test(
        "of a rule before of a kind before of any; of a domain before of a campaign before of an account",
        arguments: [
            ("qq", "spring", "foxmail.com", ReplyKind.temporary, "general.later", 6),
            ("qq", "spring", "example.com", .temporary, "general.later", 4),
            ("qq", "winter", "example.com", .temporary, "general.later", 2),
            ("none", "winter", "example.com", .mailboxFull, "general.over-quota", 1),
            ("other", "autumn", "example.com", .temporary, "x", 5),
            ("qq", "spring", "qq.com", .greylisted, "general.greylisted", 8),
            ("none", "spring", "qq.com", .greylisted, "general.greylisted", 7),
            ("qq", "spring", "126.com", .greylisted, "general.greylisted", 9),
            ("qq", "spring", "126.com", .greylisted, "general.greylisted-zh", 10),
        ])
    func order(_ account: String, _ campaign: String, _ domain: String, _ kind: ReplyKind, _ id: String, _ wait: Int) {
        for rules in [Self.rules, Self.rules.reversed()] {
            let holding = rules.holding(account: account, campaign: campaign)
            #expect(holding.rule(domain: domain, kind: kind, rule: id)?.schedule.waits.first == .seconds(wait))
        }
    }

    @Test("without a rule that holds, the account's own schedule does")
    func none() {
        let holding = [Self.rule(.domain("qq.com"), .kind(.greylisted), 9)].holding(account: "a", campaign: nil)
        #expect(holding.rule(domain: "qq.com", kind: .temporary, rule: "x") == nil)
        #expect(holding.rule(domain: "163.com", kind: .greylisted, rule: "x") == nil)
    }

    @Test("a refusal waits by the schedule of its domain and kind, a lost connection by that of the network")
    func judged() {
        var account = Account(name: "a", host: "h", port: 25, tls: .none, retry: RetrySchedule([.seconds(60)]))
        account.retries = [
            Self.rule(.domain("qq.com"), .kind(.greylisted), 400), Self.rule(.everybody, .kind(.network), 500),
        ]
        let rules = [
            ReplyRule(
                id: "g", text: "greylist", level: .recipient, action: .defer, kind: .greylisted, rest: .seconds(310))
        ]
        let judge = Judge(account: account, classifier: ReplyClassifier(rules: rules))
        func wait(_ delivery: Delivery, _ domain: String, losses: Int = 0, attempts: Int = 0) -> Settlement {
            judge.judge(
                delivery, attempt: 1, domain: domain, attempts: attempts, losses: losses, bytes: 1, tls: nil,
                now: Timestamp(seconds: 0), jitter: 0.5
            ).settlement
        }
        let grey = Delivery.answered(.rcpt, Reply(code: 450, text: "Greylisted"))
        #expect(wait(grey, "vip.qq.com").retryAt == Timestamp(seconds: 400))
        #expect(wait(grey, "vip.qq.com", attempts: 1).retryAt == Timestamp(seconds: 400))
        #expect(wait(grey, "vip.qq.com", attempts: 2).outcome == .failed)
        // A schedule for just this refusal knows better than the rule, but not than the server.
        account.retries.append(Self.rule(.domain("163.com"), .kind(.greylisted), 5))
        let shorter = Judge(account: account, classifier: judge.classifier)
        for (text, seconds) in [("Greylisted", 5), ("Greylisted for 90 seconds", 90)] {
            let settlement = shorter.judge(
                .answered(.rcpt, Reply(code: 450, text: text)), attempt: 1, domain: "126.com", attempts: 0, losses: 0,
                bytes: 1, tls: nil, now: Timestamp(seconds: 0), jitter: 0.5
            ).settlement
            #expect(settlement.retryAt == Timestamp(seconds: Double(seconds)), "\(text)")
        }
        // So does the account's, if somebody chose it.
        account.retries = []
        account.retryIsChosen = true
        let chosen = Judge(account: account, classifier: judge.classifier)
        for (text, seconds) in [("Greylisted", 60), ("Greylisted for 90 seconds", 90)] {
            let settlement = chosen.judge(
                .answered(.rcpt, Reply(code: 450, text: text)), attempt: 1, domain: "example.com", attempts: 0,
                losses: 0, bytes: 1, tls: nil, now: Timestamp(seconds: 0), jitter: 0.5
            ).settlement
            #expect(settlement.retryAt == Timestamp(seconds: Double(seconds)), "\(text)")
        }
        // The rule's own least wait, where the schedule has less.
        #expect(wait(grey, "example.com").retryAt == Timestamp(seconds: 310))
        #expect(wait(grey, "example.com", attempts: 1).outcome == .failed)
        #expect(wait(.answered(.rcpt, Reply(code: 450, text: "later")), "qq.com").retryAt == Timestamp(seconds: 60))
        #expect(wait(.lost("reset"), "qq.com", losses: 3).retryAt == Timestamp(seconds: 500))
    }
}
