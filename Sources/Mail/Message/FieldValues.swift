/// The values one message needs, each computed once: in its form for the place, and escaped for quoted-printable.
struct FieldValues: ~Copyable {
    /// What is known of a value after one look at its bytes.
    struct Kind: OptionSet {
        let rawValue: UInt8
        static let nonASCII = Kind(rawValue: 1)
        static let control = Kind(rawValue: 2)
        static let lineEnd = Kind(rawValue: 4)
        /// Could be part of a MIME boundary (`=_`), which 7bit would not hide.
        static let boundary = Kind(rawValue: 8)
        /// Not to be sent as 7bit.
        static let needsEncoding: Kind = [.nonASCII, .control, .boundary]
    }

    private struct Entry {
        var start: Int
        var count: Int
        /// Bytes outside printable ASCII.
        var escapes: Int
        var kind: Kind
        /// Where the escaped form is, once it was asked for.
        var escapedStart = -1
        var escapedCount = 0
    }

    private var store: ByteWriter
    private var entries: [Entry] = []

    init(_ uses: [FieldUse], row: FieldRow) {
        store = ByteWriter(capacity: row.bytes.count * 8 + 256)
        entries.reserveCapacity(uses.count)
        var value: [UInt8] = []
        value.reserveCapacity(64)
        for use in uses {
            let start = store.count
            let raw = row[use.column]
            if use.form == .plain, !FieldValues.has(raw, FieldValues.kindOfCR) {
                store.put(raw)
            } else {
                value.removeAll(keepingCapacity: true)
                use.form.write(raw, to: &value)
                store.put(value)
            }
            entries.append(FieldValues.look(at: store.base + start, store.count - start, start: start))
        }
    }

    /// No values, for a part without fields.
    init() { store = ByteWriter(capacity: 0) }

    private static let kindOfCR: UInt8 = 0x0D
    private static func has(_ bytes: UnsafeBufferPointer<UInt8>, _ wanted: UInt8) -> Bool {
        for byte in bytes where byte == wanted { return true }
        return false
    }

    private static func look(at bytes: UnsafePointer<UInt8>, _ count: Int, start: Int) -> Entry {
        var kind: Kind = []
        var escapes = 0
        var previous: UInt8 = UInt8(ascii: "=")
        for index in 0..<count {
            let byte = bytes[index]
            if byte >= 0x7F {
                escapes += 1
                kind.insert(byte == 0x7F ? .control : .nonASCII)
            } else if byte < 0x20 {
                if byte == 0x0A { kind.insert(.lineEnd) } else if byte != 0x09 { kind.insert(.control) }
            } else if byte == UInt8(ascii: "_"), previous == UInt8(ascii: "=") {
                kind.insert(.boundary)
            }
            previous = byte
        }
        if previous == UInt8(ascii: "="), count > 0 { kind.insert(.boundary) }
        return Entry(start: start, count: count, escapes: escapes, kind: kind)
    }

    /// Computes the quoted-printable form of a value, once.
    mutating func escape(_ slot: Int) {
        guard entries[slot].escapedStart < 0 else { return }
        store.reserve(entries[slot].count * 3)
        let source = UnsafeBufferPointer(start: store.base + entries[slot].start, count: entries[slot].count)
        let start = store.count
        QuotedPrintable.escape(source, to: &store)
        entries[slot].escapedStart = start
        entries[slot].escapedCount = store.count - start
    }

    @inline(__always)
    borrowing func kind(_ slot: Int) -> Kind { entries[slot].kind }
    @inline(__always)
    borrowing func count(_ slot: Int) -> Int { entries[slot].count }
    @inline(__always)
    borrowing func escapes(_ slot: Int) -> Int { entries[slot].escapes }

    /// Valid until the next `escape`.
    @inline(__always)
    borrowing func plain(_ slot: Int) -> UnsafeBufferPointer<UInt8> {
        let entry = entries[slot]
        return UnsafeBufferPointer(start: store.base + entry.start, count: entry.count)
    }

    /// Valid until the next `escape`; empty before the first one of this slot.
    @inline(__always)
    borrowing func escaped(_ slot: Int) -> UnsafeBufferPointer<UInt8> {
        let entry = entries[slot]
        return UnsafeBufferPointer(start: store.base + max(0, entry.escapedStart), count: entry.escapedCount)
    }
}
