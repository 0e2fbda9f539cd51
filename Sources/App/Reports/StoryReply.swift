import Clock
import Queue
import Sender

/// A server's answer as somebody types it.
enum StoryReply {
    /// `550`, `5.1.1`, `550 5.1.1 No such user`, `550-5.1.1 …` or a text without a code (then taken for 550).
    static func parse(_ text: String) -> Reply? {
        var words = text.split(separator: " ").map(String.init)
        guard let first = words.first else { return nil }
        var code: Int?
        let digits = first.prefix { $0.isASCII && $0.isNumber }
        if digits.count == 3, let number = Int(digits), (200...599).contains(number),
            first.count == 3 || first.dropFirst(3).first == "-"
        {
            code = number
            words.removeFirst()
            if first.count > 4 { words.insert(String(first.dropFirst(4)), at: 0) }
        }
        var enhanced: String?
        if let word = words.first, isEnhanced(word), code == nil || word.first == String(code ?? 0).first {
            enhanced = word
            words.removeFirst()
        }
        if code == nil, let enhanced { code = enhanced.hasPrefix("2") ? 250 : enhanced.hasPrefix("4") ? 450 : 550 }
        if code == nil {
            // A number alone is a mistyped code; words are a text.
            guard text.contains(where: \.isLetter), !text.contains("@") else { return nil }
            code = 550
        }
        return code.map { Reply(code: $0, enhanced: enhanced, text: words.joined(separator: " ")) }
    }

    private static func isEnhanced(_ word: String) -> Bool {
        let parts = word.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 3 && ["2", "4", "5"].contains(parts[0])
            && parts.dropFirst().allSatisfy {
                (1...3).contains($0.count) && $0.allSatisfy { $0.isASCII && $0.isNumber }
            }
    }

    /// What outpost does with a verdict.
    static func consequence(_ verdict: Verdict) -> String {
        switch (verdict.level, verdict.action) {
        case (_, .login):
            return tr("It refuses the login: the account is not used any further, and nobody loses a try.")
        case (_, .rest):
            let wait = verdict.rest.map { tr("for {0}", TimeText.span($0)) } ?? tr("for a while")
            return tr(
                "It is about the way there, not about this recipient: nobody uses this way {0}, and no try is lost.",
                wait)
        case (.message, .fail):
            return tr("It is about this message: it is not offered to this recipient again; the address stays good.")
        case (_, .fail):
            return verdict.suppress
                ? tr("It is about this recipient, for good: not tried again, and never mailed again by any campaign.")
                : tr("It is about this recipient: not tried again in this campaign.")
        case (_, .defer):
            return switch verdict.kind {
            case .greylisted:
                tr("It holds back strangers for some minutes (greylisting): the recipient is tried again after that.")
            case .mailboxFull: tr("The mailbox is full for now: the recipient is tried again later.")
            default: tr("It is for now only: the recipient is tried again later.")
            }
        }
    }

    /// Which words say why: a rule's name is shown, a class's is not.
    static func rule(_ verdict: Verdict) -> String {
        verdict.rule.hasPrefix("default.")
            ? tr("No rule names it; its class decides.") : tr("Reply rule {0} decides.", verdict.rule)
    }
}

/// What an answer means in general, what outpost makes of it, and the cure.
struct StoryCodeReport {
    let reply: Reply
    let host: String
    private let verdict: Verdict?

    init(_ reply: Reply, host: String, _ classifier: ReplyClassifier) {
        self.reply = reply
        self.host = host
        verdict = reply.code >= 400 ? classifier.judge(reply, host: host, at: .rcpt) : nil
    }

    private var meanings: [String] {
        [StoryCodes.meaning(of: reply.code), reply.enhanced.flatMap(StoryCodes.meaning(ofEnhanced:))].compactMap(\.self)
    }

    var json: JSONText {
        var object = JSONText()
        object.add("code", reply.code)
        object.add("enhanced", reply.enhanced)
        object.add("reply", reply.text)
        object.add("host", host.isEmpty ? nil : host)
        object.add("meaning", meanings)
        object.add("rule", verdict?.rule)
        object.add("level", verdict?.level.rawValue)
        object.add("action", verdict?.action.rawValue)
        object.add("kind", verdict?.kind.rawValue)
        object.add("rest_seconds", verdict?.rest.map { Int($0.inSeconds) })
        object.add("suppress", verdict?.suppress ?? false)
        object.add("does", verdict.map(StoryReply.consequence))
        object.add("cure", StoryCodes.cure(reply, verdict))
        return object
    }

    func text() -> String {
        var lines = [OutsideText.plain(reply.line)]
        lines += meanings.map { "  " + $0 }
        if let verdict {
            lines.append("")
            lines.append(host.isEmpty ? tr("What outpost does:") : tr("What outpost does when {0} says so:", host))
            lines.append("  " + StoryReply.consequence(verdict))
            lines.append("  " + StoryReply.rule(verdict))
        }
        if let cure = StoryCodes.cure(reply, verdict) {
            lines.append("")
            lines.append(tr("What to do:"))
            lines.append("  " + cure)
        }
        return lines.map(OutsideText.plain).joined(separator: "\n") + "\n"
    }
}
