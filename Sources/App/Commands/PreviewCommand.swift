import ArgumentParser
import Mail

/// `outpost preview DIR [--to EMAIL] [--raw]`
struct PreviewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview", abstract: "One recipient's message, as it will be read.")

    @Argument(help: "The campaign's folder.") var folder: String
    @Option(help: ArgumentHelp("A recipient of the list; the first without it.", valueName: "address")) var to: String?
    @Flag(help: "As RFC 5322 bytes, exactly what will be sent.") var raw = false
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let config = try Installation().config()
        let file = try CampaignFile(folder: folder)
        // A campaign that names its sender can be looked at before any account is set up.
        let account = config.accounts.isEmpty && file.from != nil ? nil : try config.account(named: file.account)
        let sample = try SampleMessage(file, account: account, of: to)
        var output = StandardOutput()
        if raw {
            try output.write(sample.plan.render(sample.input()).unstuffed)
        } else {
            let text = Notice.plain(try sample.plan.preview(sample.input()).description)
            try output.write(text.hasSuffix("\n") ? text : text + "\n")
        }
        try output.flush()
    }
}
