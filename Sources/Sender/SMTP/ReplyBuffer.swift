/// The bytes received and not yet read as replies, and the rules a reply must obey: bounded in lines and bytes.
struct ReplyBuffer {
    /// The longest reply line kept, CRLF included; the rest of a longer one is dropped, for what decides stands in front.
    /// RFC 5321 §4.5.3.1.5 says 512; servers send more.
    static let longestLine = 4096
    /// The most bytes dropped of one line before it is no reply at all.
    static let mostDropped = 1 << 20
    /// The most lines of one reply.
    static let mostLines = 128

    enum Step: Equatable {
        case needMore
        case reply(Int)
        case garbage(String)
    }

    private var bytes: [UInt8]
    private var head = 0
    private var tail = 0
    /// Bytes dropped of the line that is still coming.
    private var dropped = 0
    /// The texts of the last complete reply's lines, as positions in `bytes`.
    private var lines: [Range<Int>] = []

    init() { bytes = [UInt8](repeating: 0, count: 1024) }

    /// Reads one complete reply, if there is one. Its text can be had by `take` until more is received.
    mutating func next() -> Step {
        var position = head
        var code = 0
        lines.removeAll(keepingCapacity: true)
        while true {
            guard let end = endOfLine(from: position) else {
                if tail - position > Self.longestLine {
                    dropped += tail - position - Self.longestLine
                    tail = position + Self.longestLine
                }
                return dropped > Self.mostDropped
                    ? .garbage("a line of over \(Self.mostDropped) bytes") : .needMore
            }
            let next = end + 1
            var last = end
            if last > position, bytes[last - 1] == 13 { last -= 1 }
            guard last - position >= 3, let value = Self.code(bytes, at: position) else {
                return .garbage("a line that does not begin with a reply code")
            }
            guard lines.isEmpty || value == code else {
                return .garbage("one reply with two codes, \(code) and \(value)")
            }
            code = value
            let separator = last - position > 3 ? bytes[position + 3] : 32
            guard separator == 32 || separator == 45 else { return .garbage("a malformed reply line") }
            lines.append(min(position + 4, last)..<last)
            position = next
            if separator == 32 {
                head = position
                dropped = 0
                return .reply(code)
            }
            guard lines.count < Self.mostLines else { return .garbage("a reply of over \(Self.mostLines) lines") }
        }
    }

    /// The last reply that `next` found, made safe.
    func take(_ code: Int) -> Reply { Reply(code: code, lines: lines.lazy.map { bytes[$0] }) }

    /// The raw texts of the last reply's lines (for EHLO and AUTH).
    func lineTexts() -> [String] { lines.map { String(decoding: bytes[$0], as: UTF8.self) } }

    /// Forgets everything received: what came before a TLS handshake must not survive it (RFC 3207 §6).
    mutating func discard() {
        head = 0
        tail = 0
        dropped = 0
        lines.removeAll()
    }

    var isEmpty: Bool { head == tail }

    /// Takes in what was read elsewhere.
    mutating func append(_ received: UnsafeRawBufferPointer) {
        makeRoom()
        if bytes.count - tail < received.count {
            bytes.append(contentsOf: repeatElement(0, count: received.count - (bytes.count - tail)))
        }
        bytes.withUnsafeMutableBytes { UnsafeMutableRawBufferPointer(rebasing: $0[tail...]).copyMemory(from: received) }
        tail += received.count
    }

    private mutating func makeRoom() {
        if head == tail {
            head = 0
            tail = 0
        } else if head > 0 {
            bytes.withUnsafeMutableBytes { all in
                all.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[head..<tail]))
            }
            tail -= head
            head = 0
        }
    }

    private func endOfLine(from start: Int) -> Int? {
        bytes.withUnsafeBufferPointer { all in
            var index = start
            while index < tail {
                if all[index] == 10 { return index }
                index += 1
            }
            return nil
        }
    }

    private static func code(_ bytes: [UInt8], at index: Int) -> Int? {
        let (a, b, c) = (bytes[index], bytes[index + 1], bytes[index + 2])
        guard a >= 50, a <= 53, b >= 48, b <= 57, c >= 48, c <= 57 else { return nil }
        return Int(a - 48) * 100 + Int(b - 48) * 10 + Int(c - 48)
    }
}
