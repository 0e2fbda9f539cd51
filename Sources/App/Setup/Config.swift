import Queue
import Sender

/// config.toml, read and checked.
struct Config: Sendable {
    enum Doubt: String, CaseIterable, Sendable {
        case hold, resend
        case assumeSent = "assume-sent"
    }

    /// What is asked before the policy decides.
    enum DoubtEvidence: String, CaseIterable, Sendable { case none, mailbox }

    /// As shown in errors.
    let path: String
    let accounts: [AccountSettings]
    /// The caps of the whole installation.
    let limits: [LimitSettings]
    let doubt: Doubt
    let doubtEvidence: DoubtEvidence
    /// Waits between tries that are not the accounts' own.
    let retries: [RetrySettings]
    /// How long the full text of attempts is kept.
    let retention: Retention
    /// Whom to ask which domains share a server.
    let dns: DNSSettings

    /// - Throws: `Failure` (78, naming file, line and key).
    init(_ file: TOMLFile, presets: PresetCatalogue) throws {
        path = file.path
        let root = file.section
        try root.allow(["account", "limit", "in_doubt", "retention", "retry", "dns"])
        let folder = FilePath.parent(file.path)
        let sections = try root.sections("account")
        accounts = try sections.map { try AccountSettings($0, presets: presets, folder: folder) }
        var seen: Set<String> = []
        for (account, section) in zip(accounts, sections) where !seen.insert(account.name).inserted {
            throw section.fault("name", tr("there are two accounts \"{0}\"", account.name))
        }
        limits =
            root.has("limit")
            ? try root.sections("limit").map { try LimitSettings($0, scope: .source) } : LimitSettings.standard
        var rules: [ReplyRule]?
        let names = accounts.map(\.name)
        let tables = try root.sections("retry")
        retries = try tables.map { section in
            try RetrySettings(section, accounts: names) {
                if rules == nil { rules = try ReplyRules.load(folder: folder) }
                return rules ?? []
            }
        }
        for (index, section) in tables.enumerated() {
            let (scope, cause) = (retries[index].rule.scope, retries[index].rule.cause)
            if retries[..<index].contains(where: { $0.rule.scope == scope && $0.rule.cause == cause }) {
                throw section.fault("waits", tr("there are two [[retry]] for {0}", retries[index].about))
            }
        }
        let policy = try root.section("in_doubt")
        try policy?.allow(["policy", "evidence"])
        doubt = try policy?.choice("policy") ?? .hold
        doubtEvidence = try policy?.choice("evidence") ?? .none
        retention = try Retention(root.section("retention"))
        dns = try DNSSettings(root.section("dns"))
    }

    /// The file of these places; an empty configuration when there is none.
    static func load(_ places: Places) throws -> Config {
        let presets = try PresetCatalogue(folder: places.configFolder)
        guard FilePath.exists(places.config) else {
            return try Config(TOMLFile(text: "", path: places.config), presets: presets)
        }
        return try Config(TOMLFile(reading: places.config), presets: presets)
    }

    /// The account of a name; without a name, the only one.
    /// - Throws: `Failure` (78).
    /// - Parameter file: the campaign.toml that names it, or does not; where the fault is told to be.
    func account(named name: String?, in file: CampaignFile? = nil) throws -> AccountSettings {
        if accounts.isEmpty {
            throw Failure(
                .configuration, tr("No account is set up in {0}.", path),
                next: tr("Type: outpost init --preset qq --user you@qq.com --password-command '…'"))
        }
        let known = accounts.map(\.name)
        guard let name else {
            if let only = accounts.first, accounts.count == 1 { return only }
            let what = tr(
                "There are several accounts ({0}), and the campaign names none.", known.joined(separator: ", "))
            let next = tr("Write account = \"…\" in campaign.toml.")
            throw file?.fault("account", what, next: next) ?? Failure(.configuration, what, next: next)
        }
        guard let account = accounts.first(where: { $0.name == name }) else {
            let next =
                Suggestion.nearest(to: name, among: known).map { tr("Did you mean \"{0}\"?", $0) }
                ?? tr("There are: {0}.", known.joined(separator: ", "))
            let what = tr("There is no account \"{0}\" in {1}.", name, path)
            throw file?.fault("account", what, next: next) ?? Failure(.configuration, what, next: next)
        }
        return account
    }

    /// Every cap that holds for an account.
    func limits(for account: AccountSettings) -> [LimitSettings] { limits + account.limits }
}
