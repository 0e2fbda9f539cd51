/// Counts what speaks for and against UTF-8, over any number of pieces.
struct UTF8Census {
    /// Well-formed sequences of two to four bytes, and bytes that belong to none.
    private(set) var wellFormed = 0
    private(set) var illFormed = 0
    private var expected = 0
    private var lowest: UInt8 = 0x80
    private var highest: UInt8 = 0xBF

    mutating func count(_ bytes: UnsafeRawBufferPointer) {
        var index = 0
        let end = bytes.count
        while index < end {
            if expected == 0 {
                while index + 8 <= end,
                    bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
                {
                    index += 8
                }
                guard index < end else { return }
                let byte = bytes[index]
                index += 1
                if byte < 0x80 { continue }
                lowest = 0x80
                highest = 0xBF
                switch byte {
                case 0xC2...0xDF: expected = 1
                case 0xE0...0xEF:
                    expected = 2
                    if byte == 0xE0 { lowest = 0xA0 }
                    if byte == 0xED { highest = 0x9F }
                case 0xF0...0xF4:
                    expected = 3
                    if byte == 0xF0 { lowest = 0x90 }
                    if byte == 0xF4 { highest = 0x8F }
                default: illFormed += 1
                }
            } else if bytes[index] >= lowest, bytes[index] <= highest {
                expected -= 1
                lowest = 0x80
                highest = 0xBF
                index += 1
                if expected == 0 { wellFormed += 1 }
            } else {
                // The byte is looked at again: it may begin a sequence.
                expected = 0
                illFormed += 1
            }
        }
    }

    /// A few broken bytes in much good UTF-8 are broken rows; otherwise the file is GB18030, which Chinese
    /// spreadsheets still write.
    var verdict: CSVEncoding { illFormed * 10 <= wellFormed ? .utf8 : .gb18030 }
}
