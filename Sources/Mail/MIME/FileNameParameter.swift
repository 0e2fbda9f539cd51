/// A file name as a MIME parameter: quoted where ASCII allows it, else percent-encoded UTF-8, in numbered pieces when
/// long (RFC 2231 §3 and §4).
enum FileNameParameter {
    /// Writes `;\r\n name=…` behind a header's value.
    static func write(_ parameter: String, _ fileName: String, to writer: inout ByteWriter) {
        let bytes = HeaderLine.cleaned(Array(fileName.utf8))
        let simple = bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C && $0 != 0x25 }
        if simple, bytes.count <= 60 {
            writer.put(";\r\n \(parameter)=\"")
            writer.put(bytes)
            writer.put("\"")
            return
        }
        var pieces: [[UInt8]] = [[]]
        for byte in bytes {
            var unit: [UInt8] = []
            withUnsafePointer(to: byte) { FieldForm.url.write(UnsafeBufferPointer(start: $0, count: 1), to: &unit) }
            if pieces[pieces.count - 1].count + unit.count > 50 { pieces.append([]) }
            pieces[pieces.count - 1] += unit
        }
        if pieces.count == 1 {
            writer.put(";\r\n \(parameter)*=utf-8''")
            writer.put(pieces[0])
            return
        }
        for (number, piece) in pieces.enumerated() {
            writer.put(";\r\n \(parameter)*\(number)*=\(number == 0 ? "utf-8''" : "")")
            writer.put(piece)
        }
    }
}
