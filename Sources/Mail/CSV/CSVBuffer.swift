import Glibc

/// A window over the source: the bytes from `start` to `end` are read and not yet parsed.
final class CSVBuffer {
    private(set) var base: UnsafeMutablePointer<UInt8>
    /// As large as `base`: the unquoted form of a row is never longer than the row.
    private(set) var scratch: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var start = 0
    private(set) var end = 0
    private(set) var atEnd = false
    private let source: CSVSource

    init(_ source: CSVSource) {
        self.source = source
        capacity = CSVSource.pieceSize
        base = .allocate(capacity: capacity)
        scratch = .allocate(capacity: capacity)
    }

    deinit {
        base.deallocate()
        scratch.deallocate()
    }

    var count: Int { end - start }
    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base + start, count: count) }
    var encoding: CSVEncoding { source.encoding }

    func consume(_ count: Int) { start += count }

    /// Reads more behind what is there. False at the end of the file.
    func more() throws(CSVError) -> Bool {
        if atEnd { return false }
        if start > 0 {
            memmove(base, base + start, count)
            end -= start
            start = 0
        }
        if capacity - end < capacity / 2 {
            let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2)
            memcpy(larger, base, end)
            base.deallocate()
            base = larger
            scratch.deallocate()
            capacity *= 2
            scratch = .allocate(capacity: capacity)
        }
        let room = UnsafeMutableRawBufferPointer(start: base + end, count: capacity - end)
        let got = try source.read(into: room)
        end += got
        atEnd = got == 0
        return got > 0
    }
}
