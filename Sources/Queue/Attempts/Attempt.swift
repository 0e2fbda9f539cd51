import Clock

/// How an attempt ended; the words are the contract's.
public enum AttemptOutcome: String, Sendable, Codable, CaseIterable {
    case sent, deferred, failed
    case inDoubt = "in_doubt"
    /// Nothing was handed over: no harm.
    case aborted

    var code: Int64 {
        switch self {
        case .sent: 1
        case .deferred: 2
        case .failed: 3
        case .inDoubt: 4
        case .aborted: 5
        }
    }

    init?(code: Int64) {
        switch code {
        case 1: self = .sent
        case 2: self = .deferred
        case 3: self = .failed
        case 4: self = .inDoubt
        case 5: self = .aborted
        default: return nil
        }
    }

    var recipientState: RecipientState {
        switch self {
        case .sent: .sent
        case .deferred: .deferred
        case .failed: .failed
        case .inDoubt: .inDoubt
        case .aborted: .pending
        }
    }
}

/// Asks leave to hand one message to a server.
public struct BeginRequest: Sendable {
    public var recipient: Int64
    /// `host:port`, for the log.
    public var server: String
    public var messageID: String
    /// The recipient's domain in ASCII, lower case.
    public var domain: String

    public init(recipient: Int64, server: String, messageID: String, domain: String) {
        self.recipient = recipient
        self.server = server
        self.messageID = messageID
        self.domain = domain
    }
}

/// The answer to a `BeginRequest`. Only `begun` allows a byte to leave.
public enum BeginAnswer: Sendable {
    /// Durable: the attempt is in the log, and each cap that applies has one grant less.
    case begun(attempt: Int64)
    /// A limit (a warm-up with the count of its day) has no room; the recipient stays leased. Not before `until` can there be room.
    case capped(Limit, key: String, until: Timestamp)
    /// The same, because this queue was claimed and what was sent from elsewhere before that is unknown.
    case claimed(Limit, key: String, until: Timestamp)
    /// It is outside a sending window, or before the campaign's hour; the recipient stays leased.
    case closed(until: Timestamp)
    /// What was sent before to where it goes is not known yet: the domain has to be looked up (`Runner.learn`), or what was
    /// sent has to be recalled (`Runner.recall`). The recipient stays leased.
    case unready
    /// Under pace `even`, it is not time for the next message; the recipient stays leased.
    case paced(until: Timestamp)
    /// Somebody else has it, or it is settled. Forget it.
    case gone
    /// The address or its domain is on the suppression list; the recipient is settled so.
    case suppressed
    /// The campaign is not `sending`; the recipient stays leased.
    case halted(CampaignState)
}

/// How an attempt ended.
public struct Settlement: Sendable {
    public var attempt: Int64
    public var outcome: AttemptOutcome
    public var code: Int?
    /// RFC 3463, such as `2.0.0`.
    public var enhanced: String?
    /// The reply's text, or what went wrong, without control codes.
    public var reply: String
    /// The protocol's name, such as `TLSv1.3`; nil without.
    public var tls: String?
    /// Size of the message on the wire.
    public var bytes: Int
    /// For `deferred`: when to try again; for `in_doubt`: when the policy `resend` may, nil when all tries are used up.
    public var retryAt: Timestamp?
    /// Whether it uses up one try of the retry schedule (a throttled or a refused login does not).
    public var countsAsAttempt: Bool
    /// A reason puts the address on the suppression list, in the same commit.
    public var suppress: String?

    public init(
        attempt: Int64, outcome: AttemptOutcome, code: Int? = nil, enhanced: String? = nil, reply: String = "",
        tls: String? = nil, bytes: Int = 0, retryAt: Timestamp? = nil, countsAsAttempt: Bool = true,
        suppress: String? = nil
    ) {
        self.attempt = attempt
        self.outcome = outcome
        self.code = code
        self.enhanced = enhanced
        self.reply = reply
        self.tls = tls
        self.bytes = bytes
        self.retryAt = retryAt
        self.countsAsAttempt = countsAsAttempt
        self.suppress = suppress
    }
}

/// One line of the log.
public struct AttemptRecord: Sendable, Identifiable {
    public let id: Int64
    public let campaign: String
    public let recipient: Int64
    public let email: String
    public let account: String
    public let source: String
    public let server: String
    public let started: Timestamp
    /// nil while it is open.
    public let finished: Timestamp?
    public let outcome: AttemptOutcome?
    public let code: Int?
    public let enhanced: String?
    public let reply: String?
    public let messageID: String
    public let tls: String?
    public let bytes: Int
    /// Server, Message-ID, reply and TLS were kept for their time (`Retention`), and are gone.
    public let isRetired: Bool
}

/// What happened in one minute of a campaign.
public struct PulseMinute: Sendable, Hashable {
    public let minute: Timestamp
    public var sent = 0, deferred = 0, failed = 0, inDoubt = 0
}
