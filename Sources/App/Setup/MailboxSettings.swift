/// The mailbox of an account: where copies of what it sent and delivery reports are. The `mailbox` table of an
/// `[[account]]`, with what the preset fills in.
struct MailboxSettings: Sendable, Equatable {
    /// What a preset knows of it.
    struct Known: Sendable, Equatable {
        var host: String
        var port: Int
        var tls: AccountSettings.Encryption
        var sent: String?

        /// - Throws: `Failure` (78).
        init(_ section: TOMLSection) throws {
            try section.allow(["host", "port", "tls", "sent"])
            host = try section.required("host")
            tls = try section.choice("tls") ?? .implicit
            port = try section.int("port", in: 1...65_535) ?? MailboxSettings.standardPort(tls)
            sent = try section.line(text: "sent")
        }
    }

    var host: String
    var port: Int
    var tls: AccountSettings.Encryption
    var user: String?
    var password: PasswordSource?
    /// The folder of sent mail; nil: the one the server says it is.
    var sent: String?

    static let keys = ["host", "port", "tls", "user", "password_command", "password_env", "password_file", "sent"]

    /// - Parameters:
    ///   - section: the table; nil when there is none, and then all is the preset's.
    ///   - user, password: the account's.
    /// - Throws: `Failure` (78).
    init?(
        _ section: TOMLSection?, known: Known?, user: String?, password: PasswordSource?, folder: String
    ) throws {
        guard let section else {
            guard let known, user != nil else { return nil }
            (host, port, tls, sent) = (known.host, known.port, known.tls, known.sent)
            (self.user, self.password) = (user, password)
            return
        }
        try section.allow(Self.keys, notes: AccountSettings.neverWritten)
        let given = try section.line(text: "host")
        guard let host = given ?? known?.host else { throw section.missing("host") }
        // It becomes part of a URL.
        guard AccountSettings.isHostName(host), !host.contains(where: { "?#%\\[]".contains($0) }) else {
            throw section.fault("host", tr("\"{0}\" is no host name", host))
        }
        self.host = host
        let known = given == nil ? known : nil
        tls = try section.choice("tls") ?? known?.tls ?? .implicit
        port =
            try section.int("port", in: 1...65_535)
            ?? (tls == known?.tls ? known?.port : nil) ?? Self.standardPort(tls)
        sent = try section.line(text: "sent") ?? known?.sent
        let ownUser = try section.line(text: "user")
        let ownPassword = try AccountSettings.password(section, folder: folder)
        if tls == .none {
            guard AccountSettings.isLoopback(host) else {
                throw section.fault(
                    "tls", tr("\"none\" would read mail unprotected from {0}", host),
                    next: tr("Use \"starttls\" or \"implicit\"."))
            }
            if ownUser != nil {
                throw section.fault(
                    "user", tr("a password never crosses an unprotected connection, and tls is \"none\""),
                    next: tr("Set tls to \"starttls\" or \"implicit\", or take user out."))
            }
            return
        }
        self.user = ownUser ?? user
        self.password = ownPassword ?? password
        if self.user != nil, self.password == nil {
            throw section.fault(
                ownUser == nil ? "host" : "user", tr("needs a password"),
                next: tr("Add password_command, password_env or password_file."))
        }
        if self.user == nil, ownPassword != nil {
            let key = Self.keys.first { $0.hasPrefix("password_") && section.has($0) }
            throw section.fault(key ?? "password_command", tr("there is no user to log in with it"))
        }
    }

    static func standardPort(_ tls: AccountSettings.Encryption) -> Int { tls == .implicit ? 993 : 143 }
}
