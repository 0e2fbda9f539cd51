import Glibc

/// What a client sent and was not looked at yet. Bytes are scanned where they came to lie.
final class InputBuffer {
    private static let usual = 65_536
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// Unread bytes lie in `start..<end`.
    private(set) var start = 0
    private(set) var end = 0

    init() {
        capacity = InputBuffer.usual
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    var count: Int { end - start }
    var unread: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base + start, count: count) }

    /// Space for at least 16 KB more, behind the unread bytes.
    func space() -> UnsafeMutableRawBufferPointer {
        if start == end {
            start = 0
            end = 0
        }
        if capacity - end < 16_384 {
            if start > 0, capacity - count >= 32_768 {
                memmove(base, base + start, count)
            } else {
                let bigger = max(capacity, (count + 16_384) * 2)
                let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: bigger)
                memcpy(fresh, base + start, count)
                base.deallocate()
                base = fresh
                capacity = bigger
            }
            end = count
            start = 0
        }
        return UnsafeMutableRawBufferPointer(start: base + end, count: capacity - end)
    }

    func added(_ bytes: Int) { end += bytes }

    func consume(_ bytes: Int) {
        start += bytes
        if start == end, capacity > 4 * InputBuffer.usual {
            // A big message has gone by: give its memory back.
            base.deallocate()
            capacity = InputBuffer.usual
            base = .allocate(capacity: capacity)
            start = 0
            end = 0
        }
    }

    func clear() {
        start = 0
        end = 0
    }

    /// Where the next LF is, counted from `start`, looking from `from` on.
    func lineFeed(from: Int) -> Int? {
        guard from < count, let found = memchr(base + start + from, 10, count - from) else { return nil }
        return found.assumingMemoryBound(to: UInt8.self) - (base + start)
    }
}

/// Finds the end of a message's text: only CR LF . CR LF ends it (RFC 5321 §4.1.1.4). A bare LF or CR around a dot is
/// text, so that nobody can smuggle a second message behind it.
struct EndOfData {
    /// The first place at which an LF may still matter; counted from the start of the unread bytes.
    private(set) var scanned = 0
    private var begun = false

    /// The length of the text, the CR LF before the dot included, when it is all there; the terminator is 3 bytes longer.
    mutating func find(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        let count = bytes.count
        if !begun {
            guard count >= 3 else { return nil }
            begun = true
            if base[0] == 46, base[1] == 13, base[2] == 10 { return 0 }
        }
        var at = scanned
        while at < count, let found = memchr(base + at, 10, count - at) {
            let feed = found.assumingMemoryBound(to: UInt8.self) - UnsafeMutablePointer(mutating: base)
            if feed + 3 < count {
                if base[feed + 1] == 46, base[feed + 2] == 13, base[feed + 3] == 10, feed > 0, base[feed - 1] == 13 {
                    return feed + 1
                }
            } else if feed + 1 >= count || base[feed + 1] == 46 {
                // What follows is still on its way.
                scanned = feed
                return nil
            }
            at = feed + 1
        }
        scanned = count
        return nil
    }

    /// Bytes at the front were taken away.
    mutating func dropped(_ bytes: Int) { scanned -= bytes }

    /// The text as its author wrote it: the dot that was put before a line's first dot is taken away (RFC 5321 §4.5.2).
    static func unstuff(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: bytes.count) { space, written in
            guard let base = bytes.baseAddress, let target = space.baseAddress else { return }
            var at = 0
            while at < bytes.count {
                if base[at] == 46 { at += 1 }
                let rest = bytes.count - at
                guard rest > 0 else { break }
                var length = rest
                var from = at
                // A line ends with CR LF; a lone LF does not begin one.
                while let found = memchr(base + from, 10, bytes.count - from) {
                    let feed = found.assumingMemoryBound(to: UInt8.self) - UnsafeMutablePointer(mutating: base)
                    if feed > 0, base[feed - 1] == 13 {
                        length = feed + 1 - at
                        break
                    }
                    from = feed + 1
                    if from >= bytes.count { break }
                }
                memcpy(target + written, base + at, length)
                written += length
                at += length
            }
        }
    }
}
