import Glibc

/// Bytes being written: a growing buffer without the checks of an array on each append.
struct ByteWriter: ~Copyable {
    private(set) var base: UnsafeMutablePointer<UInt8>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int) {
        self.capacity = max(64, capacity)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    @inline(__always)
    mutating func reserve(_ more: Int) {
        if count + more > capacity { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        let larger = max(capacity * 2, count + more)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        memcpy(moved, base, count)
        base.deallocate()
        base = moved
        capacity = larger
    }

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func put(_ source: UnsafePointer<UInt8>, _ length: Int) {
        reserve(length)
        memcpy(base + count, source, length)
        count += length
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) {
        if let source = bytes.baseAddress { put(source, bytes.count) }
    }

    mutating func put(_ bytes: [UInt8]) { bytes.withUnsafeBufferPointer { put($0) } }

    @inline(__always)
    mutating func put(_ text: StaticString) { put(text.utf8Start, text.utf8CodeUnitCount) }

    mutating func put(_ text: String) {
        var text = text
        text.withUTF8 { put($0) }
    }

    @inline(__always)
    mutating func putLineEnd() {
        reserve(2)
        base[count] = 0x0D
        base[count + 1] = 0x0A
        count += 2
    }

    /// Puts one byte before what stands at `position`.
    mutating func insert(_ byte: UInt8, at position: Int) {
        reserve(1)
        memmove(base + position + 1, base + position, count - position)
        base[position] = byte
        count += 1
    }

    /// Takes back everything from `position` on.
    mutating func truncate(to position: Int) { count = position }

    /// For a writer of its own: says how many bytes were put behind `base + count`, after `reserve`.
    mutating func advance(_ written: Int) { count += written }

    borrowing func array() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { target, filled in
            if let start = target.baseAddress { memcpy(start, base, count) }
            filled = count
        }
    }
}
