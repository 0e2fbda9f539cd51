import Sender
import Testing

@testable import outpost

@Suite("Reply rules")
struct ReplyRuleTests {
    private let classifier: ReplyClassifier

    init() throws { classifier = ReplyClassifier(rules: try ReplyRules.load(folder: nil)) }

    struct Case: CustomTestStringConvertible, Sendable {
        var code: Int
        var enhanced: String?
        var text: String
        var host = "smtp.example.com"
        var level: ReplyLevel
        var action: ReplyAction
        var suppress = false
        var testDescription: String { "\(code) \(text)" }
    }

    static let cases: [Case] = [
        Case(code: 550, text: "Connection frequency limited", host: "smtp.qq.com", level: .route, action: .rest),
        Case(code: 550, text: "Domain frequency limited. http://service.mail.qq.com", level: .route, action: .rest),
        Case(code: 550, text: "Sender frequency limited", level: .route, action: .rest),
        Case(code: 550, text: "Ip frequency limited", level: .route, action: .rest),
        Case(code: 550, text: "Mailbox unavailable or access denied", level: .recipient, action: .defer),
        Case(code: 501, text: "Mail from address must be same as authorization user.", level: .route, action: .rest),
        Case(code: 554, text: "DT:SPM 163 smtp9,DdGowAB3, see http://mail.163.com", level: .route, action: .rest),
        Case(code: 554, text: "MI:STC smtp5", level: .route, action: .rest),
        Case(code: 451, text: "MI:SFQ smtp3", level: .route, action: .rest),
        Case(code: 553, text: "Mail from must equal authorized user", level: .route, action: .rest),
        Case(code: 554, text: "DT:SUM smtp1", level: .message, action: .fail),
        Case(code: 535, enhanced: "5.7.8", text: "Username and Password not accepted", level: .route, action: .login),
        Case(
            code: 534, enhanced: "5.7.9", text: "Application-specific password required", level: .route, action: .login),
        Case(code: 530, enhanced: "5.7.0", text: "Authentication required", level: .route, action: .login),
        Case(code: 538, enhanced: "5.7.11", text: "Encryption required", level: .route, action: .login),
        Case(code: 454, enhanced: "4.7.0", text: "TLS not available", level: .route, action: .rest),
        Case(code: 421, enhanced: "4.3.2", text: "Service shutting down", level: .route, action: .rest),
        Case(
            code: 421, enhanced: "4.7.28", text: "Our system has detected an unusual rate", level: .route, action: .rest
        ),
        Case(code: 550, enhanced: "5.4.5", text: "Daily user sending limit exceeded", level: .route, action: .rest),
        Case(code: 450, enhanced: "4.2.0", text: "Greylisted", level: .recipient, action: .defer),
        Case(code: 451, text: "Local error in processing", level: .recipient, action: .defer),
        Case(code: 452, enhanced: "4.3.1", text: "Insufficient system storage", level: .recipient, action: .defer),
        Case(code: 552, enhanced: "5.2.2", text: "Mailbox full", level: .recipient, action: .defer),
        Case(code: 550, text: "The mailbox is full", level: .recipient, action: .defer),
        Case(code: 552, enhanced: "5.3.4", text: "Message size exceeds limit", level: .message, action: .fail),
        Case(
            code: 550, enhanced: "5.1.1", text: "The account does not exist", level: .recipient, action: .fail,
            suppress: true),
        Case(code: 550, text: "No such user here", level: .recipient, action: .fail, suppress: true),
        Case(code: 550, text: "USER UNKNOWN", level: .recipient, action: .fail, suppress: true),
        Case(code: 550, text: "用户不存在", level: .recipient, action: .fail, suppress: true),
        Case(
            code: 550, text: "Mailbox not found. http://service.mail.qq.com", level: .recipient, action: .fail,
            suppress: true),
        Case(code: 553, text: "Mailbox name not allowed", level: .recipient, action: .fail),
        Case(code: 554, enhanced: "5.7.1", text: "Message rejected as spam", level: .message, action: .fail),
        Case(code: 550, text: "Requested action not taken", level: .recipient, action: .fail),
    ]

    @Test("a real answer is read as what it means", arguments: cases)
    func judged(_ example: Case) {
        let reply = Reply(code: example.code, enhanced: example.enhanced, text: example.text)
        let verdict = classifier.judge(reply, host: example.host, at: .rcpt)
        #expect(verdict.level == example.level, "\(verdict.rule)")
        #expect(verdict.action == example.action, "\(verdict.rule)")
        #expect(verdict.suppress == example.suppress, "\(verdict.rule)")
    }

    @Test("throttling never suppresses, and rests for as long as the rule says")
    func rests() {
        let verdict = classifier.judge(
            Reply(code: 550, text: "Connection frequency limited"), host: "smtp.qq.com", at: .banner)
        #expect(verdict.rest == .seconds(600) && !verdict.suppress && verdict.rule == "qq.connection-frequency")
    }

    @Test("each rule has its own name, and a fault in a file names its line")
    func names() throws {
        let rules = try ReplyRules.load(folder: nil)
        #expect(Set(rules.map(\.id)).count == rules.count)
        #expect(rules.last?.id == "general.later")
        for (text, part) in [
            ("[[rule]]\nid = \"a\"\ncode = \"550\"\nlevel = \"route\"\naction = \"fail\"\n", "r.toml:5: rule.action"),
            ("[[rule]]\nid = \"a\"\ncode = \"650\"\nlevel = \"route\"\naction = \"rest\"\n", "r.toml:3: rule.code"),
            ("[[rule]]\nid = \"a\"\nlevel = \"route\"\naction = \"rest\"\n", "r.toml:2: rule.id"),
        ] {
            do {
                _ = try ReplyRules.rules(TOMLFile(text: text, path: "r.toml"))
                Issue.record("\(text) passed")
            } catch let failure as Failure { #expect(failure.what.contains(part), "\(failure.what)") }
        }
    }

    @Test("what the program carries is what config/ holds")
    func embedded() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        for (path, text) in builtinResources {
            let bytes = try FilePath.read("/\(root)/config/\(path)")
            #expect(String(decoding: bytes, as: UTF8.self) == text, "run config/embed.sh: \(path)")
        }
        #expect(builtinResources.count == 10 + 4 + 3)
    }
}
