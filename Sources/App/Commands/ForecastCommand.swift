import ArgumentParser
import Clock
import Mail
import Queue

/// `outpost forecast DIR|NAME`
struct ForecastCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forecast",
        abstract: "When it will be finished, day by day, and what would change that.",
        discussion: """
            The caps are run forward from what was granted so far; nothing is stored or sent. For a folder that is not \
            imported yet its rows are counted. What it cannot know is how fast the server takes mail, and whom it refuses.
            """)

    @Argument(help: "The campaign's folder, or its name.") var target: String
    @Flag(help: "One JSON object.") var json = false
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let installation = try Installation()
        let forecast = try ForecastReport(target, installation)
        try StandardOutput.print(json ? forecast.json.line + "\n" : forecast.text())
        if !json, let objection = try installation.readingQueue()?.objection { Notice.unclaimed(objection) }
    }
}
