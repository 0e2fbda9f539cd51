import Clock

/// What a campaign is made from: frozen into the queue, so that a runner needs nothing else.
public struct CampaignDraft: Sendable {
    public var name: String
    public var account: String
    /// The folder it was read from, for people; empty when there is none.
    public var folder: String
    /// Names of the columns whose values `ImportRow.fields` joins.
    public var columns: [String]
    /// The message as the caller encodes it; opaque to the queue.
    public var content: [UInt8]
    /// Tells one content from another.
    public var contentHash: String
    /// The campaign's own limits (they may only tighten those of the account).
    public var limits: [Limit]
    public var schedule: Schedule
    public var attachments: [StoredAttachment]

    public init(
        name: String, account: String, folder: String = "", columns: [String], content: [UInt8], contentHash: String,
        limits: [Limit] = [], schedule: Schedule = Schedule(), attachments: [StoredAttachment] = []
    ) {
        self.name = name
        self.account = account
        self.folder = folder
        self.columns = columns
        self.content = content
        self.contentHash = contentHash
        self.limits = limits
        self.schedule = schedule
        self.attachments = attachments
    }
}

/// An attachment's bytes, found by their hash.
public struct StoredAttachment: Sendable, Hashable {
    public var hash: String
    public var bytes: [UInt8]

    public init(hash: String, bytes: [UInt8]) {
        self.hash = hash
        self.bytes = bytes
    }
}

/// A campaign as it stands.
public struct Campaign: Sendable, Identifiable {
    public let id: Int64
    public let name: String
    public let state: CampaignState
    /// Why it is paused or cancelled; empty otherwise.
    public let reason: String
    public let account: String
    public let folder: String
    public let columns: [String]
    public let content: [UInt8]
    public let contentHash: String
    public let limits: [Limit]
    public let schedule: Schedule
    public let tallies: Tallies
    /// All recipients; the tallies always add up to it.
    public let total: Int
    public let createdAt: Timestamp
    /// When a runner first started.
    public let startedAt: Timestamp?
    public let finishedAt: Timestamp?
}

/// How many recipients are in each state.
public struct Tallies: Sendable, Hashable {
    public var pending = 0, sending = 0, sent = 0, deferred = 0
    public var failed = 0, suppressed = 0, inDoubt = 0, cancelled = 0

    public init() {}

    public var total: Int { pending + sending + sent + deferred + failed + suppressed + inDoubt + cancelled }
    /// Those without a final outcome.
    public var unsettled: Int { pending + sending + deferred + inDoubt }

    public subscript(state: RecipientState) -> Int {
        get {
            switch state {
            case .pending: pending
            case .sending: sending
            case .sent: sent
            case .deferred: deferred
            case .failed: failed
            case .suppressed: suppressed
            case .inDoubt: inDoubt
            case .cancelled: cancelled
            }
        }
        set {
            switch state {
            case .pending: pending = newValue
            case .sending: sending = newValue
            case .sent: sent = newValue
            case .deferred: deferred = newValue
            case .failed: failed = newValue
            case .suppressed: suppressed = newValue
            case .inDoubt: inDoubt = newValue
            case .cancelled: cancelled = newValue
            }
        }
    }

    mutating func move(_ count: Int = 1, from: RecipientState, to: RecipientState) {
        self[from] -= count
        self[to] += count
    }
}
