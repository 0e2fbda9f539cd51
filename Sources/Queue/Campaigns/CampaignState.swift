/// Where a campaign stands; the words are the contract's.
public enum CampaignState: String, Sendable, Codable, CaseIterable {
    case draft, sending, paused, finished, cancelled

    var code: Int64 {
        switch self {
        case .draft: 0
        case .sending: 1
        case .paused: 2
        case .finished: 3
        case .cancelled: 4
        }
    }

    init(code: Int64) {
        switch code {
        case 1: self = .sending
        case 2: self = .paused
        case 3: self = .finished
        case 4: self = .cancelled
        default: self = .draft
        }
    }
}

/// What can be asked of a campaign, or happen to it.
public enum CampaignOrder: String, Sendable, CaseIterable {
    /// A runner starts.
    case start
    case pause, resume, cancel
    /// Nothing is pending, sending, deferred or in doubt any more.
    case exhaust
    /// New recipients came in, or some were put back.
    case refill

    var participle: String {
        switch self {
        case .start: "sent"
        case .pause: "paused"
        case .resume: "resumed"
        case .cancel: "cancelled"
        case .exhaust: "finished"
        case .refill: "filled up"
        }
    }
}

extension CampaignState {
    /// The state after an order.
    ///
    /// Asking for what is already so (pause a paused campaign) is legal and changes nothing, because two people may
    /// press the same key; what would undo a decision is not.
    /// - Throws: `QueueError.illegalTransition`.
    public func after(_ order: CampaignOrder) throws(QueueError) -> CampaignState {
        switch (self, order) {
        case (.draft, .start), (.sending, .start): .sending
        // A finished campaign may be started: there is nothing to do, and that is no error.
        case (.finished, .start): .finished
        case (.sending, .pause), (.paused, .pause): .paused
        case (.paused, .resume), (.sending, .resume): .sending
        case (.draft, .cancel), (.sending, .cancel), (.paused, .cancel), (.cancelled, .cancel): .cancelled
        case (.sending, .exhaust), (.paused, .exhaust), (.finished, .exhaust): .finished
        case (.draft, .refill): .draft
        case (.sending, .refill), (.finished, .refill): .sending
        case (.paused, .refill): .paused
        default: throw .illegalTransition(from: self, order: order)
        }
    }
}
