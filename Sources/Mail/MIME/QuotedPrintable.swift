import Glibc

/// Quoted-printable (RFC 2045 §6.7), cut into what does not depend on the position in a line (`escape`) and what does
/// (`Line`): so literals are escaped once a campaign and values once a message, and lines are broken as they are written.
enum QuotedPrintable {
    /// True for bytes that stand for themselves. Blanks do, except at the end of a line, which `Line` looks after.
    static let literal: [Bool] = (0..<256).map { ($0 >= 32 && $0 <= 126 && $0 != 61) || $0 == 9 }

    /// Appends the escaped form. LF stays as the mark of a line end; CR is dropped before LF by the caller.
    static func escape(_ bytes: UnsafeBufferPointer<UInt8>, to writer: inout ByteWriter) {
        writer.reserve(bytes.count * 3)
        let out = writer.base + writer.count
        var written = 0
        literal.withUnsafeBufferPointer { literal in
            hexDigits.withUnsafeBufferPointer { hex in
                for byte in bytes {
                    if literal[Int(byte)] || byte == 0x0A {
                        out[written] = byte
                        written += 1
                    } else {
                        out[written] = UInt8(ascii: "=")
                        out[written + 1] = hex[Int(byte >> 4)]
                        out[written + 2] = hex[Int(byte & 15)]
                        written += 3
                    }
                }
            }
        }
        writer.advance(written)
    }

    /// Writes escaped bytes in lines of at most 76 characters, dot-stuffed (RFC 5321 §4.5.2).
    struct Line {
        /// Characters on the current line; a dot added by stuffing is not one.
        private var column = 0

        /// Puts escaped bytes without LF.
        @inline(__always)
        mutating func put(_ source: UnsafePointer<UInt8>, _ length: Int, to writer: inout ByteWriter) {
            var source = source
            var length = length
            while length > 0 {
                if column == 0, source[0] == UInt8(ascii: ".") { writer.put(UInt8(ascii: ".")) }
                // One place stays free for the `=` of a soft break.
                let room = 75 - column
                if length <= room {
                    writer.put(source, length)
                    column += length
                    return
                }
                var take = room
                if take >= 1, source[take - 1] == UInt8(ascii: "=") {
                    take -= 1
                } else if take >= 2, source[take - 2] == UInt8(ascii: "=") {
                    take -= 2
                }
                writer.reserve(take + 3)
                memcpy(writer.base + writer.count, source, take)
                let end = writer.base + writer.count + take
                end[0] = UInt8(ascii: "=")
                end[1] = 0x0D
                end[2] = 0x0A
                writer.advance(take + 3)
                column = 0
                source += take
                length -= take
            }
        }

        /// The same for bytes that may hold LF.
        mutating func putLines(_ bytes: UnsafeBufferPointer<UInt8>, to writer: inout ByteWriter) {
            guard let source = bytes.baseAddress else { return }
            var start = 0
            for index in 0..<bytes.count where bytes[index] == 0x0A {
                put(source + start, index - start, to: &writer)
                end(to: &writer)
                start = index + 1
            }
            put(source + start, bytes.count - start, to: &writer)
        }

        /// Ends the line; a blank before the end is escaped.
        @inline(__always)
        mutating func end(to writer: inout ByteWriter) {
            if column > 0 {
                let last = writer.base[writer.count - 1]
                if last == 0x20 || last == 0x09 {
                    writer.truncate(to: writer.count - 1)
                    if column > 73 { writer.put("=\r\n") }
                    writer.put(last == 0x20 ? "=20" : "=09")
                }
            }
            writer.putLineEnd()
            column = 0
        }

        var isEmpty: Bool { column == 0 }
    }
}
