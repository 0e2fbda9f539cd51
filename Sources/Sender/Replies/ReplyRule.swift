/// What an answer is about, from the narrowest to the widest.
public enum ReplyLevel: String, Sendable, CaseIterable {
    /// This recipient alone.
    case recipient
    /// This message; another to the same person might pass.
    case message
    /// The way there: the login, the source address, the session.
    case route
}

/// What to do about it.
public enum ReplyAction: String, Sendable, CaseIterable {
    /// Try this recipient again later.
    case `defer`
    /// Never again in this campaign.
    case fail
    /// Leave the route alone for a while; the recipient waits and loses no attempt.
    case rest
    /// The login is refused: stop using the account.
    case login
}

/// What sort of refusal an answer is: what a retry schedule can be chosen by.
public enum ReplyKind: String, Sendable, CaseIterable {
    /// Strangers are held back for some minutes, whatever they send.
    case greylisted
    /// Too much, too fast: over the route, or for one recipient.
    case throttled
    case mailboxFull = "mailbox-full"
    /// Any other “not now”.
    case temporary
    /// The connection was lost, again and again, before the answer.
    case network
    /// Nobody there, for good.
    case address
    /// This message, by policy or content.
    case content
    case login
    /// Any other “no”.
    case refused

    /// Of what is not said of a rule.
    init(_ level: ReplyLevel, _ action: ReplyAction, suppress: Bool) {
        self =
            switch action {
            case .login: .login
            case .rest: .throttled
            case .defer: .temporary
            case .fail: suppress ? .address : level == .message ? .content : .refused
            }
    }

    /// Whether whoever is answered so waits for another try by the retry schedule.
    public var isRetried: Bool {
        switch self {
        case .greylisted, .throttled, .mailboxFull, .temporary, .network: true
        case .address, .content, .login, .refused: false
        }
    }
}

/// One rule of how a server's answer is read: host, code and text pattern → level, action, rest.
public struct ReplyRule: Sendable, Hashable {
    /// Unique; kept with every decision it makes.
    public var id: String
    /// Matches the server's host name: `*.qq.com`. `nil`: any.
    public var host: Pattern?
    /// `550`, `55x`, `5xx` or an enhanced code, `5.7.1`, `4.7.x`. `nil`: any of 400...599.
    public var code: String?
    /// Matches the reply's text. `nil`: any.
    public var text: Pattern?
    public var level: ReplyLevel
    public var action: ReplyAction
    public var kind: ReplyKind
    /// How long the route rests, or the recipient waits at least.
    public var rest: Duration?
    /// The address is never to be mailed again.
    public var suppress: Bool

    public init(
        id: String, host: String? = nil, code: String? = nil, text: String? = nil, level: ReplyLevel,
        action: ReplyAction, kind: ReplyKind? = nil, rest: Duration? = nil, suppress: Bool = false
    ) {
        self.id = id
        self.host = host.map(Pattern.init)
        self.code = code
        self.text = text.map(Pattern.init)
        self.level = level
        self.action = action
        self.kind = kind ?? ReplyKind(level, action, suppress: suppress)
        self.rest = rest
        self.suppress = suppress
    }

    func matches(_ reply: Reply, folded: [UInt8], host name: [UInt8]) -> Bool {
        if let code, !Self.code(code, covers: String(reply.code)), !Self.code(code, covers: reply.enhanced ?? "") {
            return false
        }
        if let host, !host.matches(folded: name) { return false }
        if let text, !text.matches(folded: folded) { return false }
        return true
    }

    /// `x` stands for any one number of an enhanced code, or any one digit of a code.
    static func code(_ pattern: String, covers code: String) -> Bool {
        let (p, c) = (pattern.split(separator: "."), code.split(separator: "."))
        guard p.count == c.count else { return false }
        if p.count == 1 {
            return p[0].count == c[0].count && zip(p[0], c[0]).allSatisfy { $0 == "x" || $0 == $1 }
        }
        return zip(p, c).allSatisfy { $0 == "x" || $0 == $1 }
    }
}
