/// What a row of this file looks like, and the parser for one.
struct CSVRowShape {
    enum Outcome { case more, end, blank, good, fault(CSVRowFault) }

    struct Parsed {
        var outcome: Outcome
        /// Bytes of the file this record takes, and lines.
        var used = 0
        var lines = 0
        /// Bytes of the joined form, and where the address is in it.
        var length = 0
        var email = 0..<0
    }

    private let delimiter: UInt8
    private let columns: Int?
    private let email: Int
    /// True for what ends a run of ordinary bytes: the delimiter and everything below U+0020 but the tab.
    private let stops: [Bool]

    init(delimiter: UInt8, columns: Int?, email: Int) {
        self.delimiter = delimiter
        self.columns = columns
        self.email = email
        var stops = [Bool](repeating: false, count: 256)
        for byte in 0..<0x20 where byte != 0x09 { stops[byte] = true }
        stops[Int(delimiter)] = true
        self.stops = stops
    }

    /// Parses one record at the start of `bytes`, writing its fields to `out` (as large as `bytes`), joined by U+001F.
    /// - Parameter final: nothing comes behind `bytes`.
    func parse(_ bytes: UnsafeBufferPointer<UInt8>, into out: UnsafeMutablePointer<UInt8>, final: Bool) -> Parsed {
        guard let p = bytes.baseAddress, bytes.count > 0 else { return Parsed(outcome: final ? .end : .more) }
        return stops.withUnsafeBufferPointer { parse(p, bytes.count, out, final, $0) }
    }

    private func parse(
        _ p: UnsafePointer<UInt8>, _ n: Int, _ out: UnsafeMutablePointer<UInt8>, _ final: Bool,
        _ stops: UnsafeBufferPointer<Bool>
    ) -> Parsed {
        var i = 0
        var o = 0
        var field = 0
        var lines = 0
        var fault: CSVRowFault?
        var parsed = Parsed(outcome: .good)
        while true {
            let fieldStart = o
            if i < n, p[i] == 0x22 {
                i += 1
                while true {
                    guard i < n else {
                        return final ? recover(p, n, .openQuote) : Parsed(outcome: .more)
                    }
                    let byte = p[i]
                    if byte == 0x22 {
                        if i + 1 < n {
                            i += 1
                            if p[i] != 0x22 { break }
                        } else if final {
                            i += 1
                            break
                        } else {
                            return Parsed(outcome: .more)
                        }
                    } else if byte < 0x20, byte != 0x09 {
                        if byte == 0x0A {
                            if i == 0 || p[i - 1] != 0x0D { lines += 1 }
                        } else if byte == 0x0D {
                            lines += 1
                        } else if fault == nil {
                            fault = .control(byte, field: field)
                        }
                    }
                    out[o] = byte
                    o += 1
                    i += 1
                }
                if i < n, p[i] != delimiter, p[i] != 0x0A, p[i] != 0x0D {
                    // The quote that closed may have been meant to open: start again on the next line.
                    return recover(p, n, .textAfterQuote(field: field), final: final)
                }
            }
            while true {
                while i < n, !stops[Int(p[i])] {
                    out[o] = p[i]
                    o += 1
                    i += 1
                }
                if i == n || p[i] == delimiter || p[i] == 0x0A || p[i] == 0x0D { break }
                if fault == nil { fault = .control(p[i], field: field) }
                out[o] = 0x20
                o += 1
                i += 1
            }
            if i == n, !final { return Parsed(outcome: .more) }
            if field == email { parsed.email = trimmed(out, fieldStart..<o) }
            field += 1
            if i < n, p[i] == delimiter {
                out[o] = 0x1F
                o += 1
                i += 1
                continue
            }
            if i < n {
                if p[i] == 0x0D {
                    if i + 1 == n, !final { return Parsed(outcome: .more) }
                    if i + 1 < n, p[i + 1] == 0x0A { i += 1 }
                }
                i += 1
            }
            lines += 1
            break
        }
        parsed.used = i
        parsed.lines = lines
        parsed.length = o
        if fault == nil, o == field - 1 {
            // Nothing but delimiters: an empty line of a spreadsheet.
            parsed.outcome = columns == nil ? .good : .blank
        } else if let fault {
            parsed.outcome = .fault(fault)
        } else if let columns, columns != field {
            parsed.outcome = .fault(.fields(found: field, wanted: columns))
        }
        return parsed
    }

    @inline(__always)
    private func trimmed(_ out: UnsafeMutablePointer<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high, out[low] == 0x20 || out[low] == 0x09 { low += 1 }
        while low < high, out[high - 1] == 0x20 || out[high - 1] == 0x09 { high -= 1 }
        return low..<high
    }

    /// A row whose quotes are wrong takes only its first line, so that the good rows behind it go on.
    private func recover(_ p: UnsafePointer<UInt8>, _ n: Int, _ fault: CSVRowFault, final: Bool = true) -> Parsed {
        var i = 0
        while i < n, p[i] != 0x0A, p[i] != 0x0D { i += 1 }
        if i + 1 >= n, !final { return Parsed(outcome: .more) }
        if i + 1 < n, p[i] == 0x0D, p[i + 1] == 0x0A { i += 1 }
        return Parsed(outcome: .fault(fault), used: min(i + 1, n), lines: 1)
    }
}
