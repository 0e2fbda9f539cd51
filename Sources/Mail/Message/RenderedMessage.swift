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
