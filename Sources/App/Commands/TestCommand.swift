import ArgumentParser
import Mail
import Sender

/// `outpost test DIR --to EMAIL`
struct TestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Send one rendered sample to yourself, outside the campaign's tally.")

    @Argument(help: "The campaign's folder.") var folder: String
    @Option(help: ArgumentHelp("Where the sample goes.", valueName: "address")) var to: String
    @Option(help: ArgumentHelp("Whose fields fill it; the first recipient's without it.", valueName: "address")) var of:
        String?
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let installation = try Installation()
        let config = try installation.config()
        let file = try CampaignFile(folder: folder)
        let settings = try config.account(named: file.account, in: file)
        do { _ = try Mailbox(parsing: to) } catch { throw Failure(.usage, "--to: \(to): " + told("\(error)")) }
        let account = try config.sender(settings)
        let sample = try SampleMessage(file, account: settings, of: of)
        let message = try sample.plan.render(sample.input(to: to))
        if account.user != nil { _ = try await account.password() }
        let reply = try await SampleSender.send(message, account: account)
        installation.log.write(.info, "test \(file.name) to \(to): \(reply.line)")
        guard reply.isPositive else {
            throw Failure(
                .unreachable, tr("{0} refused the sample: {1}", account.server, reply.line),
                next: tr("Nothing of the campaign was sent."))
        }
        Notice.line(tr("A sample went to {0}: {1}", to, reply.line))
    }
}
