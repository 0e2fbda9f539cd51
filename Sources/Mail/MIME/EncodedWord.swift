/// Header text outside ASCII (RFC 2047): words of at most 75 characters, each holding whole characters, folded.
enum EncodedWord {
    /// Bytes that may stand for themselves in the Q encoding, also within a phrase (RFC 2047 §5 rule 3).
    private static let literal: [Bool] = {
        var table = [Bool](repeating: false, count: 256)
        for byte in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/".utf8 {
            table[Int(byte)] = true
        }
        return table
    }()

    /// Writes UTF-8 text as encoded words.
    /// - Parameter column: characters already on the line; the first word goes there if it fits.
    /// - Returns: characters on the last line.
    static func write(_ text: UnsafeBufferPointer<UInt8>, column: Int, to writer: inout ByteWriter) -> Int {
        var escapes = 0
        for byte in text where !literal[Int(byte)] && byte != 0x20 { escapes += 1 }
        // Q takes two more for each escape, B a third of everything.
        let quoted = escapes * 6 <= text.count
        var column = column
        var index = 0
        while index < text.count {
            // 12 for "=?utf-8?Q?" and "?="; lines with encoded words have at most 76 characters (RFC 2047 §2).
            var room = min(75, 76 - column) - 12
            if room < 12 {
                writer.put("\r\n ")
                column = 1
                room = 63
            }
            let end = piece(text, from: index, room: room, quoted: quoted)
            let before = writer.count
            let bytes = UnsafeBufferPointer(rebasing: text[index..<end])
            if quoted {
                writer.put("=?utf-8?Q?")
                for byte in bytes { putQ(byte, to: &writer) }
            } else {
                writer.put("=?utf-8?B?")
                Base64.write(bytes, to: &writer)
            }
            writer.put("?=")
            column += writer.count - before
            index = end
            if index < text.count {
                writer.put("\r\n ")
                column = 1
            }
        }
        return column
    }

    private static func putQ(_ byte: UInt8, to writer: inout ByteWriter) {
        if literal[Int(byte)] {
            writer.put(byte)
        } else if byte == 0x20 {
            writer.put(UInt8(ascii: "_"))
        } else {
            writer.put(UInt8(ascii: "="))
            writer.put(hexDigits[Int(byte >> 4)])
            writer.put(hexDigits[Int(byte & 15)])
        }
    }

    /// The end of the longest run of whole characters whose encoding fits.
    private static func piece(
        _ text: UnsafeBufferPointer<UInt8>, from start: Int, room: Int, quoted: Bool
    ) -> Int {
        var end = start
        var used = 0
        while end < text.count {
            var next = end + 1
            while next < text.count, text[next] & 0xC0 == 0x80, next - end < 4 { next += 1 }
            if quoted {
                for byte in text[end..<next] { used += literal[Int(byte)] || byte == 0x20 ? 1 : 3 }
            } else {
                used = (next - start + 2) / 3 * 4
            }
            if used > room, end > start { break }
            end = next
        }
        return end
    }
}
