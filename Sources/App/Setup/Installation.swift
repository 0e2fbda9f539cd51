import Clock
import Queue

/// What a command works on: the places, the configuration, the queue and the log of this user.
struct Installation: Sendable {
    let places: Places
    let log: LogFile

    init() throws {
        places = try Places()
        log = LogFile(places.log)
    }

    func config() throws -> Config { try Config.load(places) }

    /// The queue for writing; `creating` makes it where there is none.
    /// - Throws: `QueueError`.
    func queue(creating: Bool = false) throws -> Queue {
        try Queue.open(at: places.queue, access: creating ? .create : .readWrite)
    }

    /// The queue for reading only; nil where there is none yet.
    func readingQueue() throws -> Queue? {
        guard FilePath.exists(places.queue) else { return nil }
        do {
            return try Queue.open(at: places.queue, access: .readOnly)
        } catch QueueError.missing {
            return nil  // another process is making it at this moment
        }
    }

    /// The queue for reading; a command that names a campaign cannot do without.
    /// - Throws: `Failure` (66).
    func reading(campaign name: String) throws -> (queue: Queue, campaign: Campaign) {
        guard let queue = try readingQueue() else { throw Self.noCampaign(name, among: []) }
        return (queue, try Self.campaign(name, in: queue))
    }

    /// The queue for an order about a campaign, which a queue that is not there cannot hold.
    /// - Throws: `Failure` (66), `QueueError`.
    func ordering(campaign name: String) throws -> (queue: Queue, campaign: Campaign) {
        guard FilePath.exists(places.queue) else {
            throw Failure(
                .notFound, tr("There is no campaign \"{0}\": nothing was imported yet at {1}.", name, places.queue),
                next: tr(
                    "To import one: outpost import DIR. If it should be there, check OUTPOST_HOME or --home."))
        }
        let queue = try queue()
        return (queue, try Self.campaign(name, in: queue))
    }

    /// - Throws: `Failure` (66), with what was perhaps meant.
    static func campaign(_ name: String, in queue: Queue) throws -> Campaign {
        if let campaign = try queue.campaign(named: name) { return campaign }
        throw noCampaign(name, among: try queue.campaigns().map(\.name))
    }

    private static func noCampaign(_ name: String, among known: [String]) -> Failure {
        let near = Suggestion.nearest(to: name, among: known)
        return Failure(
            .notFound, tr("There is no campaign \"{0}\".", name),
            next: near.map { tr("Did you mean \"{0}\"?", $0) }
                ?? (known.isEmpty
                    ? tr("There are none yet. To write a folder to start from, type: outpost new DIR")
                    : tr("To see what there is, type: outpost list")))
    }
}
