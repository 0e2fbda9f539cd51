import ArgumentParser
import Queue

/// `outpost pause NAME`
struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stop sending a campaign; every process that sends it obeys within a second.")

    @Argument(help: "The campaign.") var name: String
    @Option(help: "Why, for whoever looks later.") var reason = ""
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let (queue, campaign) = try Installation().ordering(campaign: name)
        try queue.pause(campaign.id, reason: reason, by: Author.name)
        Notice.line(tr("{0} is paused. To go on: outpost resume {1}", name, ShellWords.quoted(name)))
    }
}

/// `outpost resume NAME`
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let a paused campaign go on.")

    @Argument(help: "The campaign.") var name: String
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let (queue, campaign) = try Installation().ordering(campaign: name)
        try queue.resume(campaign.id, by: Author.name)
        let isSent = try !queue.runners(campaign.id).isEmpty
        Notice.line(
            isSent
                ? tr("{0} goes on.", name)
                : tr(
                    "{0} may go on, and no process is sending it. To send: outpost send {1}", name,
                    ShellWords.quoted(name)))
    }
}

/// `outpost cancel NAME`
struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End a campaign for good; whoever was not sent it yet, never will be.")

    @Argument(help: "The campaign.") var name: String
    @Option(help: "Why, for whoever looks later.") var reason = ""
    @Flag(help: "Do not ask.") var yes = false
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let (queue, campaign) = try Installation().ordering(campaign: name)
        let open = campaign.tallies.pending + campaign.tallies.deferred
        if !yes, open > 0, Interaction.isPossible {
            guard Notice.confirm(tr("End {0} for good? {1} people will not get it.", name, NumberText.count(open)))
            else {
                throw Failure(.workLeft, tr("Nothing was changed."))
            }
        }
        try queue.cancel(campaign.id, reason: reason, by: Author.name)
        // Nobody sends it any more who would put a dead process's leavings in order.
        _ = try queue.recoverDead(.hold, of: campaign.id)
        Notice.line(tr("{0} is cancelled; {1} people will not get it.", name, NumberText.count(open)))
        let doubts = try Installation.campaign(name, in: queue).tallies.inDoubt
        guard doubts > 0 else { return }
        Notice.line("  " + tr("{0} in doubt", NumberText.count(doubts)))
        Notice.line("  " + tr("To decide: outpost settle {0} --in-doubt resend|sent|failed", ShellWords.quoted(name)))
    }
}
