import ArgumentParser
import Mail

extension AccountSettings.Encryption: ExpressibleByArgument {}
extension AccountSettings.Mechanism: ExpressibleByArgument {}

/// `outpost init`
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Set up an account: add it to config.toml.",
        discussion: """
            outpost init --preset qq --user you@qq.com --password-command 'pass show mail/qq'
            outpost init --name office --host mail.example.com --user you --password-env MAIL_PASSWORD
            The password itself is stored nowhere: a command prints it, a variable holds it, or a file only you may read.
            """)

    @Option(help: "A provider: see outpost presets.") var preset: String?
    @Option(help: "What to call the account; the preset's or the host's name without it.") var name: String?
    @Option(help: "The login; without it, no login.") var user: String?
    @Option(help: ArgumentHelp("The sender, Name <address>; the user without it.", valueName: "mailbox")) var from:
        String?
    @Option(help: ArgumentHelp("A command that prints the password.", valueName: "command")) var passwordCommand:
        String?
    @Option(help: ArgumentHelp("An environment variable that holds it.", valueName: "name")) var passwordEnv: String?
    @Option(help: ArgumentHelp("A file of mode 0600 that holds it.", valueName: "file")) var passwordFile: String?
    @Option(help: "The server.") var host: String?
    @Option(help: "Its port.") var port: Int?
    @Option(help: "implicit (465), starttls (587) or none (this machine only).") var tls: AccountSettings.Encryption?
    @Option(help: "How to sign in; auto takes what the server offers.") var auth: AccountSettings.Mechanism?
    @Option(help: ArgumentHelp("A PEM file of further trust anchors.", valueName: "file")) var caFile: String?
    @Option(help: ArgumentHelp("The local address to send from.", valueName: "address")) var source: String?
    @Option(help: "Connections kept open at once.") var sessions: Int?
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if preset == nil, host == nil {
            throw ValidationError(tr("Say which provider (--preset; see outpost presets) or which server (--host)."))
        }
        if [passwordCommand, passwordEnv, passwordFile].compactMap(\.self).count > 1 {
            throw ValidationError(tr("A password comes from one place only."))
        }
        if user == nil, passwordCommand != nil || passwordEnv != nil || passwordFile != nil {
            throw ValidationError(tr("A password needs --user."))
        }
    }

    func run() async throws {
        let installation = try Installation()
        let known = preset.flatMap { id in (try? PresetCatalogue(folder: installation.places.configFolder))?[id] }
        if user != nil, passwordCommand == nil, passwordEnv == nil, passwordFile == nil {
            throw Failure(
                .usage, tr("Say where the password comes from: --password-command, --password-env or --password-file."),
                next: known?.passwordHelp)
        }
        let sender = from ?? user.flatMap { $0.contains("@") ? $0 : nil }
        if let sender {
            do { _ = try Mailbox(parsing: sender) } catch {
                throw Failure(.usage, "--from: \(sender): " + told("\(error)"))
            }
        }
        var account = AccountText()
        account.add("name", name ?? preset ?? host)
        account.add("preset", preset)
        account.add("host", host)
        account.add("port", port)
        account.add("tls", tls?.rawValue)
        account.add("ca_file", caFile.map(FilePath.absolute))
        account.add("user", user)
        account.add("auth", auth?.rawValue)
        account.add("password_command", passwordCommand.map(ShellWords.split))
        account.add("password_env", passwordEnv)
        account.add("password_file", passwordFile.map(FilePath.absolute))
        account.add("from", sender)
        account.add("source", source)
        account.add("sessions", sessions)
        let config = try account.append(to: installation.places)
        let added = config.accounts.last
        Notice.line(
            tr("Account \"{0}\" is set up in {1}.", added?.name ?? "", installation.places.config))
        if let added { Notice.line("  " + tr("{0}:{1}, {2}", added.host, "\(added.port)", added.tls.rawValue)) }
        if let password = known?.passwordHelp, user != nil { Notice.line("  " + tr("Its password: {0}", password)) }
        if sender == nil {
            Notice.line("  " + tr("It has no sender yet: write from = \"…\" into it or into campaign.toml."))
        }
        Notice.line("  " + tr("Next: outpost new DIR"))
    }
}
