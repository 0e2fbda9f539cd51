import GRDB

/// Notices when a list, or its sender, is what servers refuse, not single recipients: a share of final refusals among a
/// campaign's latest answers. The campaign is paused then, before the whole list is burnt.
struct RefusalWatch: Equatable {
    /// Final answers (sent or failed) looked back on.
    static let span = 100
    /// Fewer of them say nothing yet.
    static let least = 50
    /// Where it paused the campaign before, so many refusals among the answers since then are enough.
    static let leastAgain = 10

    /// The share (0…1) from which on it is too much.
    let share: Double
    /// It paused the campaign before; only answers since then are counted.
    let again: Bool
    private(set) var answers = 0
    private(set) var refused = 0

    init(share: Double, again: Bool) {
        self.share = share
        self.again = again
    }

    /// Takes in the next older answer; false when it needs no more.
    mutating func look(refused isRefused: Bool) -> Bool {
        answers += 1
        if isRefused { refused += 1 }
        return answers < Self.span
    }

    var isTooMuch: Bool {
        guard refused > 0, again ? refused >= Self.leastAgain || answers >= Self.least : answers >= Self.least else {
            return false
        }
        return Double(refused) >= share * Double(answers)
    }
}

/// What is counted is the log, in the commit that settles: so all processes share it, and it outlives them.
extension Commit {
    /// By attempt_campaign, the newest first. Those put off or cut off lie between; behind so many it looks no further.
    private static let latestAnswers: StaticString = """
        SELECT id, outcome FROM attempt INDEXED BY attempt_campaign WHERE campaign = ?1 AND id > ?2
        ORDER BY id DESC LIMIT 1000
        """

    /// Pauses a campaign of whose latest answers too many are refusals. Called after one was settled.
    func watchRefusals(_ campaign: Int64, share: Double) throws {
        let work = try self.campaign(campaign)
        guard work.state == .sending, work.tallies.unsettled > 0 else { return }
        let name = "refusals \(campaign)"
        let mark = try prepare("SELECT value FROM meta WHERE name = ?")
        mark.bind(1, name)
        let since = try mark.step() ? mark.integer(0) : nil
        mark.reset()
        var watch = RefusalWatch(share: share, again: since != nil)
        var newest: Int64 = 0
        let query = try prepare(Self.latestAnswers)
        query.bind(1, campaign)
        query.bind(2, since ?? 0)
        while try query.step() {
            newest = max(newest, query.integer(0))
            let outcome = query.optional(1).flatMap { AttemptOutcome(code: $0) }
            guard outcome == .sent || outcome == .failed else { continue }
            guard watch.look(refused: outcome == .failed) else { break }
        }
        query.reset()
        guard watch.isTooMuch else { return }
        let insert = try prepare(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value")
        insert.bind(1, name)
        insert.bind(2, newest)
        try insert.run()
        try order(
            .pause, campaign,
            "\(watch.refused) of the last \(watch.answers) answers were final refusals; "
                + "look at the list and the log before going on")
    }
}
