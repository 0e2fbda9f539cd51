/// The fields of one recipient as byte ranges over the joined text (values separated by U+001F).
struct FieldRow {
    let bytes: UnsafeBufferPointer<UInt8>
    private(set) var ranges: [Range<Int>] = []

    /// - Parameter bytes: must outlive the row.
    init(_ bytes: UnsafeBufferPointer<UInt8>, columns: Int) {
        self.bytes = bytes
        ranges.reserveCapacity(columns)
        var start = 0
        for index in 0..<bytes.count where bytes[index] == 0x1F {
            ranges.append(start..<index)
            start = index + 1
        }
        ranges.append(start..<bytes.count)
    }

    subscript(column: Int) -> UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: bytes[ranges[column]]) }

    /// A field's value in the form its place needs.
    func value(_ use: FieldUse) -> [UInt8] {
        var out: [UInt8] = []
        use.form.write(self[use.column], to: &out)
        return out
    }
}

extension FieldForm {
    /// Appends a value in this form. Line ends become LF.
    func write(_ value: UnsafeBufferPointer<UInt8>, to out: inout [UInt8]) {
        switch self {
        case .plain:
            if value.contains(0x0D) {
                var previous: UInt8 = 0
                for byte in value {
                    if byte == 0x0D { out.append(0x0A) } else if byte != 0x0A || previous != 0x0D { out.append(byte) }
                    previous = byte
                }
            } else {
                out.append(contentsOf: value)
            }
        case .html:
            var previous: UInt8 = 0
            for byte in value {
                FieldForm.entity(byte, after: previous, to: &out)
                previous = byte
            }
        case .url:
            for byte in value {
                if FieldForm.unreserved[Int(byte)] { out.append(byte) } else { FieldForm.percent(byte, to: &out) }
            }
        case .link:
            for byte in value {
                if byte <= 0x20 || byte >= 0x7F || "\"<>\\^`{|}".utf8.contains(byte) {
                    FieldForm.percent(byte, to: &out)
                } else {
                    FieldForm.entity(byte, after: 0, to: &out)
                }
            }
        }
    }

    @inline(__always)
    private static func entity(_ byte: UInt8, after previous: UInt8, to out: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "&"): out.append(contentsOf: ampersand)
        case UInt8(ascii: "<"): out.append(contentsOf: less)
        case UInt8(ascii: ">"): out.append(contentsOf: greater)
        case UInt8(ascii: "\""): out.append(contentsOf: quote)
        case UInt8(ascii: "'"): out.append(contentsOf: apostrophe)
        case 0x0D: out.append(0x0A)
        case 0x0A where previous == 0x0D: break
        default: out.append(byte)
        }
    }

    private static func percent(_ byte: UInt8, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "%"))
        out.append(hexDigits[Int(byte >> 4)])
        out.append(hexDigits[Int(byte & 15)])
    }

    private static let ampersand = Array("&amp;".utf8)
    private static let less = Array("&lt;".utf8)
    private static let greater = Array("&gt;".utf8)
    private static let quote = Array("&quot;".utf8)
    private static let apostrophe = Array("&#39;".utf8)

    /// RFC 3986 §2.3.
    private static let unreserved: [Bool] = {
        var table = [Bool](repeating: false, count: 256)
        for byte in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8 {
            table[Int(byte)] = true
        }
        return table
    }()
}

let hexDigits = Array("0123456789ABCDEF".utf8)
