import Mail
import Queue

/// A recipient whose message is rendered and waits for its turn.
struct Prepared {
    var recipient: LeasedRecipient
    var request: BeginRequest
    /// The message, or why it could not be written.
    var message: Result<RenderedMessage, RenderingFault>
}

/// A message that could not be written for one recipient, though it could for others.
struct RenderingFault: Error {
    let words: String
}

/// A message whose attempt is on disk.
struct Begun {
    var attempt: Int64
    var recipient: LeasedRecipient
    var message: RenderedMessage
}
