extension Mailbox {
    /// The key of an ordinary address (ASCII dot-atom, host name with a dot), found in one pass over its bytes; nil
    /// says only that the full parser must look at it. Writes at most `bytes.count` bytes.
    /// - Returns: how many bytes were written to `out`, and the position of the `@`.
    @inlinable
    public static func fastKey(
        of bytes: UnsafeBufferPointer<UInt8>, into out: UnsafeMutablePointer<UInt8>
    ) -> (length: Int, at: Int)? {
        guard let at = ordinaryAt(bytes) else { return nil }
        for index in 0..<bytes.count {
            let byte = bytes[index]
            out[index] = byte &- 65 < 26 ? byte | 0x20 : byte
        }
        return (bytes.count, at)
    }

    /// The same over a string.
    @inlinable
    public static func fastKey(of text: String) -> String? {
        var text = text
        return text.withUTF8 { bytes -> String? in
            guard ordinaryAt(bytes) != nil else { return nil }
            return String(unsafeUninitializedCapacity: bytes.count) { out in
                guard let base = out.baseAddress else { return 0 }
                return fastKey(of: bytes, into: base)?.length ?? 0
            }
        }
    }

    /// Where the `@` of an ordinary address stands; nil for everything that needs the full parser.
    @inlinable
    static func ordinaryAt(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        let count = bytes.count
        guard count >= 5, count <= 254 else { return nil }
        var index = 0
        var lastDot = -1
        // Local part: dot-atom (RFC 5322 §3.2.3).
        while index < count {
            let byte = bytes[index]
            let kind = ordinaryBytes[Int(byte)]
            if kind & 1 != 0 {
                index += 1
            } else if byte == 0x2E {
                if index == lastDot + 1 { return nil }
                lastDot = index
                index += 1
            } else {
                break
            }
        }
        guard index < count, bytes[index] == 0x40, index > 0, index <= 64, lastDot != index - 1 else { return nil }
        let at = index
        // Domain: letters, digits and inner hyphens, labels of at most 63 bytes (RFC 1035 §2.3.1, RFC 1123 §2.1).
        index += 1
        var label = index
        var dots = 0
        var letter = false
        while index < count {
            let byte = bytes[index]
            if ordinaryBytes[Int(byte)] & 2 != 0 {
                if byte >= 0x41 { letter = true }
            } else if byte == 0x2E {
                let length = index - label
                if length == 0 || length > 63 || bytes[label] == 0x2D || bytes[index - 1] == 0x2D { return nil }
                dots += 1
                label = index + 1
                letter = false
            } else {
                return nil
            }
            index += 1
        }
        let length = count - label
        guard dots > 0, length > 0, length <= 63, letter, bytes[label] != 0x2D, bytes[count - 1] != 0x2D else {
            return nil
        }
        // An A-label must be looked at by IDNA, which may refuse it.
        for start in at + 1..<count - 3 where bytes[start] | 0x20 == 0x78 && bytes[start + 2] == 0x2D {
            if bytes[start + 1] | 0x20 == 0x6E && bytes[start + 3] == 0x2D { return nil }
        }
        return at
    }
}

/// Bit 0: allowed in an atom (RFC 5322 §3.2.3); bit 1: allowed in a host name.
@usableFromInline let ordinaryBytes: [UInt8] = {
    var table = [UInt8](repeating: 0, count: 256)
    for byte in UInt8(ascii: "0")...UInt8(ascii: "9") { table[Int(byte)] = 3 }
    for byte in UInt8(ascii: "A")...UInt8(ascii: "Z") { table[Int(byte)] = 3 }
    for byte in UInt8(ascii: "a")...UInt8(ascii: "z") { table[Int(byte)] = 3 }
    for byte in "!#$%&'*+/=?^_`{|}~".utf8 { table[Int(byte)] = 1 }
    table[0x2D] = 3
    return table
}()
