import ArgumentParser
import Queue

extension RecipientState: ExpressibleByArgument {}

/// `outpost retry NAME [--state failed]`
struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Put recipients back into the queue, due at once.")

    @Argument(help: "The campaign.") var name: String
    @Option(help: ArgumentHelp("failed (the default) or deferred; may be repeated. No other.", valueName: "state"))
    var state: [RecipientState] = []
    @OptionGroup var common: CommonOptions

    func validate() throws {
        for state in state where state != .failed && state != .deferred {
            throw ValidationError(
                state == .inDoubt
                    ? tr("Doubt is settled, not retried: outpost settle {0} --in-doubt resend", ShellWords.quoted(name))
                    : tr("--state takes failed or deferred, not {0}.", state.rawValue))
        }
    }

    func run() async throws {
        let (queue, campaign) = try Installation().ordering(campaign: name)
        let count = try queue.retry(campaign.id, states: state.isEmpty ? [.failed] : Set(state))
        Notice.line(
            count == 0
                ? tr("Nobody in {0} is in that state.", name)
                : tr(
                    "{0} people are due again. To send: outpost send {1}", "\(count)", ShellWords.quoted(name)))
    }
}
