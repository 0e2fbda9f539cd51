import Clock

/// An address, or a whole domain, never to be mailed.
public struct Suppression: Sendable, Hashable {
    /// A normalised address, or `*@domain`.
    public var key: String
    public var reason: String
    public var since: Timestamp
    /// Who or what put it there, such as `user`, `import` or `bounce`.
    public var by: String

    public init(key: String, reason: String, since: Timestamp, by: String) {
        self.key = key
        self.reason = reason
        self.since = since
        self.by = by
    }
}
