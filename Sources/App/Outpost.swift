import ArgumentParser
import Glibc

/// The program: what is typed, taken to its command.
@main
struct Outpost: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outpost",
        abstract: "A post office in a terminal: personal mail to an opt-in list, inside your provider's caps.",
        usage: "outpost [<command>] [--home <dir>]",
        discussion: """
            Without a command it opens the console. To begin: outpost init, outpost new DIR, outpost check DIR, \
            outpost send DIR. Everything is kept in the folders of the XDG specification, or in one that --home or \
            OUTPOST_HOME names.
            """,
        version: Outpost.versionText,
        groupedSubcommands: [
            CommandGroup(
                name: "Begin",
                subcommands: [
                    DemoCommand.self, InitCommand.self, NewCommand.self, AccountsCommand.self, PresetsCommand.self,
                ]),
            CommandGroup(
                name: "Prepare",
                subcommands: [
                    CheckCommand.self, ForecastCommand.self, PreviewCommand.self, TestCommand.self, ImportCommand.self,
                ]),
            CommandGroup(
                name: "Send",
                subcommands: [
                    SendCommand.self, PauseCommand.self, ResumeCommand.self, CancelCommand.self, SettleCommand.self,
                    RetryCommand.self,
                ]),
            CommandGroup(
                name: "Watch",
                subcommands: [
                    ListCommand.self, StatusCommand.self, RecipientsCommand.self, LogCommand.self, ExplainCommand.self,
                    LimitsCommand.self, WaitsCommand.self, RestsCommand.self,
                ]),
            CommandGroup(
                name: "Keep",
                subcommands: [
                    SuppressCommand.self, VerifyCommand.self, ProveCommand.self, BackupCommand.self,
                    PostOfficeCommand.self,
                    StressCommand.self, DrillCommand.self,
                ]),
        ])

    static let versionText = "outpost 0.1.0"

    @OptionGroup var common: CommonOptions

    /// The console.
    func run() async throws {
        guard isatty(0) == 1, isatty(1) == 1 else {
            throw Failure(
                .usage, tr("The console needs a terminal."),
                next: tr("To see where campaigns stand: outpost status. All commands: outpost --help"))
        }
        let ending = await Console.run(source: try QueueConsoleSource(places: Places()))
        switch ending {
        case .quit: break
        case .background(let names):
            Notice.line(tr("Still being sent without the console: {0}", names.joined(separator: ", ")))
        case .drained: Notice.line(tr("What was in flight is finished; the rest waits in the queue."))
        case .signal: break
        case .unusable(let reason): throw Failure(.usage, tr("The console cannot be shown: {0}", reason))
        }
        Glibc.exit(ending.exitCode)
    }

    static func main() async {
        // A closed pipe or connection is an error to be handled where it is written to.
        signal(SIGPIPE, SIG_IGN)
        // So is a file that reached the largest size this process may write (ulimit -f).
        signal(SIGXFSZ, SIG_IGN)
        occupyStandardDescriptors()
        Lifeline.follow()
        do {
            let arguments = try CommonOptions.takeHome(from: Array(CommandLine.arguments.dropFirst()))
            try requireKnownCommand(arguments.first)
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            Glibc.exit(0)
        } catch {
            Boundary.leave(error)
        }
    }

    /// A standard stream that came closed must not become the number of a file or connection opened next: what is printed
    /// would be written there. Opened the wrong way round, it stays an error to use.
    private static func occupyStandardDescriptors() {
        for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) < 0 {
            // The lowest free number is this one.
            _ = open("/dev/null", (number == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC)
        }
    }

    /// A word that is no command, and what was perhaps meant.
    private static func requireKnownCommand(_ word: String?) throws {
        guard let word, !word.hasPrefix("-") else { return }
        let known = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
        guard !known.contains(word) else { return }
        throw Failure(
            .usage, tr("There is no command \"{0}\".", word),
            next: Suggestion.nearest(to: word, among: known).map { tr("Did you mean \"{0}\"?", $0) }
                ?? tr("All commands: outpost --help"))
    }
}
