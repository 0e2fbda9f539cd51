import ArgumentParser
import Dispatch
import Glibc
import PostOffice

extension PostOfficeOptions.TLS: ExpressibleByArgument {}

/// `outpost postoffice`
struct PostOfficeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "postoffice",
        abstract: "The scriptable SMTP server of the demo and the tests: it takes mail, and sends none on.",
        discussion: #"""
            A script is a text of rules, one a line:
              at rcpt to *@nouser.test reply 550 5.1.1 No such user
              at rcpt to *@full.test reply 552 \xD3\xCA\xCF\xE4\xD2\xD1\xC2\xFA # any bytes
              at dot rate 5% reply 451 4.3.0 Try again later
              at dot every 100 drop-after
              cap 20 per 5s reply 550 Connection frequency limited
            """#)

    @Option(help: "0 takes a free one.") var port: UInt16 = 0
    @Option(help: "The address to listen on.") var host = "127.0.0.1"
    @Option(help: "none, starttls or implicit.") var tls: PostOfficeOptions.TLS = .none
    @Option(help: ArgumentHelp("How it misbehaves; see above.", valueName: "file")) var script: String?
    @Option(help: ArgumentHelp("One rule more; may be repeated.", valueName: "rule")) var rule: [String] = []
    @Option(help: ArgumentHelp("Keep what is accepted here.", valueName: "folder")) var maildir: String?
    @Option(help: ArgumentHelp("A JSON line for each event.", valueName: "file")) var log: String?
    @Option(help: ArgumentHelp("Take mail only after this login.", valueName: "name")) var user: String?
    @Option(help: ArgumentHelp("The variable that holds its password.", valueName: "name")) var passwordEnv: String?
    @Option(help: ArgumentHelp("Write the certificate here, for ca_file.", valueName: "file")) var caFile: String?
    @Option(help: ArgumentHelp("A PEM certificate of your own.", valueName: "file")) var certificate: String?
    @Option(help: ArgumentHelp("Its key.", valueName: "file")) var key: String?
    @Option(help: "What it calls itself.") var hostname = "postoffice.localhost"
    @Flag(help: "Take logins without TLS too.") var plaintextAuth = false
    @Flag(inversion: .prefixedNo, help: "Announce PIPELINING.") var pipelining = true
    @Option(help: ArgumentHelp("The largest message, in bytes.", valueName: "bytes")) var maxSize = 50_000_000
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if (user == nil) != (passwordEnv == nil) {
            throw ValidationError(tr("--user and --password-env go together."))
        }
    }

    func run() async throws {
        var options = PostOfficeOptions()
        options.host = host
        options.port = port
        options.tls = tls
        options.maildir = maildir.map(FilePath.absolute)
        options.log = log.map(FilePath.absolute)
        options.certificateFile = certificate
        options.keyFile = key
        options.hostname = hostname
        options.allowsPlaintextAuth = plaintextAuth
        options.pipelining = pipelining
        options.maxSize = maxSize
        if tls != .none, certificate == nil { options.anchorFile = FilePath.absolute(caFile ?? "postoffice-ca.pem") }
        if let script { options.script = try Script(String(decoding: try FilePath.read(script), as: UTF8.self)) }
        for rule in rule {
            do { try options.script.add(rule) } catch let error as PostOfficeError {
                throw Failure(.usage, "--rule '\(rule)': \(error.cause)")
            }
        }
        if let user, let passwordEnv {
            guard let password = Environment.value(passwordEnv) else {
                throw Failure(.usage, tr("The environment variable {0} holds no password.", passwordEnv))
            }
            options.users = [user: password]
        }
        let office = try PostOffice(options)
        var lines = "listening on \(host):\(office.port)\n"
        if let anchor = options.anchorFile { lines += "ca_file \(anchor)\n" }
        try StandardOutput.print(lines)
        let signals = SignalWatch { signal, _ in
            office.stop()
            _ = signal
        }
        try await office.run()
        signals.stop()
        let counts = office.counts()
        Notice.line(
            tr(
                "accepted {0}, deferred {1}, refused {2}, connections {3}", "\(counts.accepted)", "\(counts.deferred)",
                "\(counts.rejected)", "\(counts.connections)"))
    }
}
