import ArgumentParser

/// `outpost new DIR`
struct NewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Write a small campaign folder to start from.")

    @Argument(help: "The folder to make.") var folder: String
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let path = FilePath.absolute(folder)
        let files = ["campaign.toml", "message.md", "people.csv"]
        for file in files where FilePath.exists(path + "/" + file) {
            throw Failure(
                .cannotCreate, tr("There is a {0} in {1} already; nothing was written.", file, folder),
                next: tr("Name another folder."))
        }
        let name = FilePath.name(path)
        try FilePath.makeFolder(path)
        for file in files {
            let sample =
                Resources.text("example/\(Translation.current.language)/" + file) ?? Resources.text("example/" + file)
                ?? ""
            let text = sample.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                line.hasPrefix("name = ") ? "name = " + AccountText.quoted(name) : String(line)
            }.joined(separator: "\n")
            try FilePath.create(path + "/" + file, with: Array(text.utf8))
        }
        Notice.line(tr("{0} has a campaign.toml, a message.md and a people.csv to start from.", folder))
        Notice.line("  " + tr("Next: outpost preview {0}, outpost check {0}", ShellWords.quoted(folder)))
    }
}
