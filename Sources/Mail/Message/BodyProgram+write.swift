extension BodyProgram {
    /// The encoding for these values: 7bit where they allow it. (Lines too long for it are found while writing.)
    func encoding(_ values: borrowing FieldValues) -> TransferEncoding {
        var needsEncoding = !allowsSevenBit
        var bytes = literalBytes
        var escapes = literalEscapes
        for use in uses {
            if !values.kind(use.slot).isDisjoint(with: .needsEncoding) { needsEncoding = true }
            bytes += values.count(use.slot) * use.count
            escapes += values.escapes(use.slot) * use.count
        }
        return needsEncoding ? .smaller(bytes: bytes, escapes: escapes) : .sevenBit
    }

    /// Writes the encoded part, dot-stuffed, ending in CRLF.
    /// - Returns: false when a line is too long for 7bit; the caller takes back what was written.
    func write(
        _ encoding: TransferEncoding, _ values: inout FieldValues, to writer: inout ByteWriter
    ) -> Bool {
        writer.reserve(store.count / 2 + 1024)
        switch encoding {
        case .sevenBit: return writeSevenBit(values, to: &writer)
        case .quotedPrintable:
            for use in uses { values.escape(use.slot) }
            writeQuoted(values, to: &writer)
        case .base64:
            var plain = ByteWriter(capacity: literalBytes * 2)
            writePlain(values, lineEnd: "\r\n", to: &plain)
            Base64.writeLines(UnsafeBufferPointer(start: plain.base, count: plain.count), to: &writer)
        }
        return true
    }

    private func writeSevenBit(_ values: borrowing FieldValues, to writer: inout ByteWriter) -> Bool {
        var lineStart = writer.count
        return store.withUnsafeBufferPointer { store in
            for step in steps {
                switch step {
                case .lines(let literal):
                    writer.put(UnsafeBufferPointer(rebasing: store[literal.sevenBit]))
                    lineStart = writer.count
                case .piece(let literal): writer.put(UnsafeBufferPointer(rebasing: store[literal.sevenBit]))
                case .field(let slot):
                    let value = values.plain(slot)
                    if values.kind(slot).contains(.lineEnd) {
                        for byte in value {
                            if byte == 0x0A {
                                if !BodyProgram.endLine(&lineStart, &writer) { return false }
                            } else {
                                writer.put(byte)
                            }
                        }
                    } else {
                        writer.put(value)
                    }
                case .lineEnd:
                    if !BodyProgram.endLine(&lineStart, &writer) { return false }
                }
            }
            return true
        }
    }

    @inline(__always)
    private static func endLine(_ lineStart: inout Int, _ writer: inout ByteWriter) -> Bool {
        if writer.count - lineStart > HeaderLine.hardLimit { return false }
        if writer.count > lineStart, writer.base[lineStart] == UInt8(ascii: ".") {
            writer.insert(UInt8(ascii: "."), at: lineStart)
        }
        writer.putLineEnd()
        lineStart = writer.count
        return true
    }

    private func writeQuoted(_ values: borrowing FieldValues, to writer: inout ByteWriter) {
        var line = QuotedPrintable.Line()
        store.withUnsafeBufferPointer { store in
            guard let base = store.baseAddress else { return writeQuotedFields(values, to: &writer) }
            for step in steps {
                switch step {
                case .lines(let literal): writer.put(UnsafeBufferPointer(rebasing: store[literal.quoted]))
                case .piece(let literal): line.put(base + literal.quoted.lowerBound, literal.quoted.count, to: &writer)
                case .field(let slot): BodyProgram.putField(values, slot, &line, &writer)
                case .lineEnd: line.end(to: &writer)
                }
            }
        }
    }

    /// A template of nothing but fields has no store.
    private func writeQuotedFields(_ values: borrowing FieldValues, to writer: inout ByteWriter) {
        var line = QuotedPrintable.Line()
        for step in steps {
            switch step {
            case .field(let slot): BodyProgram.putField(values, slot, &line, &writer)
            case .lineEnd: line.end(to: &writer)
            default: break
            }
        }
    }

    @inline(__always)
    private static func putField(
        _ values: borrowing FieldValues, _ slot: Int, _ line: inout QuotedPrintable.Line, _ writer: inout ByteWriter
    ) {
        let value = values.escaped(slot)
        if values.kind(slot).contains(.lineEnd) {
            line.putLines(value, to: &writer)
        } else if let source = value.baseAddress {
            line.put(source, value.count, to: &writer)
        }
    }

    /// Writes the text itself, with the line ends asked for.
    func writePlain(_ values: borrowing FieldValues, lineEnd: StaticString, to writer: inout ByteWriter) {
        let withCR = lineEnd.utf8CodeUnitCount == 2
        store.withUnsafeBufferPointer { store in
            func put(_ bytes: UnsafeBufferPointer<UInt8>) {
                for byte in bytes where withCR || byte != 0x0D { writer.put(byte) }
            }
            for step in steps {
                switch step {
                case .lines(let literal), .piece(let literal):
                    if withCR {
                        writer.put(UnsafeBufferPointer(rebasing: store[literal.plain]))
                    } else {
                        put(UnsafeBufferPointer(rebasing: store[literal.plain]))
                    }
                case .field(let slot):
                    if values.kind(slot).contains(.lineEnd) {
                        for byte in values.plain(slot) {
                            if byte == 0x0A { writer.put(lineEnd) } else { writer.put(byte) }
                        }
                    } else {
                        writer.put(values.plain(slot))
                    }
                case .lineEnd: writer.put(lineEnd)
                }
            }
        }
    }
}
