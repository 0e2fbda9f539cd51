import ArgumentParser
import Clock
import Queue

/// `outpost waits [NAME]`
struct WaitsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waits", abstract: "What a campaign's time was used for: sending, and everything it waited for.",
        discussion: """
            From the campaign's first moment to its end, or to now, without gaps: each cap that was used up, each rest a \
            server asked for, each pause, and the time in which nobody was sending. The parts add up to the whole.
            """)

    @Argument(help: "The campaign; without it, the sums of all that have begun.") var name: String?
    @OptionGroup var format: ListFormat
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let installation = try Installation()
        let campaigns: [Campaign]
        let queue: Queue
        if let name {
            let (reading, campaign) = try installation.reading(campaign: name)
            (queue, campaigns) = (reading, [campaign])
        } else {
            guard let reading = try installation.readingQueue() else {
                return Notice.line(tr("No campaign has begun."))
            }
            (queue, campaigns) = (reading, try reading.campaigns())
        }
        let found = try campaigns.compactMap { campaign in
            try queue.spells(campaign.id).map { WaitReport(campaign.name, $0, now: SystemClock().now()) }
        }
        var output = StandardOutput()
        if format.csv { try output.write(WaitReport.csvHeading) }
        for (index, report) in found.enumerated() {
            if format.json {
                try output.line(report.json.line)
            } else if format.csv {
                try output.write(report.csv)
            } else {
                if index > 0 { try output.write("\n") }
                try output.write(report.summary)
                if name != nil { try output.write("\n" + report.list) }
            }
        }
        if found.isEmpty, !format.json, !format.csv {
            Notice.line(name.map { tr("{0} has not begun.", $0) } ?? tr("No campaign has begun."))
        }
        try output.flush()
    }
}
