/// One line of a post office's log, as far as stress and drill look at it.
struct PostOfficeEvent: Sendable, Equatable {
    enum Kind: Sendable, Equatable { case connect, tls, auth, mail, rcpt, data, accepted, other }

    var kind: Kind
    /// Wall-clock microseconds.
    var time: Int64
    /// The connection's number, from 1.
    var session = 0
    /// The first recipient's number; nil without one, or for an address that is none of ours.
    var person: Int?

    /// Reads a line without parsing all of its JSON: the log's own form is fixed, and its order is
    /// `time`, `us`, `event`, …
    init?(_ line: some RandomAccessCollection<UInt8>) {
        let bytes = Array(line)
        guard let at = Self.value(of: "\"event\":\"", in: bytes, from: 0) else { return nil }
        var end = at
        while end < bytes.count, bytes[end] != UInt8(ascii: "\"") { end += 1 }
        switch String(decoding: bytes[at..<end], as: UTF8.self) {
        case "accepted": kind = .accepted
        case "rcpt": kind = .rcpt
        case "mail": kind = .mail
        case "data-start": kind = .data
        case "connect": kind = .connect
        case "tls": kind = .tls
        case "auth": kind = .auth
        default: kind = .other
        }
        time = Self.number("\"us\":", in: bytes, from: 0)
        session = Int(Self.number("\"session\":", in: bytes, from: end))
        if let to = Self.value(of: "\"to\":\"", in: bytes, from: end) {
            let address = bytes[to...].prefix { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: ",") }
            person = LoadCampaign.number(in: address)
        }
    }

    /// The number after `key`; 0 without it.
    private static func number(_ key: StaticString, in bytes: [UInt8], from start: Int) -> Int64 {
        guard var digit = value(of: key, in: bytes, from: start) else { return 0 }
        var number: Int64 = 0
        while digit < bytes.count, bytes[digit] >= 48, bytes[digit] <= 57, number < .max / 10 - 1 {
            number = number * 10 + Int64(bytes[digit] - 48)
            digit += 1
        }
        return number
    }

    /// Where the value after `key` begins.
    private static func value(of key: StaticString, in bytes: [UInt8], from start: Int) -> Int? {
        let count = key.utf8CodeUnitCount
        guard bytes.count >= count, start <= bytes.count - count else { return nil }
        return bytes.withUnsafeBufferPointer { bytes in
            let first = key.utf8Start[0]
            var index = start
            while index <= bytes.count - count {
                if bytes[index] == first {
                    var same = 1
                    while same < count, bytes[index + same] == key.utf8Start[same] { same += 1 }
                    if same == count { return index + count }
                }
                index += 1
            }
            return nil
        }
    }
}
