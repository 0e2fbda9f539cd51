import CIDN2
import Glibc

/// Text from programs that write Chinese in GB 18030 (GBK and GB 2312 are parts of it) without saying so.
public enum GB18030 {
    /// What these bytes say, by the C library's own tables.
    ///
    /// A character that is cut off at the end is left out.
    /// - Returns: nil for what is no GB 18030, and for what is more likely an 8-bit European encoding: there a byte of `ä` with
    ///   the letter behind it is a character of GBK, too, but hardly ever one of GB 2312, from which most of a Chinese text is.
    public static func text(_ bytes: some Collection<UInt8>) -> String? {
        var source = bytes.map { CChar(bitPattern: $0) }
        guard isMostlyGB2312(bytes), let converter = iconv_open("UTF-8", "GB18030"), Int(bitPattern: converter) != -1
        else { return nil }
        defer { iconv_close(converter) }
        // Two bytes become three, four become four.
        var target = [UInt8](repeating: 0, count: source.count * 2 + 4)
        var (left, room) = (source.count, target.count)
        let isWhole = source.withUnsafeMutableBufferPointer { source in
            target.withUnsafeMutableBytes { target in
                var from = source.baseAddress
                var to = target.baseAddress?.assumingMemoryBound(to: CChar.self)
                // EINVAL: the last character is not all there.
                return iconv(converter, &from, &left, &to, &room) != -1 || errno == EINVAL
            }
        }
        return isWhole ? String(decoding: target.prefix(target.count - room), as: UTF8.self) : nil
    }

    private static func isMostlyGB2312(_ bytes: some Collection<UInt8>) -> Bool {
        var (characters, common) = (0, 0)
        var iterator = bytes.makeIterator()
        while let lead = iterator.next() {
            guard lead >= 0x80, let second = iterator.next() else { continue }
            characters += 1
            if (0x30...0x39).contains(second) {
                _ = (iterator.next(), iterator.next())
            } else if (0xA1...0xF7).contains(lead), second >= 0xA1 {
                common += 1
            }
        }
        return common * 2 > characters
    }
}
