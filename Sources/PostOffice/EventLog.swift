import Clock
import Glibc

/// JSON lines of what happened. A session gathers the lines of what it is about to answer and writes them, with one
/// write(2), before the answer leaves: so whatever a client was told is in the file.
final class EventLog: Sendable {
    private let descriptor: Int32

    init(path: String) throws {
        descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw PostOfficeError(.file, "log \(path): cannot be written (\(String(cString: strerror(errno))))")
        }
    }

    deinit { close(descriptor) }

    /// Appends whole lines. O_APPEND keeps the lines of several sessions apart.
    func write(_ lines: [UInt8]) {
        lines.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                offset += count
            }
        }
    }
}

/// One event, put together as JSON bytes.
struct EventLine {
    private(set) var bytes: [UInt8] = []

    /// Begins a line with its time to the millisecond, and to the microsecond as a number for those who compute.
    init(_ event: StaticString, at time: Timestamp, session: Int, peer: [UInt8]) {
        bytes.reserveCapacity(320)
        raw("{\"time\":\"")
        let civil = CivilTime(time)
        digits(civil.year, 4)
        raw("-")
        digits(civil.month, 2)
        raw("-")
        digits(civil.day, 2)
        raw("T")
        digits(civil.hour, 2)
        raw(":")
        digits(civil.minute, 2)
        raw(":")
        digits(civil.second, 2)
        raw(".")
        digits(civil.microsecond / 1000, 3)
        raw("Z\",\"us\":")
        digits(Int(time.microseconds), 1)
        raw(",\"event\":\"")
        raw(event)
        raw("\",\"session\":")
        digits(session, 1)
        raw(",\"peer\":\"")
        bytes.append(contentsOf: peer)
        raw("\"")
    }

    mutating func text(_ key: StaticString, _ value: some Sequence<UInt8>) {
        raw(",\"")
        raw(key)
        raw("\":\"")
        var plain = true
        let start = bytes.count
        for byte in value {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<32, 127:
                raw("\\u00")
                let hex = Array("0123456789abcdef".utf8)
                bytes.append(hex[Int(byte >> 4)])
                bytes.append(hex[Int(byte & 15)])
            default:
                if byte >= 128 { plain = false }
                bytes.append(byte)
            }
        }
        if !plain {
            // What is not UTF-8 becomes U+FFFD, so that the line stays JSON.
            let repaired = Array(String(decoding: bytes[start...], as: UTF8.self).utf8)
            bytes.replaceSubrange(start..., with: repaired)
        }
        raw("\"")
    }

    mutating func number(_ key: StaticString, _ value: Int) {
        raw(",\"")
        raw(key)
        raw("\":")
        digits(value, 1)
    }

    mutating func flag(_ key: StaticString, _ value: Bool) {
        raw(",\"")
        raw(key)
        raw(value ? "\":true" : "\":false")
    }

    mutating func end() { raw("}\n") }

    private mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func digits(_ value: Int, _ width: Int) {
        var rest = value
        var count = 0
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 24) { space in
            repeat {
                space[count] = UInt8(48 + rest % 10)
                rest /= 10
                count += 1
            } while rest > 0
            while count < width {
                space[count] = 48
                count += 1
            }
            for index in (0..<count).reversed() { bytes.append(space[index]) }
        }
    }
}
