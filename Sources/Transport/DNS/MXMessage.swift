import CAres
import Glibc

/// A name server's answer about MX records (RFC 1035 §4.1), read with the lengths it claims held against what is there.
struct MXMessage {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var place = 12

    /// What a status of c-ares and the message it came with amount to.
    static func answer(_ status: Int32, _ bytes: UnsafeBufferPointer<UInt8>) -> MXAnswer {
        var message = MXMessage(bytes)
        switch status {
        case ARES_SUCCESS: return message.read() ?? .failed("an answer that cannot be understood")
        // No such name, or none of its records is an MX.
        case ARES_ENOTFOUND, ARES_ENODATA: return .none(lasts: message.negativeLife() ?? .seconds(3600))
        default: return .failed(MXResolver.text(status))
        }
    }

    private init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private mutating func read() -> MXAnswer? {
        guard skipQuestions() else { return nil }
        var hosts: [String] = []
        var life: UInt32?
        for _ in 0..<number(6) {
            guard let record = record() else { return nil }
            life = min(life ?? record.life, record.life)
            guard record.type == 15 else { continue }
            guard record.length >= 3, let host = name(at: record.start + 2)?.text else { return nil }
            if !host.isEmpty { hosts.append(host.lowercased()) }
        }
        let lasts = Duration.seconds(Int64(life ?? 3600))
        return hosts.isEmpty ? .none(lasts: lasts) : .hosts(hosts, lasts: lasts)
    }

    /// How long “no” holds (RFC 2308 §5): the SOA's own life or its last field, whichever is less.
    private mutating func negativeLife() -> Duration? {
        guard bytes.count >= 12, skipQuestions() else { return nil }
        for _ in 0..<(number(6) + number(8)) {
            guard let record = record() else { return nil }
            guard record.type == 6, record.length >= 22 else { continue }
            let minimum = long(record.start + record.length - 4)
            return .seconds(Int64(min(record.life, minimum)))
        }
        return nil
    }

    private mutating func skipQuestions() -> Bool {
        guard bytes.count >= 12 else { return false }
        for _ in 0..<number(4) {
            guard let end = name(at: place)?.end, end + 4 <= bytes.count else { return false }
            place = end + 4
        }
        return true
    }

    private struct Record {
        var type: Int
        var life: UInt32
        var start: Int
        var length: Int
    }

    private mutating func record() -> Record? {
        guard let end = name(at: place)?.end, end + 10 <= bytes.count else { return nil }
        let length = number(end + 8)
        guard end + 10 + length <= bytes.count else { return nil }
        place = end + 10 + length
        return Record(type: number(end), life: long(end + 4), start: end + 10, length: length)
    }

    private func name(at offset: Int) -> (text: String, end: Int)? {
        guard let base = bytes.baseAddress, offset < bytes.count else { return nil }
        var text: UnsafeMutablePointer<CChar>?
        var length = 0
        guard ares_expand_name(base + offset, base, Int32(bytes.count), &text, &length) == ARES_SUCCESS,
            let text
        else { return nil }
        defer { ares_free_string(text) }
        return (String(cString: text), offset + length)
    }

    private func number(_ offset: Int) -> Int { Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) }
    private func long(_ offset: Int) -> UInt32 { UInt32(number(offset)) << 16 | UInt32(number(offset + 2)) }
}
