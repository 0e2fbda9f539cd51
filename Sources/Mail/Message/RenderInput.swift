import Clock

/// What is particular to one message.
public struct RenderInput: Sendable {
    /// The recipient's address as imported.
    public var email: String
    /// Column values joined by U+001F, as many as the plan has columns.
    public var fields: String
    /// With or without angle brackets (RFC 5322 §3.6.4).
    public var messageID: String
    /// For the Date header, which is written in UTC.
    public var date: Timestamp

    public init(email: String, fields: String, messageID: String, date: Timestamp) {
        self.email = email
        self.fields = fields
        self.messageID = messageID
        self.date = date
    }
}
