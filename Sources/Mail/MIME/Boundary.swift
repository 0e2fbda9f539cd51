/// The boundaries of one message (RFC 2046 §5.1.1). They begin with `=_`, which neither quoted-printable nor Base64 can
/// contain, and text that might contain it is never sent as 7bit; so no part can hold one. They follow from the
/// message ID alone: the same message has the same bytes.
struct Boundary {
    /// Sixteen of them, as hexadecimal.
    private let digits: UInt64

    init(_ messageID: String) {
        var mixer = Mixer(seed: 0x6F75_7470_6F73_7421)
        mixer.add(messageID)
        digits = mixer.value
    }

    /// - Parameter kind: one letter, told apart for each multipart of a message.
    func put(_ kind: StaticString, to writer: inout ByteWriter) {
        writer.put("=_")
        writer.put(kind)
        var value = digits
        for _ in 0..<16 {
            writer.put(hexDigits[Int(value & 15)])
            value >>= 4
        }
    }

    /// - Parameter first: no part stands before it. The line end in front of any other belongs to the delimiter, so that
    ///   a part keeps its own.
    func putDelimiter(_ kind: StaticString, first: Bool = false, last: Bool = false, to writer: inout ByteWriter) {
        if !first { writer.putLineEnd() }
        writer.put("--")
        put(kind, to: &writer)
        if last { writer.put("--") }
        writer.putLineEnd()
    }

    func putHead(_ subtype: StaticString, _ kind: StaticString, to writer: inout ByteWriter) {
        writer.put("Content-Type: multipart/")
        writer.put(subtype)
        writer.put("; boundary=\"")
        put(kind, to: &writer)
        writer.put("\"\r\n\r\n")
    }
}
