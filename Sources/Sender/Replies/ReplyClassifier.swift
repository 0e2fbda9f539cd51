/// A judgement on one answer.
public struct Verdict: Sendable, Hashable {
    public var level: ReplyLevel
    public var action: ReplyAction
    /// How long the route rests or the recipient waits, when the rule or the server's own words say so.
    public var rest: Duration?
    /// What the server's own words ask for, if they do.
    public var named: Duration?
    public var suppress: Bool
    /// What sort of answer it is, for the retry schedule.
    public var kind: ReplyKind
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
            let named = NamedWait.read(folded)
            return Verdict(
                level: rule.level, action: rule.action, rest: named ?? rule.rest, named: named,
                suppress: rule.suppress, kind: rule.kind, rule: rule.id)
        }
        return unmatched(reply, folded, at: stage)
    }

    private func unmatched(_ reply: Reply, _ folded: [UInt8], at stage: Stage) -> Verdict {
        let named = NamedWait.read(folded)
        func verdict(_ level: ReplyLevel, _ action: ReplyAction, _ rule: String) -> Verdict {
            Verdict(
                level: level, action: action, rest: named, named: named, suppress: false,
                kind: ReplyKind(level, action, suppress: false), rule: "default.\(rule)")
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
}
