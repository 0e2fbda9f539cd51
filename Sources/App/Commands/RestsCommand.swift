import ArgumentParser
import Clock
import Queue
import Sender

/// `outpost rests [lift|rules]`
struct RestsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rests", abstract: "Which servers are left in peace, until when, and the answer that caused it.",
        discussion: """
            A server that says "slow down" is left alone for a while, by every process that sends over it; then one \
            session tries. Whoever was answered so waits too, and loses no try.
            """,
        subcommands: [ListedCommand.self, LiftCommand.self, RulesCommand.self], defaultSubcommand: ListedCommand.self)

    struct ListedCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Rests in force, and those that ended in the last week.")
        @Flag(help: "All that are kept, however long ago they ended.") var all = false
        @OptionGroup var format: ListFormat
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let now = SystemClock().now()
            let found = try Installation().readingQueue()?.recentRests(limit: 2_000) ?? []
            let rests = found.filter { all || $0.isInForce || now - $0.rest.until < .seconds(7 * 86_400) }
            var output = StandardOutput()
            if format.json {
                for rest in rests { try output.line(RestReport.json(rest).line) }
            } else if format.csv {
                try output.write(RestReport.csvHeading)
                for rest in rests { try output.write(RestReport.csv(rest)) }
            } else if rests.isEmpty {
                Notice.line(tr("No server is being left alone, and none was lately."))
            } else {
                try output.write(RestReport.text(rests, now: now))
            }
            try output.flush()
        }
    }

    struct LiftCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lift", abstract: "End a rest before its time; every process obeys within a second.")
        @Argument(help: ArgumentHelp("The rest's number, or the account's name.", valueName: "number|account"))
        var key: String
        @Flag(help: "Do not ask.") var yes = false
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let installation = try Installation()
            let rests = try installation.readingQueue()?.rests() ?? []
            let found = rests.filter { String($0.id) == key || $0.rest.account == key }
            guard !found.isEmpty else {
                throw Failure(
                    .notFound, tr("No rest in force is called \"{0}\".", key), next: tr("To see them: outpost rests"))
            }
            let now = SystemClock().now()
            if !yes, Interaction.isPossible {
                for rest in found {
                    Notice.line(
                        tr(
                            "{0} is to be left alone until {1}, because it said: {2}", rest.rest.server,
                            TimeText.moment(rest.rest.until, now: now), OutsideText.plain(rest.rest.reply)))
                }
                guard Notice.confirm(tr("Try again now? A server that is pressed often answers with a longer block."))
                else { throw Failure(.workLeft, tr("Nothing was changed.")) }
            }
            let lifted = try installation.queue().liftRests(found.map(\.id), by: Author.name)
            Notice.line(tr("{0} lifted. One session tries now; what it is told decides.", "\(lifted)"))
        }
    }

    struct RulesCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rules",
            abstract: "How servers' answers are read: pattern, action, duration; the first that fits.",
            discussion: """
                Your own rules go into replies/NAME.toml beside config.toml, in the form of these. To see which one \
                reads an answer: outpost explain 550 Connection frequency limited
                """)
        @Argument(help: ArgumentHelp("Only rules in which this word occurs.", valueName: "word")) var word: String?
        @OptionGroup var format: ListFormat
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let all = try ReplyRules.load(folder: Installation().places.configFolder)
            let rules = all.filter { rule in
                word.map { RuleReport.cells(rule).joined(separator: " ").contains($0) } ?? true
            }
            var output = StandardOutput()
            if format.json {
                for rule in rules { try output.line(RuleReport.json(rule).line) }
            } else if format.csv {
                try output.write(CSVText.row(RuleReport.names))
                for rule in rules { try output.write(CSVText.row(RuleReport.cells(rule))) }
            } else if rules.isEmpty {
                Notice.line(tr("No reply rule holds \"{0}\".", word ?? ""))
            } else {
                try output.write(RuleReport.text(rules))
            }
            try output.flush()
        }
    }
}
