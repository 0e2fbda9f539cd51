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

/// One message, ready to be handed over.
public struct RenderedMessage: Sendable {
    /// What follows the reply to DATA: lines end in CRLF, dot-stuffed (RFC 5321 §4.5.2), the final dot included.
    public let wire: [UInt8]
    /// For MAIL FROM, without brackets.
    public let envelopeFrom: String
    /// For RCPT TO, without brackets; the domain in A-label form.
    public let envelopeTo: String
    /// The message's size in bytes for SIZE (RFC 1870), which may be an estimate: without the final dot, but with the few
    /// dots that stuffing added.
    public let size: Int
    /// Bytes above 127 are sent; only ever so with `needsSMTPUTF8`.
    public let needs8BitMIME: Bool
    public let needsSMTPUTF8: Bool
    /// Equal for two recipients of a campaign whose subject, text and HTML came out alike, different otherwise (up to a
    /// chance of 2⁻⁶⁴). It is computed from the values that were filled in, not from the bytes.
    public let hash: UInt64

    /// The message as RFC 5322 bytes: without dot-stuffing and final dot.
    public var unstuffed: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(wire.count)
        var lineStart = true
        for byte in wire.dropLast(3) {
            if lineStart, byte == UInt8(ascii: ".") {
                lineStart = false
                continue
            }
            result.append(byte)
            lineStart = byte == 0x0A
        }
        return result
    }
}

/// Why one message cannot be made; the recipient's fault or its row's, never the whole campaign's.
public enum RenderError: Error, Sendable, CustomStringConvertible {
    case address(String, AddressError)
    case fields(found: Int, wanted: Int)
    case messageID(String)
    case attachment(name: String, reason: String)
    case headerTooLong(String)

    public var description: String {
        switch self {
        case .address(let text, let error): "\(text): \(error)"
        case .fields(let found, let wanted):
            "the row has \(found) fields where the campaign has \(wanted) columns; import the list anew"
        case .messageID(let text): "\"\(text)\" is no message ID"
        case .attachment(let name, let reason): "attachment \(name): \(reason)"
        case .headerTooLong(let name): "the header \(name) would be longer than \(HeaderLine.hardLimit) characters"
        }
    }
}

/// The bytes of an attached file.
public struct AttachmentBytes: Sendable {
    public var bytes: [UInt8]
    /// By the file name's extension when nil.
    public var mediaType: String?

    public init(_ bytes: [UInt8], mediaType: String? = nil) {
        self.bytes = bytes
        self.mediaType = mediaType
    }
}

/// Finds an attachment by its name as written in the campaign, placeholders filled. Called once for a name without
/// placeholders, once a message for one with; from any thread.
public typealias AttachmentLoader = @Sendable (_ name: String) throws -> AttachmentBytes
