import ArgumentParser
import Mail

/// `outpost preview DIR [--to EMAIL] [--raw|--json]`
struct PreviewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview", abstract: "One recipient's message, as it will be read.")

    @Argument(help: "The campaign's folder.") var folder: String
    @Option(help: ArgumentHelp("A recipient of the list; the first without it.", valueName: "address")) var to: String?
    @Flag(help: "As RFC 5322 bytes, exactly what will be sent.") var raw = false
    @Flag(help: "One JSON object.") var json = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if raw, json { throw ValidationError(tr("--raw and --json exclude each other.")) }
    }

    func run() async throws {
        let config = try Installation().config()
        let file = try CampaignFile(folder: folder)
        // A campaign that names its sender can be looked at before any account is set up.
        let account =
            config.accounts.isEmpty && file.from != nil ? nil : try config.account(named: file.account, in: file)
        let sample = try SampleMessage(file, account: account, of: to)
        var output = StandardOutput()
        if raw {
            try output.write(sample.plan.render(sample.input()).unstuffed)
        } else if json {
            try output.write(Self.json(try sample.plan.preview(sample.input()), of: sample.person).line + "\n")
        } else {
            let text = Notice.plain(try sample.plan.preview(sample.input()).description)
            try output.write(text.hasSuffix("\n") ? text : text + "\n")
        }
        try output.flush()
    }

    private static func json(_ preview: Preview, of email: String) -> JSONText {
        var object = JSONText()
        object.add("email", email)
        object.add("from", preview.from)
        object.add("to", preview.to)
        object.add("reply_to", preview.replyTo)
        object.add("subject", preview.subject)
        object.add("headers", preview.headers)
        object.add("text", preview.text)
        object.add("html", preview.html)
        object.add(
            "attachments",
            preview.attachments.map { attachment in
                var file = JSONText()
                file.add("name", attachment.name)
                file.add("size", attachment.size)
                return file
            })
        return object
    }
}
