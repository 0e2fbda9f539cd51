/// Names of folders as IMAP writes them (RFC 3501 §5.1.3): UTF-16 in a base64 of its own between `&` and `-`.
public enum FolderName {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,".utf8)

    /// `已发送` → `&XfJT0ZAB-`.
    public static func encoded(_ name: String) -> [UInt8] {
        var out: [UInt8] = []
        var pending: [UInt16] = []
        func flush() {
            guard !pending.isEmpty else { return }
            out.append(UInt8(ascii: "&"))
            var bits: UInt32 = 0
            var count = 0
            for unit in pending {
                bits = bits << 16 | UInt32(unit)
                count += 16
                while count >= 6 {
                    count -= 6
                    out.append(alphabet[Int(bits >> UInt32(count) & 63)])
                }
                bits &= (1 << UInt32(count)) - 1
            }
            if count > 0 { out.append(alphabet[Int(bits << UInt32(6 - count) & 63)]) }
            out.append(UInt8(ascii: "-"))
            pending = []
        }
        for unit in name.utf16 {
            guard (0x20...0x7E).contains(unit) else {
                pending.append(unit)
                continue
            }
            flush()
            out.append(UInt8(unit))
            if unit == 0x26 { out.append(UInt8(ascii: "-")) }
        }
        flush()
        return out
    }

    /// The name for people; what is no such text is taken as UTF-8, as some servers write it.
    public static func decoded(_ bytes: [UInt8]) -> String {
        guard let text = decode(bytes) else { return String(decoding: bytes, as: UTF8.self) }
        return text
    }

    private static func decode(_ bytes: [UInt8]) -> String? {
        guard bytes.allSatisfy({ $0 < 0x80 }) else { return nil }
        var units: [UInt16] = []
        var at = 0
        while at < bytes.count {
            guard bytes[at] == UInt8(ascii: "&") else {
                units.append(UInt16(bytes[at]))
                at += 1
                continue
            }
            guard let end = bytes[at...].firstIndex(of: UInt8(ascii: "-")) else { return nil }
            if end == at + 1 { units.append(0x26) }
            var bits: UInt32 = 0
            var count = 0
            for byte in bytes[(at + 1)..<end] {
                guard let value = alphabet.firstIndex(of: byte) else { return nil }
                bits = bits << 6 | UInt32(value)
                count += 6
                if count >= 16 {
                    count -= 16
                    units.append(UInt16(truncatingIfNeeded: bits >> UInt32(count)))
                    bits &= (1 << UInt32(count)) - 1
                }
            }
            at = end + 1
        }
        return String(decoding: units, as: UTF16.self)
    }
}
