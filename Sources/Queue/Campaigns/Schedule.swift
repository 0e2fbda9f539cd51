import Clock

/// When a campaign may be sent; frozen with it.
public struct Schedule: Sendable, Hashable, Codable {
    /// Nothing before this.
    public var at: Timestamp?
    /// Nothing outside of it.
    public var window: SendingWindow?

    public init(at: Timestamp? = nil, window: SendingWindow? = nil) {
        self.at = at
        self.window = window
    }

    /// A start that is later than this is not what was meant, and somebody is asked.
    public static let patience = Duration.seconds(1800)

    /// Whether a campaign that nobody has begun missed its hour by more than half an hour.
    public func isMissed(startedAt: Timestamp?, now: Timestamp) -> Bool {
        guard startedAt == nil, let at else { return false }
        return now - at > Self.patience
    }
}
