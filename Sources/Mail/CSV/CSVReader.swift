/// Reads a recipients file row by row (RFC 4180; also `;` and tab, LF and CR, UTF-8, UTF-16 with mark, GB18030) in
/// flat memory. The delimiter is found from the header line.
public struct CSVReader {
    /// The longest row, in bytes.
    public static let rowLimit = 1 << 20
    /// How much of a bad row is kept, in bytes.
    public static let rawLimit = 1024

    /// The column names, blanks around them removed, each once.
    public let columns: [String]
    /// Which of `columns` holds the address.
    public let emailIndex: Int
    /// `,`, `;` or tab.
    public let delimiter: UInt8
    public var encoding: CSVEncoding { buffer.encoding }

    let path: String
    let buffer: CSVBuffer
    private let shape: CSVRowShape
    /// The line the next record begins on, from 1.
    private var line = 1

    /// Opens a file and reads its header. The file is read once more as it is iterated, never held.
    /// - Throws: `CSVError` when the file cannot be read, is empty, or its columns are of no use.
    public init(path: String) throws(CSVError) {
        self.path = path
        buffer = CSVBuffer(try CSVSource(path: path))
        var probe = CSVReader.Position(buffer: buffer, path: path)
        let header = try probe.header()
        columns = header.columns
        emailIndex = header.emailIndex
        delimiter = header.delimiter
        shape = CSVRowShape(delimiter: header.delimiter, columns: header.columns.count, email: header.emailIndex)
        line = probe.line
    }

    /// The next record, nil at the end of the file. Empty lines are passed over.
    public mutating func next() throws(CSVError) -> CSVRecord? {
        while true {
            let begin = line
            let parsed = shape.parse(buffer.bytes, into: buffer.scratch, final: buffer.atEnd)
            switch parsed.outcome {
            case .more:
                if buffer.count < Self.rowLimit {
                    // At the end of the file the same bytes are parsed again, as final.
                    _ = try buffer.more()
                    continue
                }
                return try tooLong(begin)
            case .end: return nil
            case .blank:
                buffer.consume(parsed.used)
                line += parsed.lines
            case .good:
                if parsed.used > Self.rowLimit { return try tooLong(begin) }
                let text = UnsafeBufferPointer(start: buffer.scratch, count: parsed.length)
                guard let joined = String(validating: text, as: UTF8.self) else {
                    return bad(begin, "not valid \(encoding.rawValue) text", parsed)
                }
                let email = String(
                    decoding: UnsafeBufferPointer(rebasing: text[parsed.email]), as: UTF8.self)
                buffer.consume(parsed.used)
                line += parsed.lines
                return .row(line: begin, fields: CSVRow(joined: joined, email: email))
            case .fault(let fault): return bad(begin, fault.description(columns), parsed)
            }
        }
    }

    private mutating func bad(_ begin: Int, _ reason: String, _ parsed: CSVRowShape.Parsed) -> CSVRecord {
        let kept = buffer.bytes.prefix(parsed.used).prefix(Self.rawLimit)
        var raw = String(decoding: kept, as: UTF8.self)
        while let last = raw.last, last.isNewline { raw.removeLast() }
        buffer.consume(parsed.used)
        line += parsed.lines
        return .bad(line: begin, reason: reason, raw: raw)
    }

    /// A row without end: it is passed over up to the end of its first line, so that what follows still counts.
    private mutating func tooLong(_ begin: Int) throws(CSVError) -> CSVRecord {
        let raw = String(decoding: buffer.bytes.prefix(Self.rawLimit), as: UTF8.self)
        let quoted = buffer.bytes.prefix(Self.rowLimit).contains(0x22)
        while true {
            let bytes = buffer.bytes
            if let newline = bytes.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) {
                let pair = bytes[newline] == 0x0D && newline + 1 < bytes.count && bytes[newline + 1] == 0x0A
                buffer.consume(newline + (pair ? 2 : 1))
                break
            }
            buffer.consume(bytes.count)
            if try !buffer.more() { break }
        }
        line += 1
        let firstLine = String(raw.prefix { !$0.isNewline })
        let reason =
            quoted && firstLine.utf8.contains(0x22)
            ? "a double quote that begins in this row is not closed within \(Self.rowLimit) bytes"
            : "the row is longer than \(Self.rowLimit) bytes"
        return .bad(line: begin, reason: reason, raw: firstLine)
    }
}

extension CSVReader {
    /// Reads the header record, before anything is known of the file's shape.
    struct Position {
        let buffer: CSVBuffer
        let path: String
        var line = 1

        init(buffer: CSVBuffer, path: String) {
            self.buffer = buffer
            self.path = path
        }

        mutating func header() throws(CSVError) -> CSVHeader {
            while buffer.count < CSVSource.pieceSize / 2, try buffer.more() {}
            skipBlankLines()
            guard buffer.count > 0 else {
                throw CSVError(
                    path: path, line: nil, message: "the file is empty; its first line must name the columns")
            }
            let bytes = buffer.bytes
            let firstLine = UnsafeBufferPointer(rebasing: bytes.prefix { $0 != 0x0A && $0 != 0x0D })
            if firstLine.contains(0) {
                throw CSVError(path: path, line: line, message: "not a text file; save it as UTF-8 CSV")
            }
            if let named = spreadsheetHint(firstLine) {
                buffer.consume(firstLine.count)
                skipBlankLines()
                return try header(delimiter: named)
            }
            return try header(delimiter: CSVHeader.delimiter(of: firstLine))
        }

        /// A first line `sep=;`, as some spreadsheets write it, names the delimiter.
        private func spreadsheetHint(_ line: UnsafeBufferPointer<UInt8>) -> UInt8? {
            guard line.count == 5, line.starts(with: "sep=".utf8) || line.starts(with: "SEP=".utf8) else { return nil }
            return [0x2C, 0x3B, 0x09].contains(line[4]) ? line[4] : nil
        }

        private mutating func header(delimiter: UInt8) throws(CSVError) -> CSVHeader {
            let bytes = buffer.bytes
            let shape = CSVRowShape(delimiter: delimiter, columns: nil, email: 0)
            let parsed = shape.parse(bytes, into: buffer.scratch, final: true)
            if case .fault(let fault) = parsed.outcome {
                throw CSVError(path: path, line: line, message: "\(fault.description([])) in the header line")
            }
            let text = UnsafeBufferPointer(start: buffer.scratch, count: parsed.length)
            guard let joined = String(validating: text, as: UTF8.self) else {
                throw CSVError(path: path, line: line, message: "the header is not valid \(buffer.encoding.rawValue)")
            }
            let names = CSVRow(joined: joined, email: "").fields
            let header = try CSVHeader(names, delimiter: delimiter, line: line, path: path)
            buffer.consume(parsed.used)
            line += parsed.lines
            return header
        }

        private mutating func skipBlankLines() {
            while let first = buffer.bytes.first, first == 0x0A || first == 0x0D {
                let pair = first == 0x0D && buffer.count > 1 && buffer.bytes[1] == 0x0A
                buffer.consume(pair ? 2 : 1)
                line += 1
            }
        }
    }
}
