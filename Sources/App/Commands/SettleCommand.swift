import ArgumentParser
import Mail
import Queue

extension DoubtDecision: ExpressibleByArgument {}

/// `outpost settle NAME --in-doubt resend|sent|failed`, or `--evidence FILE…`
struct SettleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settle",
        abstract: "Decide about people whose hand-over was cut off, so that nobody knows whether it arrived.",
        discussion: """
            Look at the account's Sent folder, or ask them, before you choose resend: it may double a message. \
            --evidence looks for you: in the log of a mail server of your own (Postfix, Exim), in a Maildir or mbox of \
            sent mail, and in delivery reports; whoever is not mentioned there stays in doubt.
            """
    )

    @Argument(help: "The campaign.") var name: String
    @Option(help: "resend, or count them as sent, or as failed.") var inDoubt: DoubtDecision?
    @Option(help: ArgumentHelp("Decide by this log, mailbox or report; may be repeated.", valueName: "path"))
    var evidence: [String] = []
    @Option(help: ArgumentHelp("Only this address; may be repeated.", valueName: "address")) var email: [String] = []
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if (inDoubt == nil) == evidence.isEmpty {
            throw ValidationError(tr("Say either --in-doubt resend|sent|failed or --evidence PATH."))
        }
    }

    func run() async throws {
        let queue = try Installation().queue()
        let campaign = try Installation.campaign(name, in: queue)
        let keys = try email.map { text in
            do { return try Mailbox.key(of: text) } catch { throw Failure(.usage, "--email: \(text): \(error)") }
        }
        guard let inDoubt else {
            return try EvidenceReport.print(
                try DoubtByEvidence(queue: queue, campaign: campaign).settle(
                    evidence.map(FilePath.absolute), only: keys))
        }
        let count = try queue.settleInDoubt(campaign.id, as: inDoubt, emails: keys.isEmpty ? nil : keys)
        if count == 0, !email.isEmpty {
            throw Failure(
                .badData, tr("None of these is in doubt in {0}.", name),
                next: tr("To see who is: outpost recipients {0} --state in_doubt", name))
        }
        if count == 0 {
            Notice.line(tr("Nobody in {0} is in doubt.", name))
            return
        }
        switch inDoubt {
        case .resend: Notice.line(tr("{0} people go back into the queue. To send: outpost send {1}", "\(count)", name))
        case .sent: Notice.line(tr("{0} people count as sent.", "\(count)"))
        case .failed: Notice.line(tr("{0} people count as failed.", "\(count)"))
        }
    }
}
