import Mail

/// The commands that carry one message's envelope.
enum Envelope {
    /// Appends MAIL, RCPT and DATA, as one write where the server takes commands in a row (RFC 2920).
    static func append(_ message: RenderedMessage, _ capabilities: Capabilities, to out: inout [UInt8]) {
        mail(message, capabilities, to: &out)
        recipient(message, to: &out)
        out += "DATA\r\n".utf8
    }

    /// MAIL with the parameters the server understands: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531).
    static func mail(_ message: RenderedMessage, _ capabilities: Capabilities, to out: inout [UInt8]) {
        out += "MAIL FROM:<".utf8
        address(message.envelopeFrom, to: &out)
        out.append(UInt8(ascii: ">"))
        if capabilities.size != nil {
            out += " SIZE=".utf8
            out += String(message.size).utf8
        }
        if message.needs8BitMIME, capabilities.eightBitMIME { out += " BODY=8BITMIME".utf8 }
        if message.needsSMTPUTF8 { out += " SMTPUTF8".utf8 }
        out += "\r\n".utf8
    }

    static func recipient(_ message: RenderedMessage, to out: inout [UInt8]) {
        out += "RCPT TO:<".utf8
        address(message.envelopeTo, to: &out)
        out += ">\r\n".utf8
    }

    /// The last guard before the wire: an address was checked when it came in, and here once more no byte of it can
    /// end the command or the path.
    private static func address(_ text: String, to out: inout [UInt8]) {
        for byte in text.utf8 where byte > 32 && byte != 127 && byte != UInt8(ascii: ">") { out.append(byte) }
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
