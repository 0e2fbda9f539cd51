import ArgumentParser
import Queue

/// `outpost prove [NAME]`
struct ProveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Replay the ledger: no cap was ever passed, and every tally is explained.",
        discussion: """
            Goes through every grant and every attempt as they are stored, by none of the code that grants them, and \
            says for each cap how near it ever came. A message counts from the moment it was begun until its answer was \
            stored, so the figures are the most that any server can have counted. Works while others send. Exit 1 when \
            anything contradicts.
            """)

    @Argument(help: "The campaign; all of them without a name.") var name: String?
    @Flag(help: "One JSON object.") var json = false
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let installation = try Installation()
        let config = try installation.config()
        guard let queue = try Self.reading({ try installation.readingQueue() }) else {
            throw Failure(.notFound, tr("There is no queue at {0}.", installation.places.queue))
        }
        let campaign = try name.map { try Installation.campaign($0, in: queue) }
        let proof = try Self.reading {
            try queue.prove(Self.limits(config, try queue.campaigns()), campaign: campaign?.id)
        }
        let report = ProofReport(proof, campaigns: try queue.campaigns())
        try StandardOutput.print(json ? report.json.line + "\n" : report.text())
        if !proof.isProven { throw ExitCode(ExitStatus.findings.rawValue) }
    }

    /// Every limit once, with whose messages it holds for.
    static func limits(_ config: Config, _ campaigns: [Campaign]) -> [HeldLimit] {
        var held = config.limits.map { HeldLimit(Limit($0)) }
        for account in config.accounts {
            held += account.limits.map { HeldLimit(Limit($0), account: account.name) }
            if !account.warmup.isEmpty {
                held.append(HeldLimit(Limit.warmup(account: account.name, account.warmup), account: account.name))
            }
        }
        for campaign in campaigns { held += campaign.limits.map { HeldLimit($0, campaign: campaign.id) } }
        var seen: Set<HeldLimit> = []
        return held.filter { seen.insert($0).inserted }
    }

    /// A queue that cannot be read proves nothing: bad data, whatever the reason.
    private static func reading<T>(_ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as QueueError {
            if case .missing = error { throw error }
            throw Failure(.badData, told(error.description), next: tr("Nothing is proven: the queue cannot be read."))
        }
    }
}
