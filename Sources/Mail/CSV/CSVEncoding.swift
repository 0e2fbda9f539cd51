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

    /// UTF-16 that lacks the mark, told by the header, where the column of addresses is named (`CSVHeader.aliases`).
    ///
    /// - Parameter head: the beginning of the file, a few hundred bytes.
    static func unmarked(_ head: UnsafeRawBufferPointer) -> CSVEncoding? {
        for (encoding, high) in [(CSVEncoding.utf16LittleEndian, 1), (.utf16BigEndian, 0)] {
            let units = stride(from: 0, to: head.count - 1, by: 2).map {
                UInt16(head[$0 + high]) << 8 | UInt16(head[$0 + 1 - high])
            }
            let text = String(decoding: units, as: UTF16.self).lowercased()
            if names.contains(where: text.contains) { return encoding }
        }
        return nil
    }

    /// Each of the names that mean it has one of these in it.
    private static let names = ["mail", "邮箱", "邮件"]
}
