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

    /// Answers that are known, and the rule that is to read each.
    static let texts: [(code: Int, enhanced: String?, text: String, host: String, rule: String)] = [
        // Greylisting: Postgrey, SQLgrey, rspamd, Plesk, milter-greylist, Exim, Exchange, policyd, Coremail.
        (
            450, "4.2.0", "<a@b.cn>: Recipient address rejected: Greylisted, see http://postgrey.example/help", "",
            "general.greylisted"
        ),
        (451, "4.7.1", "Greylisting in action, please come back in 00:05:00", "", "general.greylisted"),
        (451, nil, "Temporary greylisting in place, please try again later", "", "general.greylisted"),
        (
            450, "4.7.1", "<a@b.cn>: Recipient address rejected: Policy Rejection: Greylisting - Please try later.", "",
            "general.greylisted"
        ),
        (451, "4.7.1", "Try again later", "", "general.greylisted-rspamd"),
        (451, "4.7.1", "Service unavailable - try again later", "", "general.greylisted-rspamd"),
        (450, nil, "Graylisted, please retry", "", "general.graylisted"),
        (451, nil, "grey list: unknown sender", "", "general.grey-listing"),
        (451, nil, "grey-listed", "", "general.grey-listed"),
        (450, nil, "灰名单,请稍后重试", "", "general.greylisted-zh"),
        (450, nil, "灰名單,請稍後再試", "", "general.greylisted-zh-tw"),
        // QQ, as LESSONS lists them, and what else it says.
        (
            550, nil, "Connection frequency limited. http://service.mail.qq.com", "smtp.qq.com",
            "qq.connection-frequency"
        ),
        (550, nil, "Domain frequency limited", "smtp.exmail.qq.com", "qq.frequency"),
        (550, nil, "Sender frequency limited", "smtp.qq.com", "qq.frequency"),
        (550, nil, "Ip frequency limited", "smtp.qq.com", "qq.frequency"),
        (550, nil, "Mailbox unavailable or access denied", "smtp.qq.com", "qq.recipient-had-enough"),
        (550, nil, "Connection denied", "smtp.qq.com", "qq.connection-denied"),
        (550, nil, "Access denied. Ip may be in black list", "smtp.qq.com", "qq.address-listed"),
        (550, nil, "Domain may not exist or DNS check failed", "smtp.qq.com", "qq.sender-domain"),
        (550, nil, "Mail content denied. http://service.mail.qq.com", "smtp.qq.com", "qq.content-denied"),
        // NetEase.
        (554, nil, "MI:STC smtp5", "smtp.163.com", "netease.daily-cap"),
        (554, nil, "DT:SPM 163 smtp9", "smtp.163.com", "netease.alike"),
        (451, nil, "DT:SPM ,please try again", "smtp.163.com", "netease.suspected"),
        (450, nil, "MI:CEL 163 smtp1", "smtp.163.com", "netease.bad-commands"),
        (450, nil, "MI:CCL 163 smtp1", "smtp.163.com", "netease.commands"),
        (450, nil, "MI:DMC 163 smtp1", "smtp.163.com", "netease.connection"),
        (450, nil, "RP:DRC 163 smtp1", "smtp.163.com", "netease.recipients-a-session"),
        (450, nil, "RP:CCL 163 smtp1", "smtp.163.com", "netease.recipient-commands"),
        (451, nil, "RP:CEL 163 smtp1", "smtp.163.com", "netease.recipient-errors"),
        (451, nil, "RP:TRC 163 smtp1", "smtp.163.com", "netease.recipient-total"),
        (451, nil, "RP:QRC 163 smtp1", "smtp.163.com", "netease.recipient-quota"),
        (421, nil, "HL:ITC 163 smtp1", "smtp.163.com", "netease.address-total"),
        (421, nil, "HL:IFC 163 smtp1", "smtp.163.com", "netease.address-rate"),
        (421, nil, "HL:ICC 163 smtp1", "smtp.163.com", "netease.address-connections"),
        (421, nil, "HL:REP 163 smtp1", "smtp.163.com", "netease.address-reputation"),
        (421, nil, "HL:MEP 163 smtp1", "smtp.163.com", "netease.forged-senders"),
        (450, nil, "DT:RBL 163 smtp1", "smtp.163.com", "netease.block-list"),
        (450, nil, "WM:BLI 163 smtp1", "smtp.163.com", "netease.address-not-allowed"),
        (450, nil, "WM:BLU 163 smtp1", "smtp.163.com", "netease.user-not-allowed"),
        (554, nil, "MI:SPB 163 smtp1", "smtp.163.com", "netease.sender-blocked"),
        (
            451, nil, "Requested mail action not taken: too much fail authentication", "smtp.163.com",
            "netease.logins-failed"
        ),
        // Aliyun.
        (
            554, nil, "Reject by behaviour spam ANTISPAM_BAT[0120, c01a]: too frequently sending", "smtp.mxhichina.com",
            "aliyun.too-frequent"
        ),
        (554, nil, "Reject by behaviour spam at Mail From State", "smtp.mxhichina.com", "aliyun.behaviour"),
        (
            454, nil, "Transient reject by behaviour spam ANTISPAM_BAT[0120]: currently unexpected sending",
            "smtp.mxhichina.com", "aliyun.unexpected"
        ),
        (
            504, nil, "the number of RCPT attempts is achieved the maximum threshold", "smtp.aliyun.com",
            "aliyun.recipients-a-day"
        ),
        (505, nil, "the total of RCPTs is achieved the maximum threshold", "smtp.aliyun.com", "aliyun.recipients"),
        (554, nil, "spamed by local spam engine", "smtp.aliyun.com", "aliyun.content"),
        // Microsoft.
        (
            550, "5.1.90", "Your message can't be sent because you've reached your daily limit for message recipients",
            "smtp.office365.com", "outlook.daily-cap"
        ),
        (
            432, "4.3.2", "STOREDRV.ClientSubmit; sender thread limit exceeded; Concurrent connections limit exceeded",
            "smtp.office365.com", "outlook.connections"
        ),
        (
            554, "5.2.0", "STOREDRV.Submission.Exception: SubmissionQuotaExceeded, submission quota exceeded",
            "smtp.office365.com", "outlook.submissions"
        ),
        (
            451, "4.7.651", "The mail server has been temporarily rate limited due to IP reputation", "",
            "outlook.reputation"
        ),
        (451, "4.7.500", "Server busy. Please try again later from [203.0.113.5]", "", "outlook.busy"),
        (
            550, "5.7.708", "Service unavailable. Access denied, traffic not accepted from this IP", "",
            "outlook.not-accepted"
        ),
        (550, "5.1.8", "Access denied, bad outbound sender", "smtp.office365.com", "outlook.blocked-sender"),
        // Sina, Coremail.
        (552, nil, "too many same size mails", "smtp.sina.com", "sina.alike"),
        (451, nil, "out of allow RCPT numbers", "smtp.sina.com", "sina.recipients"),
        (550, nil, "black ip", "smtp.sina.com", "sina.address-listed"),
        (552, nil, "message rejected by anti-spam engine", "smtp.sina.com", "sina.content"),
        (554, nil, "IP is rejected", "", "coremail.address-refused"),
        (450, nil, "IP is hangup", "", "coremail.address-held"),
        (550, nil, "User suspended", "", "coremail.suspended"),
        (450, nil, "User hangup", "", "coremail.held"),
        // Others.
        (550, nil, "sending quota exceeded", "", "general.sending-quota"),
        (552, nil, "Quota exceeded", "", "general.quota-exceeded"),
        (552, nil, "收件人邮箱已满", "", "general.mailbox-full-zh"),
        (552, nil, "邮箱空间不足", "", "general.mailbox-full-zh-size"),
        (550, nil, "邮箱不存在", "", "general.no-such-address-zh"),
        (550, nil, "账号不存在", "", "general.no-such-account-zh"),
        (550, nil, "无此用户", "", "general.no-such-person-zh"),
        (550, nil, "user not exist", "", "general.user-not-exist"),
    ]

    @Test("each known text of a provider is read by its own rule", arguments: texts.indices)
    func known(_ index: Int) {
        let (code, enhanced, text, host, rule) = Self.texts[index]
        let verdict = classifier.judge(Reply(code: code, enhanced: enhanced, text: text), host: host, at: .rcpt)
        #expect(verdict.rule == rule, "\(text)")
        if verdict.kind == .greylisted {
            #expect(verdict.level == .recipient && verdict.action == .defer && !verdict.suppress)
            // Five minutes is what most filters ask for; a try before is wasted.
            #expect(verdict.rest.map { $0 >= .seconds(300) } ?? false)
        }
        // Nobody's address is given up for what is said of the sender.
        if verdict.level == .route { #expect(verdict.action == .rest && verdict.rest != nil && !verdict.suppress) }
    }

    @Test("a 5xx that only says greylisting in passing is no greylisting")
    func notGreylisted() {
        let verdict = classifier.judge(
            Reply(code: 550, enhanced: "5.7.1", text: "greylisting failed: rejected"), host: "", at: .rcpt)
        #expect(verdict.kind != .greylisted && verdict.action == .fail)
    }

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
            (
                "[[rule]]\nid = \"a\"\ncode = \"550\"\nlevel = \"recipient\"\naction = \"fail\"\nkind = \"greylisted\"\n",
                "r.toml:6: rule.kind"
            ),
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
        #expect(builtinResources.count == 10 + 7 + 2 * 3)
    }
}
