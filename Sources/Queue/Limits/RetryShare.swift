import Clock

/// Waits between attempts, and which share of those who are put off goes by them; the shares of a list add up to one.
public struct RetryShare: Sendable, Hashable {
    /// After the first, second, … attempt that is put off.
    public var waits: [Duration]
    public var share: Double

    public init(waits: [Duration], share: Double = 1) {
        self.waits = waits
        self.share = share
    }
}
