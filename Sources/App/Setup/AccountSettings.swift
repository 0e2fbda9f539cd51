import Glibc
import Queue

/// One `[[account]]` of config.toml, with what its preset fills in.
struct AccountSettings: Sendable, Equatable {
    enum Encryption: String, CaseIterable, Sendable { case implicit, starttls, none }
    enum Mechanism: String, CaseIterable, Sendable {
        case auto, plain, login
        case cramMD5 = "cram-md5"
        case scramSHA256 = "scram-sha-256"
        case xoauth2
    }
    enum Pacing: String, CaseIterable, Sendable { case burst, even }

    struct Waits: Sendable, Equatable {
        var connect: Duration = .seconds(30)
        var reply: Duration = .seconds(300)
        var final: Duration = .seconds(600)
        var idle: Duration = .seconds(60)
    }

    struct SigningKey: Sendable, Equatable {
        var domain: String
        var selector: String
        var keyFile: String
    }

    var name: String
    var preset: String?
    var host: String
    var port: Int
    var tls: Encryption
    var caFile: String?
    var allowPlaintext: Bool
    var user: String?
    var auth: Mechanism
    var password: PasswordSource?
    var from: String?
    var source: String?
    var helo: String?
    var sessions: Int
    var messagesPerSession: Int
    var pace: Pacing
    /// The grammar, already checked.
    var retry: String
    /// Whether the file says so.
    var retryIsChosen: Bool
    var waits: Waits
    /// Per cent of final refusals among a campaign's last hundred answers at which it is paused; 0 for never.
    var refusals: Int
    var dkim: [SigningKey]
    /// When messages may be begun; nil for always.
    var window: SendingWindow?
    /// Caps of the first days of sending, a number a day.
    var warmup: [Int]
    /// The account's own caps, beside those of the file.
    var limits: [LimitSettings]
    /// Where to look for what became of a message; nil when nobody said.
    var mailbox: MailboxSettings?

    static let keys = [
        "name", "preset", "host", "port", "tls", "allow_plaintext", "ca_file", "user", "auth", "password_command",
        "password_env", "password_file", "from", "source", "helo", "sessions", "messages_per_session", "pace", "retry",
        "timeouts", "refusals", "dkim", "limit", "window", "warmup", "mailbox",
    ]
    static var neverWritten: [String: String] {
        let never = tr("a password is never written in this file; use password_command, password_env or password_file")
        return ["password": never, "pass": never]
    }
    static let standardRetry = "1m, 5m*2, 30m, 1h*6"

