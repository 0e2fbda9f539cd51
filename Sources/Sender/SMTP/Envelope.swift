import Mail

/// The commands that carry one message's envelope.
enum Envelope {
    /// Appends MAIL, RCPT and DATA, as one write where the server takes commands in a row (RFC 2920).
    static func append(_ message: RenderedMessage, _ capabilities: Capabilities, to out: inout [UInt8]) {
        mail(message, capabilities, to: &out)
        recipient(message, to: &out)
        put("DATA\r\n", to: &out)
    }

    /// At least as many bytes as `append` adds, and a little more.
    static func room(_ message: RenderedMessage) -> Int {
        message.envelopeFrom.utf8.count + message.envelopeTo.utf8.count + 128
    }

    /// MAIL with the parameters the server understands: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531).
    static func mail(_ message: RenderedMessage, _ capabilities: Capabilities, to out: inout [UInt8]) {
        put("MAIL FROM:<", to: &out)
        address(message.envelopeFrom, to: &out)
        out.append(UInt8(ascii: ">"))
        if capabilities.size != nil {
            put(" SIZE=", to: &out)
            number(message.size, to: &out)
        }
        if message.needs8BitMIME, capabilities.eightBitMIME { put(" BODY=8BITMIME", to: &out) }
        if message.needsSMTPUTF8 { put(" SMTPUTF8", to: &out) }
        put("\r\n", to: &out)
    }

    static func recipient(_ message: RenderedMessage, to out: inout [UInt8]) {
        put("RCPT TO:<", to: &out)
        address(message.envelopeTo, to: &out)
        put(">\r\n", to: &out)
    }

    /// An array takes a `String`'s bytes one by one; these it takes at once.
    private static func put(_ text: StaticString, to out: inout [UInt8]) {
        out.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private static func number(_ value: Int, to out: inout [UInt8]) {
        var text = String(value)
        text.withUTF8 { out.append(contentsOf: $0) }
    }

    /// The last guard before the wire: an address was checked when it came in, and here once more no byte of it can
    /// end the command or the path.
    private static func address(_ text: String, to out: inout [UInt8]) {
        var text = text
        text.withUTF8 { bytes in
            if bytes.allSatisfy(isHarmless) {
                out.append(contentsOf: bytes)
            } else {
                out.append(contentsOf: bytes.lazy.filter(isHarmless))
            }
        }
    }

    private static func isHarmless(_ byte: UInt8) -> Bool {
        byte > 32 && byte != 127 && byte != UInt8(ascii: ">")
    }

    /// Why this server cannot be given the message at all, if so.
    static func obstacle(_ message: RenderedMessage, _ capabilities: Capabilities) -> Reply? {
        if message.needsSMTPUTF8, !capabilities.smtpUTF8 {
            return Reply(code: 553, enhanced: "5.6.7", text: "the server does not take internationalised addresses")
        }
        if message.needs8BitMIME, !capabilities.eightBitMIME {
            return Reply(code: 554, enhanced: "5.6.1", text: "the server does not take 8-bit content")
        }
        if let limit = capabilities.size, limit > 0, message.size > limit {
            return Reply(
                code: 552, enhanced: "5.3.4", text: "\(message.size) bytes; the server takes at most \(limit)")
        }
        return nil
    }
}
