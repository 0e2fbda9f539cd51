import Clock

/// What to do with recipients whose last attempt ended in doubt.
public enum DoubtDecision: String, Sendable, CaseIterable {
    case resend, sent, failed

    var state: RecipientState {
        switch self {
        case .resend: .pending
        case .sent: .sent
        case .failed: .failed
        }
    }

    /// As stored in `decision`.
    var code: Int64 {
        switch self {
        case .sent: 1
        case .failed: 2
        case .resend: 3
        }
    }

    init?(code: Int64) {
        guard let found = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = found
    }
}

/// What a runner does with the doubts of its campaign: those it finds, and those that arise while it runs.
public enum DoubtPolicy: String, Sendable, CaseIterable {
    case hold, resend
    case assumeSent = "assume-sent"

    /// nil for none.
    public var decision: DoubtDecision? {
        switch self {
        case .hold: nil
        case .resend: .resend
        case .assumeSent: .sent
        }
    }

    /// What it makes of one that has just arisen. Sent again is only who has a next try; else a server that loses every
    /// answer would have its people mailed for ever.
    func decision(on settlement: Settlement) -> DoubtDecision? {
        guard settlement.outcome == .inDoubt, self != .resend || settlement.retryAt != nil else { return nil }
        return decision
    }
}

/// Why nobody knows whether a message arrived.
public struct Doubt: Sendable, Equatable {
    public enum Cause: String, Sendable {
        /// The process that sent it was killed, or the machine stopped.
        case processEnded = "process_ended"
        /// The message was handed over, and the connection was lost before the answer.
        case connectionLost = "connection_lost"
    }

    /// The attempt that ended so.
    public let attempt: Int64
    public let cause: Cause
    /// When the attempt was begun.
    public let began: Timestamp
    /// When it was known to be in doubt.
    public let since: Timestamp
    /// `host:port` of the server that had, or had not, taken it.
    public let server: String
    public let account: String
}

/// One decision that something said, about one attempt.
public struct DoubtSettlement: Sendable, Equatable {
    public var recipient: Int64
    public var attempt: Int64
    public var decision: DoubtDecision
    /// What said so: a file and its line, a folder and the message in it.
    public var evidence: String

    public init(recipient: Int64, attempt: Int64, decision: DoubtDecision, evidence: String) {
        self.recipient = recipient
        self.attempt = attempt
        self.decision = decision
        self.evidence = evidence
    }
}

/// What was decided about an attempt that had ended in doubt.
public struct DoubtVerdict: Sendable, Equatable {
    public let decision: DoubtDecision
    public let at: Timestamp
    /// What said so; empty for somebody's word, and for a policy's.
    public let evidence: String
    /// The policy that decided; nil for evidence or somebody's word.
    public let policy: DoubtPolicy?

    /// In the place of evidence, for what a policy decided: none of it begins so.
    static let policyMark = unitSeparator + "policy"

    init(decision: DoubtDecision, at: Timestamp, stored: String) {
        self.decision = decision
        self.at = at
        let isPolicy = stored == Self.policyMark
        evidence = isPolicy ? "" : stored
        policy = isPolicy ? DoubtPolicy.allCases.first { $0.decision == decision } : nil
    }
}
