import Clock
import Queue
import Transport

/// How a run ended, or what it waits for.
public enum Ending: Sendable {
    /// Everybody has a final outcome.
    case finished
    /// A cap is used up until then.
    case capped(Limit, key: String, until: Timestamp)
    /// What was sent from elsewhere before the queue was claimed is unknown: the cap counts as used up until then.
    case claimed(Limit, key: String, until: Timestamp)
    /// It is outside the sending window until then.
    case closed(until: Timestamp)
    /// Nobody is due before then.
    case waiting(until: Timestamp)
    /// The route rests until then, because of this answer.
    case resting(until: Timestamp, reply: String)
    /// Other processes have whoever is left, so many.
    case others(Int)
    case paused
    case cancelled
    /// Nothing is left but hand-overs whose outcome nobody knows.
    case inDoubt(Int)
    /// The server refused the login.
    case loginRefused(String)
    /// No session could be opened.
    case unreachable(String)
    /// As many as were asked for have been sent.
    case limitReached
    /// Somebody asked the process to end.
    case interrupted
    /// The machine's clock says a time that cannot be.
    case wrongClock
}

extension Ending {
    /// What a run that does not stay ends with where it would have to wait; nil for what is short, or no wait for time.
    init?(_ reason: WaitReason) {
        switch reason {
        case .cap(let limit, let key, let until): self = .capped(limit, key: key, until: until)
        case .claim(let limit, let key, let until): self = .claimed(limit, key: key, until: until)
        case .rest(let until, let reply): self = .resting(until: until, reply: reply)
        case .closed(let until): self = .closed(until: until)
        case .retry(let until): self = .waiting(until: until)
        case .nothing, .others, .reconnect, .pace, .turn, .history: return nil
        }
    }

    /// What it waits for; nil for an ending of another kind.
    var reason: WaitReason? {
        switch self {
        case .capped(let limit, let key, let until): .cap(limit, key: key, until: until)
        case .claimed(let limit, let key, let until): .claim(limit, key: key, until: until)
        case .resting(let until, let reply): .rest(until: until, reply: reply)
        case .closed(let until): .closed(until: until)
        case .waiting(let until): .retry(until: until)
        default: nil
        }
    }
}

/// Why nothing is begun at the moment.
public enum WaitReason: Sendable, Hashable {
    case cap(Limit, key: String, until: Timestamp)
    /// The same, because what was sent from elsewhere before the queue was claimed is unknown.
    case claim(Limit, key: String, until: Timestamp)
    /// It is outside the sending window of the account or the campaign, or before the campaign's hour.
    case closed(until: Timestamp)
    case retry(until: Timestamp)
    case rest(until: Timestamp, reply: String)
    case reconnect(until: Timestamp, error: String)
    case pace(until: Timestamp)
    /// What was sent before to the same servers is being found out; short.
    case history(until: Timestamp)
    /// Other processes have whoever is left; looked at again then.
    case others(until: Timestamp)
    /// The route carries as many sessions as it is trusted with at the moment.
    case turn
    /// Nobody is left to be taken.
    case nothing

    /// - Parameter answer: one that says no for a cap; nil for any other.
    init?(full answer: BeginAnswer) {
        switch answer {
        case .capped(let limit, let key, let until): self = .cap(limit, key: key, until: until)
        case .claimed(let limit, let key, let until): self = .claim(limit, key: key, until: until)
        default: return nil
        }
    }

    /// Short, and over by itself: no reason to end a run.
    var isPartOfSending: Bool {
        switch self {
        case .reconnect, .pace, .turn, .history: true
        case .cap, .claim, .closed, .retry, .rest, .others, .nothing: false
        }
    }

    /// When to look again; `nil` when only a change can bring work.
    public var until: Timestamp? {
        switch self {
        case .cap(_, _, let until), .claim(_, _, let until), .closed(let until), .retry(let until),
            .rest(let until, _), .reconnect(let until, _), .pace(let until), .history(let until),
            .others(let until):
            until
        case .nothing, .turn: nil
        }
    }
}

/// What one session is doing.
public struct SessionActivity: Sendable, Hashable {
    public var number: Int
    /// `connect`, `send`, `commit`, `wait` or `off`.
    public var step: String
    public var since: Timestamp
    public var delivered: Int
}

/// A picture of a run, given several times a second.
public struct Progress: Sendable {
    /// Outcomes recorded by this process.
    public var sent = 0
    public var deferred = 0
    public var failed = 0
    public var inDoubt = 0
    public var aborted = 0
    /// Messages sent a second, over the last few seconds.
    public var rate = 0.0
    /// Why nothing moves; `nil` while something does.
    public var waiting: WaitReason?
    public var sessions: [SessionActivity] = []
    public init() {}
}

/// How a run is to behave.
public struct SendOptions: Sendable {
    /// Begin at most so many messages.
    public var limit: Int?
    /// Stay, and go on when a cap frees or a retry is due.
    public var wait: Bool
    /// What to do with those in doubt.
    public var doubt: DoubtPolicy
    /// What to do with doubts that arise in the run.
    public var arising: DoubtPolicy
    /// Serial queues to spread the sessions over.
    public var lanes: Int
    /// Asks which domains share their MX hosts, where a limit by domain holds; nil counts each for itself.
    public var resolver: MXResolver?
    /// How long the first message waits for name servers at most; whose answer is not there by then is asked about again
    /// when it is written to.
    public var lookUpPatience: Duration
    /// Told of each hand-over when its answer is there (or is not to be had): what it came to, and the time since its
    /// beginning was on disk. Called on the lanes, so it must be quick.
    public var observe: (@Sendable (Settlement, Duration) -> Void)?

    public init(
        limit: Int? = nil, wait: Bool = false, doubt: DoubtPolicy = .hold, arising: DoubtPolicy? = nil, lanes: Int = 2,
        resolver: MXResolver? = nil, lookUpPatience: Duration = .seconds(30),
        observe: (@Sendable (Settlement, Duration) -> Void)? = nil
    ) {
        self.observe = observe
        self.resolver = resolver
        self.lookUpPatience = lookUpPatience
        self.limit = limit
        self.wait = wait
        self.doubt = doubt
        self.arising = arising ?? doubt
        self.lanes = max(1, lanes)
    }
}

extension Collection<WaitReason> {
    /// The one whose moment comes first. Whoever finds that others have all that is left says nothing about why those
    /// wait; so that comes last, since the others may be workers of this very run.
    var earliest: WaitReason? {
        var best: (reason: WaitReason, until: Timestamp)?
        var others: (reason: WaitReason, until: Timestamp)?
        for reason in self {
            guard let until = reason.until else { continue }
            if case .others = reason {
                if others.map({ until < $0.until }) ?? true { others = (reason, until) }
            } else if best.map({ until < $0.until }) ?? true {
                best = (reason, until)
            }
        }
        return (best ?? others)?.reason
    }
}
