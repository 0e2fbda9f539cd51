import ArgumentParser
import Clock
import Mail
import Queue

/// `outpost suppress add|remove|list|import`
struct SuppressCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suppress", abstract: "Addresses never to be mailed.",
        subcommands: [AddCommand.self, RemoveCommand.self, ListedCommand.self, FromFileCommand.self])

    struct AddCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Put addresses (or *@domain) on the list.")
        @Argument(help: "Addresses, or *@domain for everybody there.") var addresses: [String]
        @Option(help: "Why.") var reason = "by hand"
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let queue = try Installation().queue(creating: true)
            let now = SystemClock().now()
            let entries = try addresses.map {
                Suppression(key: try SuppressionKey.key($0), reason: reason, since: now, by: "user")
            }
            let new = try queue.suppress(entries)
            Notice.line(tr("{0} added, {1} were on the list already.", "\(new)", "\(entries.count - new)"))
        }
    }

    struct RemoveCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Take addresses off the list.")
        @Argument(help: "Addresses, or *@domain.") var addresses: [String]
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let queue = try Installation().queue(creating: true)
            let removed = try queue.unsuppress(addresses.map(SuppressionKey.key))
            Notice.line(tr("{0} taken off the list.", "\(removed)"))
            if removed == 0 {
                throw Failure(
                    .notFound, tr("None of these was on the list."), next: tr("To see it: outpost suppress list"))
            }
        }
    }

    struct ListedCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Show the list.")
        @OptionGroup var format: ListFormat
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let queue = try Installation().readingQueue()
            var output = StandardOutput()
            if format.csv {
                try output.write(CSVText.row(["address", "reason", "since", "by"]))
            } else if !format.json {
                try output.write(TextTable.line([tr("ADDRESS"), tr("SINCE"), tr("REASON")], widths: [36, 17, 0]))
            }
            let now = SystemClock().now()
            var last = ""
            while let queue {
                let entries = try queue.suppressions(after: last, limit: 1000)
                for entry in entries { try output.write(line(entry, now: now)) }
                guard let end = entries.last, entries.count == 1000 else { break }
                last = end.key
            }
            try output.flush()
        }

        private func line(_ entry: Suppression, now: Timestamp) -> String {
            if format.csv { return CSVText.row([entry.key, entry.reason, entry.since.iso8601, entry.by]) }
            guard format.json else {
                return TextTable.line(
                    [entry.key, TimeText.moment(entry.since, now: now), entry.reason], widths: [36, 17, 0])
            }
            var object = JSONText()
            object.add("email", entry.key)
            object.add("reason", entry.reason)
            object.add("since", entry.since)
            object.add("by", entry.by)
            return object.line + "\n"
        }
    }

    struct FromFileCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Put a file's addresses on the list: CSV with an email column, or one a line.")
        @Argument(help: "The file.") var file: String
        @Option(help: "Why.") var reason = "imported"
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let queue = try Installation().queue(creating: true)
            let counts = try SuppressionFile(file).store(in: queue, reason: reason)
            Notice.line(
                tr(
                    "in {0} = new {1} + known {2} + rejected {3}", "\(counts.total)", "\(counts.new)",
                    "\(counts.known)",
                    "\(counts.rejected)"))
            for reject in counts.firstRejects { Notice.line("  " + reject) }
            if counts.new + counts.known == 0 {
                throw Failure(.badData, tr("{0} holds no address.", file))
            }
        }
    }
}
