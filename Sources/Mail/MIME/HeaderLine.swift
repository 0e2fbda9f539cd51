/// One header field: its value made safe, encoded and folded (RFC 5322 §2.2.3).
enum HeaderLine {
    /// A line that cannot be folded may have this many characters (RFC 5322 §2.1.1).
    static let hardLimit = 998

    /// Writes `Name: text` for free text. Control characters, line ends among them, become blanks: no value can begin
    /// a header of its own.
    static func writeText(_ name: StaticString, _ text: [UInt8], to writer: inout ByteWriter) {
        writer.put(name)
        writer.put(": ")
        writeText(after: name.utf8CodeUnitCount + 2, text, to: &writer)
    }

    static func writeText(_ name: String, _ text: [UInt8], to writer: inout ByteWriter) {
        writer.put(name)
        writer.put(": ")
        writeText(after: name.utf8.count + 2, text, to: &writer)
    }

    private static func writeText(after column: Int, _ text: [UInt8], to writer: inout ByteWriter) {
        let clean = cleaned(text)
        clean.withUnsafeBufferPointer { bytes in
            if isPlain(bytes) {
                fold(bytes, column: column, to: &writer)
            } else {
                _ = EncodedWord.write(bytes, column: column, to: &writer)
            }
        }
        writer.putLineEnd()
    }

    /// The text on one line, without blanks at either end.
    static func cleaned(_ text: [UInt8]) -> [UInt8] {
        var clean = text
        for index in clean.indices where clean[index] < 0x20 || clean[index] == 0x7F { clean[index] = 0x20 }
        while clean.last == 0x20 { clean.removeLast() }
        if clean.first == 0x20 { clean.removeFirst(clean.prefix { $0 == 0x20 }.count) }
        return clean
    }

    /// ASCII, nothing that looks like an encoded word, no word too long for a line.
    private static func isPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var word = 0
        var previous: UInt8 = 0
        for byte in bytes {
            if byte >= 0x80 || (previous == UInt8(ascii: "=") && byte == UInt8(ascii: "?")) { return false }
            word = byte == 0x20 ? 0 : word + 1
            if word > 900 { return false }
            previous = byte
        }
        return true
    }

    /// Writes words, breaking before a blank where a line would pass 78 characters.
    private static func fold(_ bytes: UnsafeBufferPointer<UInt8>, column: Int, to writer: inout ByteWriter) {
        guard let base = bytes.baseAddress else { return }
        if column + bytes.count <= 78 {
            writer.put(bytes)
            return
        }
        var column = column
        var index = 0
        while index < bytes.count {
            var end = index
            while end < bytes.count, bytes[end] == 0x20 { end += 1 }
            while end < bytes.count, bytes[end] != 0x20 { end += 1 }
            let length = end - index
            if column + length > 78, index > 0 {
                writer.put("\r\n")
                column = 0
            }
            writer.put(base + index, length)
            column += length
            index = end
        }
    }

    /// `Name: mailbox`, the display name quoted or encoded as it needs.
    static func writeMailbox(_ name: StaticString, _ mailbox: Mailbox, to writer: inout ByteWriter) {
        writer.put(name)
        writer.put(": ")
        guard let display = mailbox.displayName, !display.isEmpty else {
            writer.put(mailbox.envelopeAddress)
            writer.putLineEnd()
            return
        }
        var column = name.utf8CodeUnitCount + 2
        let bytes = cleaned(Array(display.utf8))
        let atoms = bytes.allSatisfy { $0 < 0x80 && (ordinaryBytes[Int($0)] & 1 != 0 || $0 == 0x20) }
        let plain = bytes.withUnsafeBufferPointer { isPlain($0) } && bytes.count < 60
        if plain, atoms {
            writer.put(bytes)
            column += bytes.count
        } else if plain {
            let before = writer.count
            writer.put(UInt8(ascii: "\""))
            for byte in bytes {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { writer.put(UInt8(ascii: "\\")) }
                writer.put(byte)
            }
            writer.put(UInt8(ascii: "\""))
            column += writer.count - before
        } else {
            column = bytes.withUnsafeBufferPointer { EncodedWord.write($0, column: column, to: &writer) }
        }
        let address = mailbox.envelopeAddress
        writer.put(column + address.utf8.count + 3 > 78 ? "\r\n <" : " <")
        writer.put(address)
        writer.put(">\r\n")
    }
}
