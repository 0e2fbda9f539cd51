import ArgumentParser
import Clock
import Glibc
import Queue
import Sender

/// `outpost status [NAME]`
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Where campaigns stand: tallies, rate, caps, forecast.")

    @Argument(help: "The campaign; all of them without a name.") var name: String?
    @Flag(help: "Say it again every second, until it is finished.") var watch = false
    @OptionGroup var format: ListFormat
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let installation = try Installation()
        let config = try installation.config()
        let queue = try queue(installation)
        let classifier = try config.retryClassifier()
        var shown = 0
        while true {
            let all = try statuses(queue, config, classifier)
            var output = StandardOutput()
            if watch, !format.json, !format.csv, isatty(1) == 1 {
                try output.write(shown == 0 ? "\u{1B}[2J\u{1B}[H" : "\u{1B}[H\u{1B}[J")
            }
            try print(all, to: &output, heading: shown == 0)
            try output.flush()
            shown += 1
            let isOver = all.allSatisfy { $0.campaign.state == .finished || $0.campaign.state == .cancelled }
            guard watch, !isOver else { return }
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func queue(_ installation: Installation) throws -> Queue? {
        if let name { return try installation.reading(campaign: name).queue }
        return try installation.readingQueue()
    }

    private func statuses(
        _ queue: Queue?, _ config: Config, _ classifier: ReplyClassifier?
    ) throws -> [CampaignStatus] {
        guard let queue else { return [] }
        let campaigns = try name.map { [try Installation.campaign($0, in: queue)] } ?? queue.campaigns()
        return try campaigns.map { try CampaignStatus($0, in: queue, config: config, by: classifier) }
    }

    private func print(_ all: [CampaignStatus], to output: inout StandardOutput, heading: Bool) throws {
        if format.json {
            for status in all { try output.line(status.json.line) }
        } else if format.csv {
            if heading { try output.write(CampaignStatus.csvHeading) }
            for status in all { try output.write(status.csv) }
        } else if all.isEmpty {
            Notice.line(tr("There are no campaigns yet. To write a folder to start from, type: outpost new DIR"))
        } else {
            for (index, status) in all.enumerated() {
                if index > 0 { try output.line("") }
                try output.write(status.text)
            }
        }
    }
}

/// `outpost list`
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "All campaigns, a line each.")

    @OptionGroup var format: ListFormat
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let installation = try Installation()
        let config = try installation.config()
        let queue = try installation.readingQueue()
        let classifier = try config.retryClassifier()
        let all =
            try queue.map { queue in
                try queue.campaigns().map { try CampaignStatus($0, in: queue, config: config, by: classifier) }
            } ?? []
        var output = StandardOutput()
        if format.json {
            for status in all { try output.line(status.json.line) }
        } else if format.csv {
            try output.write(CampaignStatus.csvHeading)
            for status in all { try output.write(status.csv) }
        } else if all.isEmpty {
            Notice.line(tr("There are no campaigns yet. To write a folder to start from, type: outpost new DIR"))
        } else {
            try output.write(CampaignStatus.table(all))
        }
        try output.flush()
        if let objection = all.first?.unclaimed, !format.json, !format.csv { Notice.unclaimed(objection) }
    }
}
