import Clock
import Queue

/// Where the console's figures come from and its orders go: the queue, or a fixture in tests.
///
/// All calls block and are made off the screen's thread: those about people on a thread of their own, the others one after
/// the other.
protocol ConsoleSource: Sendable {
    /// Changes whenever a snapshot may differ; cheap enough for once a second.
    func changeCounter() throws -> Int
    /// All campaigns, and in full the one named.
    func snapshot(selected: String?) throws -> Snapshot
    /// What the campaign's time was used for, and the rests in force.
    func waits(_ campaign: String) throws -> CampaignWaits
    func terms(_ campaign: String) throws -> StartTerms
    func pause(_ campaign: String) throws
    func resume(_ campaign: String) throws
    /// Decides about one who is in doubt, or about all of the campaign; answers how many that were.
    func settle(_ campaign: String, email: String?, as decision: DoubtDecision) throws -> Int
    /// Ends a rest before its time; answers how many that were: none when it was over already.
    func lift(_ rest: Int64) throws -> Int
    /// Begins a list of people; what `progress` throws, while the index takes in what is new, is thrown.
    func people(_ query: PeopleQuery, progress: (Int) throws -> Void) throws -> RecipientReader
    /// These people as they stand now.
    func people(_ campaign: String, ids: [Int64]) throws -> [RecipientRecord]
    /// One recipient's whole story, in sentences.
    func story(_ email: String) throws -> [String]
    /// Starts a process that sends the campaign and outlives the console.
    func start(_ campaign: String) throws
    /// Campaigns that processes started by this console are sending; reaps those that ended.
    func ownRunners() -> [String]
    /// Asks the processes started by this console to finish what is in flight and to end.
    func drain()
}

/// How the console was left.
enum ConsoleEnding: Sendable, Equatable {
    /// Nothing that this console started is running.
    case quit
    /// These campaigns go on being sent without it.
    case background([String])
    /// What was in flight is finished, the rest stays in the queue.
    case drained
    /// A signal asked for the end; exit with 128 + its number.
    case signal(Int32)
    /// There is no terminal, or one that cannot place its cursor; the reason in words.
    case unusable(String)

    /// The exit code of the command, by sysexits.
    var exitCode: Int32 {
        switch self {
        case .quit, .background, .drained: 0
        case .signal(let number): 128 + number
        case .unusable: 64
        }
    }
}
