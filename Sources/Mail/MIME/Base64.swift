/// Base64 (RFC 4648 §4) in lines of 76 characters (RFC 2045 §6.8).
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Two characters for each 12 bits, in the order they are stored.
    private static let pairs: [UInt16] = (0..<4096).map { value in
        UInt16(alphabet[value >> 6]) | UInt16(alphabet[value & 63]) << 8
    }

    /// How many bytes `writeLines` makes of `count` bytes.
    static func lineSize(_ count: Int) -> Int {
        let characters = (count + 2) / 3 * 4
        return characters + (characters + 75) / 76 * 2
    }

    /// Writes lines that each end in CRLF. A line of Base64 never begins with a dot.
    static func writeLines(_ bytes: UnsafeBufferPointer<UInt8>, to writer: inout ByteWriter) {
        writer.reserve(lineSize(bytes.count))
        var index = 0
        while index < bytes.count {
            let end = min(index + 57, bytes.count)
            write(UnsafeBufferPointer(rebasing: bytes[index..<end]), to: &writer)
            writer.putLineEnd()
            index = end
        }
    }

    /// Writes without line ends.
    static func write(_ bytes: UnsafeBufferPointer<UInt8>, to writer: inout ByteWriter) {
        guard let source = bytes.baseAddress else { return }
        let count = bytes.count
        writer.reserve((count + 2) / 3 * 4)
        let out = UnsafeMutableRawPointer(writer.base + writer.count)
        var written = 0
        var index = 0
        pairs.withUnsafeBufferPointer { pairs in
            while index + 3 <= count {
                let bits = Int(source[index]) << 16 | Int(source[index + 1]) << 8 | Int(source[index + 2])
                out.storeBytes(of: pairs[bits >> 12].littleEndian, toByteOffset: written, as: UInt16.self)
                out.storeBytes(of: pairs[bits & 4095].littleEndian, toByteOffset: written + 2, as: UInt16.self)
                index += 3
                written += 4
            }
        }
        if index < count {
            let first = Int(source[index])
            let second = index + 1 < count ? Int(source[index + 1]) : 0
            out.storeBytes(of: alphabet[first >> 2], toByteOffset: written, as: UInt8.self)
            out.storeBytes(of: alphabet[(first & 3) << 4 | second >> 4], toByteOffset: written + 1, as: UInt8.self)
            let third = index + 1 < count ? alphabet[(second & 15) << 2] : UInt8(ascii: "=")
            out.storeBytes(of: third, toByteOffset: written + 2, as: UInt8.self)
            out.storeBytes(of: UInt8(ascii: "="), toByteOffset: written + 3, as: UInt8.self)
            written += 4
        }
        writer.advance(written)
    }
}
