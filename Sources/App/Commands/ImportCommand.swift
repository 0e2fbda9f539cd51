import ArgumentParser
import Queue

/// `outpost import DIR`
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Create the campaign and store its recipients; sends nothing.")

    @Argument(help: "The campaign's folder.") var folder: String
    @Flag(help: "Take a message that changed after sending began.") var acceptChanges = false
    @Flag(help: "One JSON object.") var json = false
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let installation = try Installation()
        let file = try CampaignFile(folder: folder)
        let intake = try Intake(file, config: try installation.config())
        let queue = try installation.queue(creating: true)
        let outcome = try intake.store(in: queue) { ChangedMessage.accept(file.name, flag: acceptChanges) }
        if json {
            try StandardOutput.print(ImportReport.json(outcome).line + "\n")
        } else {
            try StandardOutput.print("\(outcome.campaign.name): \(ImportReport.line(outcome.counts))\n")
        }
        ImportReport.notice(outcome)
        installation.log.write(.info, "import \(outcome.campaign.name): \(ImportReport.line(outcome.counts))")
        Notice.line(tr("Next: outpost send {0}", ShellWords.quoted(outcome.campaign.name)))
    }
}

/// Whether a message that changed after sending began is to be taken.
enum ChangedMessage {
    static func accept(_ campaign: String, flag: Bool) -> Bool {
        if flag { return true }
        guard Interaction.isPossible else { return false }
        return Notice.confirm(
            tr("The message of {0} changed after sending began. Send the new one to whoever is left?", campaign))
    }
}
