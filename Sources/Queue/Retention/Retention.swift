import Clock

/// How long the full text of an attempt is kept: server, Message-ID, TLS and reply.
///
/// Who was sent what and when, outcomes, codes and tallies stay for ever.
public struct Retention: Sendable, Hashable {
    /// Of what was sent (or never handed over), in microseconds since it was settled; nil for ever.
    public var sentMicroseconds: Int64?
    /// Of what was refused or put off; nil for ever.
    public var bounceMicroseconds: Int64?

    public init(sent: Duration?, bounces: Duration?) {
        sentMicroseconds = sent?.inMicroseconds
        bounceMicroseconds = bounces?.inMicroseconds
    }

    public static let standard = Retention(sent: .seconds(7 * 86_400), bounces: .seconds(30 * 86_400))

    /// Grants are kept at least so long, whatever windows are configured now.
    static let shortestLedgerMicroseconds: Int64 = 31 * 86_400_000_000
}

/// What a sweep has done so far.
public struct RetentionCounts: Sendable, Hashable {
    /// Attempts whose text was dropped.
    public var texts = 0
    /// Grants taken out of the ledger.
    public var grants = 0
}
