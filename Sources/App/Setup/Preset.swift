/// What is known of a provider: its server, and a careful set of caps.
struct Preset: Sendable, Equatable {
    var id: String
    var title: String
    var host: String
    var port: Int
    var tls: AccountSettings.Encryption
    var auth: AccountSettings.Mechanism
    var sessions: Int?
    /// Where a person gets the password this server wants.
    var password: String?
    /// The same in Chinese.
    var passwordInChinese: String?
    var limits: [LimitSettings]
    /// Its IMAP server.
    var mailbox: MailboxSettings.Known?

    static let keys = [
        "id", "title", "host", "port", "tls", "auth", "sessions", "password", "password_zh", "limit", "mailbox",
    ]

    /// - Throws: `Failure` (78).
    init(_ section: TOMLSection) throws {
        try section.allow(Self.keys)
        id = try section.required("id")
        title = try section.required("title")
        host = try section.required("host")
        guard let port = try section.int("port", in: 1...65_535) else { throw section.missing("port") }
        self.port = port
        tls = try section.choice("tls") ?? .implicit
        auth = try section.choice("auth") ?? .auto
        sessions = try section.int("sessions", in: 1...1000)
        password = try section.string("password")
        passwordInChinese = try section.string("password_zh")
        limits = try section.sections("limit").map { try LimitSettings($0, scope: .account) }
        mailbox = try section.section("mailbox").map { try MailboxSettings.Known($0) }
    }

    /// Where to get the password, in the user's language.
    var passwordHelp: String? {
        Translation.current.language.hasPrefix("zh") ? passwordInChinese ?? password : password
    }
}

/// Every preset: those built in, and the user's own in `presets/` beside config.toml, which win.
struct PresetCatalogue: Sendable {
    let presets: [Preset]

    /// - Parameter folder: the configuration folder; nil reads only what is built in.
    /// - Throws: `Failure` (78) for a preset that cannot be read.
    init(folder: String?) throws {
        var found: [String: Preset] = [:]
        for (file, text) in Resources.files(in: "presets", overriddenBy: folder) {
            let preset = try Preset(TOMLFile(text: text, path: file).section)
            found[preset.id] = preset
        }
        presets = found.values.sorted { $0.id < $1.id }
    }

    subscript(id: String) -> Preset? { presets.first { $0.id == id } }
}