    /// - Parameter folder: what relative paths are relative to.
    /// - Throws: `Failure` (78).
    init(_ section: TOMLSection, presets: PresetCatalogue, folder: String) throws {
        try section.allow(Self.keys, notes: Self.neverWritten)
        name = try section.required("name")
        preset = try section.line(text: "preset")
        var filled: Preset?
        if let id = preset {
            filled = presets[id]
            if filled == nil {
                let known = presets.presets.map(\.id)
                throw section.fault(
                    "preset", tr("there is no preset \"{0}\"", id),
                    next: Suggestion.nearest(to: id, among: known).map { tr("Did you mean \"{0}\"?", $0) }
                        ?? tr("There are: {0}.", known.joined(separator: ", ")))
            }
        }
        guard let host = try section.line(text: "host") ?? filled?.host else { throw section.missing("host") }
        guard Self.isHostName(host) else {
            throw section.fault("host", tr("\"{0}\" is no host name", host))
        }
        self.host = host
        tls = try section.choice("tls") ?? filled?.tls ?? .implicit
        let standardPort = tls == .implicit ? 465 : tls == .starttls ? 587 : 25
        port =
            try section.int("port", in: 1...65_535)
            ?? (section.has("tls") ? (filled?.tls == tls ? filled?.port : nil) : filled?.port) ?? standardPort
        allowPlaintext = try section.bool("allow_plaintext") ?? false
        if tls == .none, !allowPlaintext, !Self.isLoopback(host) {
            throw section.fault(
                "tls", tr("\"none\" would send mail unprotected to {0}", host),
                next: tr("Use \"starttls\" or \"implicit\"; allow_plaintext = true permits it all the same."))
        }
        caFile = try section.line(text: "ca_file").map { FilePath.resolved($0, in: folder) }
        user = try section.line(text: "user")
        auth = try section.choice("auth") ?? filled?.auth ?? .auto
        password = try Self.password(section, folder: folder)
        if user != nil, tls == .none, !Self.isLoopback(host) {
            throw section.fault(
                "user", tr("a password never crosses an unprotected connection, and tls is \"none\""),
                next: tr("Set tls to \"starttls\" or \"implicit\", or take user out."))
        }
        if user != nil, password == nil {
            throw section.fault(
                "user", tr("needs a password"),
                next: tr("Add password_command, password_env or password_file."))
        }
        from = try section.mailbox("from")
        source = try section.line(text: "source")
        if let source, !Self.isAddress(source) {
            throw section.fault("source", tr("\"{0}\" is no IP address", source))
        }
        helo = try section.line(text: "helo")
        if let helo, helo.utf8.contains(where: { $0 <= 32 || $0 >= 127 }) {
            throw section.fault("helo", tr("\"{0}\" is no host name", helo))
        }
        sessions = try section.int("sessions", in: 1...2000) ?? filled?.sessions ?? 4
        messagesPerSession = try section.int("messages_per_session", in: 1...1_000_000_000) ?? 100
        pace = try section.choice("pace") ?? .burst
        retry = try section.line(text: "retry") ?? Self.standardRetry
        retryIsChosen = section.has("retry")
        if DurationText.waits(retry) == nil {
            throw section.fault(
                "retry", tr("\"{0}\" is no list of waits", retry),
                next: tr("Write for example \"{0}\".", Self.standardRetry))
        }
        waits = Waits()
        if let timeouts = try section.section("timeouts") {
            try timeouts.allow(["connect", "reply", "final", "idle"])
            waits.connect = try timeouts.duration("connect") ?? waits.connect
            waits.reply = try timeouts.duration("reply") ?? waits.reply
            waits.final = try timeouts.duration("final") ?? waits.final
            waits.idle = try timeouts.duration("idle") ?? waits.idle
        }
        refusals = try section.int("refusals", in: 0...100) ?? 50
        dkim = try section.sections("dkim").map { key in
            try key.allow(["domain", "selector", "key_file"])
            return SigningKey(
                domain: try key.required("domain"), selector: try key.required("selector"),
                keyFile: FilePath.resolved(try key.required("key_file"), in: folder))
        }
        window = try section.section("window").flatMap { try WindowSettings.window($0) }
        warmup = try section.ints("warmup", in: 1...1_000_000_000) ?? []
        let own = try section.sections("limit").map { try LimitSettings($0, scope: .account) }
        limits = section.has("limit") ? own : filled?.limits ?? []
        // Another server's mailbox is another's too: a password goes nowhere it was not meant for.
        let known = self.host == filled?.host ? filled?.mailbox : nil
        mailbox = try MailboxSettings(
            section.section("mailbox"), known: known, user: user, password: password, folder: folder)
    }

    static func password(_ section: TOMLSection, folder: String) throws -> PasswordSource? {
        var sources: [PasswordSource] = []
        if let words = try section.strings("password_command") {
            guard let program = words.first, !program.isEmpty else {
                throw section.fault("password_command", tr("names no program"))
            }
            sources.append(.command(words.count == 1 ? ShellWords.split(program) : words))
        }
        if let name = try section.line(text: "password_env") { sources.append(.environment(name)) }
        if let path = try section.line(text: "password_file") {
            sources.append(.file(FilePath.resolved(path, in: folder)))
        }
        if sources.count > 1 {
            let second = section.has("password_file") ? "password_file" : "password_env"
            throw section.fault(second, tr("a password comes from one place only"))
        }
        return sources.first
    }

    static func isHostName(_ text: String) -> Bool {
        !text.utf8.contains { $0 <= 32 || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "@") }
    }

    /// An IPv4 or IPv6 address in numbers.
    static func isAddress(_ text: String) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16)
        return inet_pton(AF_INET, text, &buffer) == 1 || inet_pton(AF_INET6, text, &buffer) == 1
    }

    static func isLoopback(_ host: String) -> Bool {
        if host.lowercased() == "localhost" || host == "::1" { return true }
        var buffer = [UInt8](repeating: 0, count: 4)
        return inet_pton(AF_INET, host, &buffer) == 1 && buffer[0] == 127
    }
}
