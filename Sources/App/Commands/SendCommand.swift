import ArgumentParser
import Queue

extension DoubtPolicy: ExpressibleByArgument {}
extension ProgressReporter.Style: ExpressibleByArgument {}

/// `outpost send DIR|NAME`
struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Start or resume a campaign, until all is settled or nothing may be sent now.",
        discussion: """
            A folder is imported first: rows that are new are added. Nobody is sent a campaign twice. Without --wait it \
            ends with exit code 75 when a cap is used up or a retry is not due yet; run it again, or from cron.
            """)

    @Argument(help: ArgumentHelp("The campaign's folder, or its name.", valueName: "dir|name")) var target: String
    @Flag(help: "Render everything, send nothing.") var dryRun = false
    @Option(help: ArgumentHelp("Stop after so many.", valueName: "n")) var limit: Int?
    @Option(help: ArgumentHelp("Connections at once.", valueName: "n")) var sessions: Int?
    @Flag(help: "Stay, and go on when a cap frees or a retry is due.") var wait = false
    @Option(help: "Those in doubt after a crash or a lost connection: hold, resend or assume-sent.") var inDoubt:
        DoubtPolicy?
    @Flag(help: "Take a message that changed after sending began.") var acceptChanges = false
    @Option(help: "auto, bar, plain, json or none; on stderr.") var progress: ProgressReporter.Style = .auto
    @Flag(help: "Do not ask before the first send.") var yes = false
    @Flag(help: "Begin a campaign whose scheduled start was missed by more than 30 minutes.") var late = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError(tr("--limit must be 1 or more.")) }
        if let sessions, !(1...2000).contains(sessions) {
            throw ValidationError(tr("--sessions must be from 1 to 2000."))
        }
    }

    func run() async throws {
        var delivery = try Delivery(installation: Installation(), target: target)
        delivery.acceptsChanges = acceptChanges
        if dryRun { return try delivery.rehearse() }
        delivery.limit = limit
        delivery.sessions = sessions
        delivery.wait = wait
        delivery.doubt = inDoubt
        delivery.progress = progress
        delivery.acceptsLateness = late
        delivery.asks = !yes && Interaction.isPossible
        let report = try await delivery.run()
        if report.status != .done { throw ExitCode(report.status.rawValue) }
    }
}
