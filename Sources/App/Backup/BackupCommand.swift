import ArgumentParser
import Queue

/// `outpost backup FILE [--encrypt]`, `outpost backup --decrypt FILE --to OUT`
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Write a consistent copy of the queue, also while it sends.",
        discussion: """
            outpost backup queue.copy
            outpost backup queue.sealed --encrypt --password-command 'pass show outpost'
            outpost backup --decrypt queue.sealed --to queue.sqlite3 --password-file ~/.backup-password
            Encrypted is the whole copy, with AES-256-GCM and a key by scrypt from the password. Without the password \
            nobody can read it, you included.
            """)

    @Argument(help: "The file to write; it must not exist.") var file: String?
    @Flag(help: "Encrypt it with a password.") var encrypt = false
    @Option(help: ArgumentHelp("Open an encrypted backup.", valueName: "file")) var decrypt: String?
    @Option(help: ArgumentHelp("Where to put what was opened; it must not exist.", valueName: "file")) var to: String?
    @Option(help: ArgumentHelp("A command that prints the password.", valueName: "command"))
    var passwordCommand: String?
    @Option(help: ArgumentHelp("An environment variable that holds it.", valueName: "name")) var passwordEnv: String?
    @Option(help: ArgumentHelp("A file of mode 0600 that holds it.", valueName: "file")) var passwordFile: String?
    @OptionGroup var common: CommonOptions

    private var source: PasswordSource? {
        passwordCommand.map { .command(ShellWords.split($0)) } ?? passwordEnv.map { .environment($0) }
            ?? passwordFile.map { .file(FilePath.absolute($0)) }
    }

    func validate() throws {
        let sources = [passwordCommand, passwordEnv, passwordFile].compactMap(\.self).count
        if sources > 1 { throw ValidationError(tr("A password comes from one place only.")) }
        if let decrypt {
            if decrypt.isEmpty || file != nil || encrypt || to == nil {
                throw ValidationError(tr("To open a backup: outpost backup --decrypt FILE --to OUT"))
            }
        } else if to != nil || file == nil {
            throw ValidationError(tr("Name the file to write: outpost backup FILE"))
        }
        if (encrypt || decrypt != nil) != (sources == 1) {
            throw ValidationError(
                tr("--encrypt and --decrypt go with --password-command, --password-env or --password-file."))
        }
    }

    func run() async throws {
        if let decrypt, let to {
            try await sealed().open(decrypt, to: FilePath.absolute(to))
            Notice.line(tr("{0} written. It sends only after: outpost verify --claim", to))
            return
        }
        guard let file else { return }
        let installation = try Installation()
        guard let queue = try installation.readingQueue() else {
            throw Failure(.notFound, tr("There is no queue at {0}.", installation.places.queue))
        }
        let path = FilePath.absolute(file)
        if encrypt { try await sealed().write(queue, to: path) } else { try queue.backup(to: path) }
        let size = FilePath.size(file).map(NumberText.bytes) ?? ""
        Notice.line(tr("{0} written ({1}). A restored copy sends only after: outpost verify --claim", file, size))
    }

    private func sealed() async throws -> SealedBackup {
        guard let password = try await source?.read(account: "backup"), !password.isEmpty else {
            throw Failure(.configuration, tr("The password for the backup is empty."))
        }
        return SealedBackup(password: password)
    }
}
