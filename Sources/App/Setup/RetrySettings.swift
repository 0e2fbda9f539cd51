import Mail
import Queue
import Sender

/// One `[[retry]]` of config.toml: waits between tries for some recipients, some refusals, or both.
struct RetrySettings: Sendable, Equatable {
    enum Scope: String, CaseIterable, Sendable { case domain, campaign, account }

    static let keys = ["scope", "key", "reply", "waits"]

    var rule: RetryRule
    /// The grammar, already checked.
    var waits: String

    /// - Parameters:
    ///   - accounts: the names there are.
    ///   - rules: the reply rules, asked for only when one is named.
    /// - Throws: `Failure` (78).
    init(_ section: TOMLSection, accounts: [String], rules: () throws -> [ReplyRule]) throws {
        try section.allow(Self.keys)
        waits = try section.required("waits")
        guard let list = DurationText.waits(waits) else {
            throw section.fault(
                "waits", tr("\"{0}\" is no list of waits", waits),
                next: tr("Write for example \"{0}\".", AccountSettings.standardRetry))
        }
        rule = RetryRule(
            scope: try Self.scope(section, accounts), cause: try Self.cause(section, rules),
            schedule: RetrySchedule(list))
    }

    private static func scope(_ section: TOMLSection, _ accounts: [String]) throws -> RetryRule.Scope {
        guard let scope: Scope = try section.choice("scope") else {
            if section.has("key") {
                throw section.fault(
                    "key", tr("says whose, but not of what"),
                    next: tr("Add scope = \"domain\", \"campaign\" or \"account\"."))
            }
            return .everybody
        }
        let key = try section.required("key")
        switch scope {
        case .campaign: return .campaign(key)
        case .account:
            guard accounts.contains(key) else {
                throw section.fault(
                    "key", tr("there is no account \"{0}\"", key),
                    next: Suggestion.nearest(to: key, among: accounts).map { tr("Did you mean \"{0}\"?", $0) }
                        ?? tr("There are: {0}.", accounts.joined(separator: ", ")))
            }
            return .account(key)
        case .domain:
            guard let mailbox = try? Mailbox(parsing: "x@" + key) else {
                throw section.fault(
                    "key", tr("\"{0}\" is no domain", key), next: tr("Write for example \"{0}\".", "qq.com"))
            }
            return .domain(DomainGroup.key(mailbox.asciiDomain))
        }
    }

    private static func cause(_ section: TOMLSection, _ rules: () throws -> [ReplyRule]) throws -> RetryRule.Cause {
        guard let name = try section.line(text: "reply") else { return .any }
        let kinds = ReplyKind.allCases.filter(\.isRetried).map(\.rawValue)
        if let kind = ReplyKind(rawValue: name) {
            guard kind.isRetried else {
                throw section.fault(
                    "reply", tr("\"{0}\" is never tried again by itself", name),
                    next: tr("Those that are: {0}.", kinds.joined(separator: ", ")))
            }
            return .kind(kind)
        }
        let known = try rules()
        guard let found = known.first(where: { $0.id == name }) else {
            throw section.fault(
                "reply", tr("\"{0}\" is neither a kind of refusal nor a reply rule", name),
                next: Suggestion.nearest(to: name, among: kinds + known.map(\.id)).map {
                    tr("Did you mean \"{0}\"?", $0)
                } ?? tr("Kinds: {0}. Rules: outpost rests rules", kinds.joined(separator: ", ")))
        }
        guard found.action == .defer else {
            throw section.fault(
                "reply",
                tr("the reply rule \"{0}\" puts nobody off: its action is \"{1}\"", name, found.action.rawValue),
                next: tr("Waits go with rules whose action is \"defer\"; how long a route rests, the rule itself says.")
            )
        }
        return .rule(name)
    }

    /// What it is about, in the words of the file: `domain qq.com, greylisted`.
    var about: String {
        let whose: String? =
            switch rule.scope {
            case .everybody: nil
            case .account(let name): "account \(name)"
            case .campaign(let name): "campaign \(name)"
            case .domain(let name): "domain \(name)"
            }
        let cause: String? =
            switch rule.cause {
            case .any: nil
            case .kind(let kind): kind.rawValue
            case .rule(let id): id
            }
        let words = [whose, cause].compactMap(\.self)
        return words.isEmpty ? tr("everybody") : words.joined(separator: ", ")
    }
}

extension Config {
    /// What decides how long a recipient waits: the `[[retry]]` that holds, or nil for the account's own schedule.
    func retry(_ account: String, campaign: String?, domain: String, kind: ReplyKind, rule: String) -> RetrySettings? {
        let holding = retries.map(\.rule).holding(account: account, campaign: campaign)
        guard let found = holding.rule(domain: domain, kind: kind, rule: rule) else { return nil }
        return retries.first { $0.rule == found }
    }

    /// The waits of a campaign by which most of its recipients go: those that hold for any answer, of any domain.
    func usualWaits(_ account: AccountSettings?, campaign: String) -> [Duration] {
        guard let account else { return [] }
        let usual = retry(account.name, campaign: campaign, domain: "", kind: .temporary, rule: "")
        return usual?.rule.schedule.waits ?? DurationText.waits(account.retry) ?? []
    }
}
