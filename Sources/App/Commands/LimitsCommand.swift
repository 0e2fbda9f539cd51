import ArgumentParser
import Clock
import Queue

/// `outpost limits`
struct LimitsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits", abstract: "What each cap has left, and when the next message may go.")

    @OptionGroup var format: ListFormat
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let installation = try Installation()
        let config = try installation.config()
        let uses = try self.uses(config, in: try installation.readingQueue())
        var output = StandardOutput()
        if format.json {
            for use in uses { try output.line(LimitReport.json(use).line) }
        } else if format.csv {
            try output.write(LimitReport.csvHeading)
            for use in uses { try output.write(LimitReport.csv(use)) }
        } else if uses.isEmpty {
            Notice.line(tr("No cap is set."))
        } else {
            try output.write(LimitReport.table(uses, now: SystemClock().now()))
        }
        try output.flush()
    }

    /// Every cap once: those of each account, of the sources they send from, and of campaigns that are not over.
    private func uses(_ config: Config, in queue: Queue?) throws -> [LimitUse] {
        guard let queue else { return untouched(config) }
        var uses: [LimitUse] = []
        func add(_ found: [LimitUse]) {
            for use in found where !uses.contains(where: { Self.isSame($0, use) }) { uses.append(use) }
        }
        for account in config.accounts {
            let limits = config.caps(for: account)
            add(try queue.uses(of: limits, account: account.name, source: account.source ?? "default", campaign: nil))
        }
        if config.accounts.isEmpty {
            add(try queue.uses(of: config.limits.map(Limit.init), account: "", source: "default", campaign: nil))
        }
        // What nobody sends under today was written down all the same.
        for limit in config.limits.map(Limit.init) {
            guard let key = limit.key else { continue }
            add(try queue.uses(of: [limit], account: key, source: key, campaign: nil))
        }
        for campaign in try queue.campaigns() where campaign.state != .finished && campaign.state != .cancelled {
            add(
                try queue.uses(
                    of: campaign.limits, account: campaign.account, source: config.source(for: campaign),
                    campaign: campaign.id))
        }
        return uses
    }

    /// Before the first import there is no queue, and every cap is whole.
    private func untouched(_ config: Config) -> [LimitUse] {
        let of = { (limits: [Limit], account: String, source: String) in
            limits.compactMap { LimitUse.untouched($0, account: account, source: source) }
        }
        let all =
            config.accounts.isEmpty
            ? of(config.limits.map(Limit.init), "", "default")
            : config.accounts.flatMap { of(config.caps(for: $0), $0.name, $0.source ?? "default") }
        var uses: [LimitUse] = []
        for use in all where !uses.contains(where: { Self.isSame($0, use) }) { uses.append(use) }
        return uses
    }

    private static func isSame(_ a: LimitUse, _ b: LimitUse) -> Bool {
        (a.scope, a.key, a.perSeconds, a.count) == (b.scope, b.key, b.perSeconds, b.count)
    }
}
