import Clock

/// Where a recipient stands; the words are the contract's.
public enum RecipientState: String, Sendable, Codable, CaseIterable {
    case pending, sending, sent, deferred, failed, suppressed
    case inDoubt = "in_doubt"
    case cancelled

    /// As stored; SQL texts spell these numbers out. Those that wait are below 2, the rare ends above 3: a partial index
    /// on a comparison costs an update nothing, one on a list of numbers builds that list for each row.
    var code: Int64 {
        switch self {
        case .pending: 0
        case .deferred: 1
        case .sending: 2
        case .sent: 3
        case .failed: 4
        case .suppressed: 5
        case .inDoubt: 6
        case .cancelled: 7
        }
    }

    init(code: Int64) {
        switch code {
        case 1: self = .deferred
        case 2: self = .sending
        case 3: self = .sent
        case 4: self = .failed
        case 5: self = .suppressed
        case 6: self = .inDoubt
        case 7: self = .cancelled
        default: self = .pending
        }
    }
}

/// One row of a list, checked and normalised by the caller.
public struct ImportRow: Sendable {
    /// The address as written to the envelope.
    public var email: String
    /// The normalised address: two rows with one key are one person.
    public var key: String
    /// The recipient's domain in ASCII, lower case.
    public var domain: String
    /// The values of the campaign's columns, joined by U+001F.
    public var fields: String
    /// Where the row stands in the file, from 1.
    public var line: Int

    public init(email: String, key: String, domain: String, fields: String, line: Int) {
        self.email = email
        self.key = key
        self.domain = domain
        self.fields = fields
        self.line = line
    }
}

/// What became of the rows of a list; `rejected` is the caller's to fill in.
/// `in = new + known + duplicate + rejected + suppressed`.
public struct ImportCounts: Sendable, Hashable, Codable {
    public var `in` = 0
    public var new = 0
    /// In the campaign before this import began.
    public var known = 0
    /// Met earlier in this import.
    public var duplicate = 0
    public var rejected = 0
    /// Stored, but never to be mailed.
    public var suppressed = 0

    public init() {}

    mutating func add(_ other: ImportCounts) {
        self.in += other.in
        new += other.new
        known += other.known
        duplicate += other.duplicate
        rejected += other.rejected
        suppressed += other.suppressed
    }
}

/// A recipient as lists show it.
public struct RecipientRecord: Sendable, Identifiable {
    public let id: Int64
    public let email: String
    public let state: RecipientState
    /// Those that count towards the retry schedule.
    public let attempts: Int
    /// When it may be tried again; nil unless it is pending or deferred with a time to wait for.
    public let nextAttempt: Timestamp?
    /// Of the last attempt.
    public let messageID: String?
    /// Of the last attempt.
    public let reply: String?
    /// Of the last attempt.
    public let code: Int?
    /// Of the last attempt.
    public let enhanced: String?
    /// When the last attempt ended; nil while it is open.
    public let answered: Timestamp?
    public let line: Int
    public let fields: String
    public let domain: String
    /// Of those in doubt.
    public let doubt: Doubt?
}

/// A recipient handed to a runner for a while. A lease is no promise: `begin` decides.
public struct LeasedRecipient: Sendable, Identifiable {
    public let id: Int64
    public let email: String
    /// The values of the campaign's columns, joined by U+001F.
    public let fields: String
    /// Attempts so far that count towards the retry schedule.
    public let attempts: Int
    public let line: Int
    public let domain: String
    /// An earlier attempt ended in doubt, and somebody decided to send again.
    public let inDoubtBefore: Bool
}

/// What a runner got to do.
public struct LeaseAnswer: Sendable {
    public let recipients: [LeasedRecipient]
    /// With no recipients: when the next deferred one is due.
    public let nextDue: Timestamp?
    /// The campaign's state; nothing is leased unless it is `sending`.
    public let state: CampaignState
    public let tallies: Tallies
}
