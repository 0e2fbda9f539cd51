/// How the bytes of a recipients file stand for characters.
public enum CSVEncoding: String, Sendable, Hashable {
    case utf8 = "UTF-8"
    case utf16LittleEndian = "UTF-16LE"
    case utf16BigEndian = "UTF-16BE"
    case gb18030 = "GB18030"

    /// The encoding and the length of its byte order mark; nil without a mark.
    static func mark(_ head: UnsafeRawBufferPointer) -> (CSVEncoding, Int)? {
        if head.count >= 3, head[0] == 0xEF, head[1] == 0xBB, head[2] == 0xBF { return (.utf8, 3) }
        if head.count >= 2, head[0] == 0xFF, head[1] == 0xFE { return (.utf16LittleEndian, 2) }
        if head.count >= 2, head[0] == 0xFE, head[1] == 0xFF { return (.utf16BigEndian, 2) }
        return nil
    }

    /// UTF-16 that lacks the mark, told by the zero halves of its Latin letters: "email", and an address in each row. A text
    /// in UTF-8 with zeros in its rows has none in its first line.
    ///
    /// - Parameter head: the beginning of the file, a few hundred bytes.
    static func unmarked(_ head: UnsafeRawBufferPointer) -> CSVEncoding? {
        guard head.prefix(while: { $0 != 0x0A }).contains(0) else { return nil }
        var zeros = (even: 0, odd: 0)
        for (index, byte) in head.enumerated() where byte == 0 {
            if index % 2 == 0 { zeros.even += 1 } else { zeros.odd += 1 }
        }
        // U+4E00 (一) and its like have a zero in the other half.
        if zeros.odd >= 5, zeros.odd > 4 * zeros.even { return .utf16LittleEndian }
        if zeros.even >= 5, zeros.even > 4 * zeros.odd { return .utf16BigEndian }
        return nil
    }
}
