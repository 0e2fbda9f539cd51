/// A judgement on one answer.
public struct Verdict: Sendable, Hashable {
    public var level: ReplyLevel
    public var action: ReplyAction
    /// How long the route rests or the recipient waits, when the rule or the server's own words say so.
    public var rest: Duration?
    public var suppress: Bool
    /// The rule that decided; `default.*` when none did.
    public var rule: String
}

/// Reads replies by rules, first match first. Providers answer 5xx for what is only throttling; taking that for a
/// hard bounce would burn a list.
public struct ReplyClassifier: Sendable {
    public let rules: [ReplyRule]

    public init(rules: [ReplyRule]) { self.rules = rules }

    /// Judges a reply of 400...599.
    /// - Parameters:
    ///   - host: the server's name as configured.
    ///   - stage: to which command it is the answer.
    public func judge(_ reply: Reply, host: String, at stage: Stage) -> Verdict {
        let folded = Pattern.folded(reply.line.utf8)
        let name = Pattern.folded(host.utf8)
        if let rule = rules.first(where: { $0.matches(reply, folded: folded, host: name) }) {
            return Verdict(
                level: rule.level, action: rule.action, rest: Self.wait(namedIn: folded) ?? rule.rest,
                suppress: rule.suppress, rule: rule.id)
        }
        return unmatched(reply, folded, at: stage)
    }

    private func unmatched(_ reply: Reply, _ folded: [UInt8], at stage: Stage) -> Verdict {
        let named = Self.wait(namedIn: folded)
        func verdict(_ level: ReplyLevel, _ action: ReplyAction, _ rule: String) -> Verdict {
            Verdict(level: level, action: action, rest: named, suppress: false, rule: "default.\(rule)")
        }
        switch (stage, reply.code) {
        case (_, 530), (_, 534), (_, 535), (_, 538): return verdict(.route, .login, "login")
        case (_, 421): return verdict(.route, .rest, "closing")
        case (.banner, _), (.ehlo, _), (.starttls, _), (.auth, _): return verdict(.route, .rest, "session")
        case (_, 400..<500): return verdict(.recipient, .defer, "transient")
        case (.rcpt, _): return verdict(.recipient, .fail, "recipient")
        default: return verdict(.message, .fail, "message")
        }
    }

    /// “try again in 10 minutes”, “wait 30 seconds”: the server's own word, at most a day.
    static func wait(namedIn folded: [UInt8]) -> Duration? {
        let words = folded.split(whereSeparator: { !(($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 122)) })
            .map { String(decoding: $0, as: UTF8.self) }
        guard let cue = words.firstIndex(where: { ["again", "wait", "retry", "after"].contains($0) }) else {
            return nil
        }
        for index in cue..<min(words.count, cue + 6) {
            let digits = words[index].prefix { $0.isNumber }
            guard let number = Int64(digits), number > 0, number < 100_000 else { continue }
            let unit =
                digits.count < words[index].count
                ? String(words[index].dropFirst(digits.count)) : index + 1 < words.count ? words[index + 1] : ""
            let seconds: Int64? =
                switch unit {
                case "s", "sec", "secs", "second", "seconds": 1
                case "m", "min", "mins", "minute", "minutes": 60
                case "h", "hour", "hours": 3600
                default: nil
                }
            if let seconds { return .seconds(min(number * seconds, 86_400)) }
        }
        return nil
    }
}
