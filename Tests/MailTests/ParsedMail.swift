@testable import Mail

/// A message read back by a reader of our own, written against the RFCs and not against the writer.
struct ParsedMail {
    var headers: [(name: String, value: String)] = []
    /// The decoded content of a leaf, line ends as sent.
    var content: [UInt8] = []
    var parts: [ParsedMail] = []
    var lines: [[UInt8]] = []

    struct Malformed: Error { let what: String }

    init(wire: [UInt8]) throws {
        var lines = try ParsedMail.lines(wire)
        guard lines.popLast() == Array(".".utf8) else { throw Malformed(what: "no final dot") }
        for index in lines.indices where lines[index].first == UInt8(ascii: ".") {
            // An undoubled dot would end or damage the message.
            guard lines[index].count > 1, lines[index][1] == UInt8(ascii: ".") else {
                throw Malformed(what: "dot not stuffed")
            }
            lines[index].removeFirst()
        }
        try self.init(lines: lines[...])
    }

    static func lines(_ bytes: [UInt8]) throws -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var line: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == 0x0D {
                guard index + 1 < bytes.count, bytes[index + 1] == 0x0A else { throw Malformed(what: "bare CR") }
                lines.append(line)
                line = []
                index += 1
            } else {
                guard bytes[index] != 0x0A else { throw Malformed(what: "bare LF") }
                line.append(bytes[index])
            }
            index += 1
        }
        guard line.isEmpty else { throw Malformed(what: "no line end at the end") }
        return lines
    }

    init(lines: ArraySlice<[UInt8]>) throws {
        self.lines = Array(lines)
        for line in lines where line.count > 998 { throw Malformed(what: "line of \(line.count)") }
        var rest = lines
        while let line = rest.popFirst(), !line.isEmpty {
            let text = String(decoding: line, as: UTF8.self)
            if line[0] == 0x20 || line[0] == 0x09 {
                guard !headers.isEmpty else { throw Malformed(what: "fold without header") }
                headers[headers.count - 1].value += text
            } else {
                guard let colon = text.firstIndex(of: ":") else { throw Malformed(what: "no header: \(text)") }
                let value = text[text.index(after: colon)...].drop { $0 == " " }
                headers.append((String(text[..<colon]), String(value)))
            }
        }
        let type = self["Content-Type"] ?? ""
        if type.hasPrefix("multipart/") {
            guard let range = type.firstRange(of: "boundary=\"") else { throw Malformed(what: "no boundary") }
            let boundary = Array(("--" + type[range.upperBound...].prefix { $0 != "\"" }).utf8)
            let end = boundary + Array("--".utf8)
            var current: ArraySlice<[UInt8]>?
            var index = rest.startIndex
            while index < rest.endIndex {
                if rest[index] == boundary || rest[index] == end {
                    if let part = current { parts.append(try ParsedMail(lines: part)) }
                    current = rest[index] == end ? nil : rest[(index + 1)..<(index + 1)]
                } else if let part = current {
                    current = rest[part.startIndex..<(index + 1)]
                }
                index += 1
            }
            guard current == nil, !parts.isEmpty else { throw Malformed(what: "multipart not closed") }
            return
        }
        var body: [UInt8] = []
        for (index, line) in rest.enumerated() { body += (index == 0 ? [] : [0x0D, 0x0A]) + line }
        switch self["Content-Transfer-Encoding"] {
        case "quoted-printable":
            for line in rest where line.count > 76 { throw Malformed(what: "quoted-printable line of \(line.count)") }
            content = try ParsedMail.quoted(Array(rest))
        case "base64": content = try ParsedMail.base64(rest.flatMap { $0 })
        default:
            guard body.allSatisfy({ $0 < 0x80 && $0 != 0 }) else { throw Malformed(what: "8-bit in 7bit") }
            content = body
        }
    }

    subscript(name: String) -> String? { headers.first { $0.name == name }?.value }

    /// The text with LF line ends.
    var text: String { String(decoding: content.filter { $0 != 0x0D }, as: UTF8.self) }

    static func quoted(_ lines: [[UInt8]]) throws -> [UInt8] {
        var result: [UInt8] = []
        for (number, line) in lines.enumerated() {
            if line.last == 0x20 || line.last == 0x09 { throw Malformed(what: "blank at a line's end") }
            var soft = false
            var index = 0
            while index < line.count {
                if line[index] != UInt8(ascii: "=") {
                    guard line[index] >= 32 && line[index] < 127 || line[index] == 9 else {
                        throw Malformed(what: "raw byte \(line[index])")
                    }
                    result.append(line[index])
                    index += 1
                } else if index == line.count - 1 {
                    soft = true
                    index += 1
                } else {
                    guard index + 2 < line.count,
                        let byte = UInt8(String(decoding: line[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
                    else { throw Malformed(what: "bad escape") }
                    result.append(byte)
                    index += 3
                }
            }
            if !soft, number < lines.count - 1 { result += [0x0D, 0x0A] }
        }
        return result
    }

    static func base64(_ characters: [UInt8]) throws -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        guard characters.count % 4 == 0 else { throw Malformed(what: "base64 length") }
        var result: [UInt8] = []
        var bits = 0
        var count = 0
        for character in characters where character != UInt8(ascii: "=") {
            guard let value = alphabet.firstIndex(of: character) else { throw Malformed(what: "base64 character") }
            bits = (bits << 6 | value) & 0xFFFF
            count += 6
            if count >= 8 {
                count -= 8
                result.append(UInt8(bits >> count & 255))
            }
        }
        return result
    }

    /// A header's value with its encoded words decoded (RFC 2047 §6.2: blanks between two words vanish).
    static func decodedHeader(_ value: String) throws -> String {
        var result: [UInt8] = []
        var blanks: [UInt8] = []
        var afterWord = false
        for token in value.split(separator: " ", omittingEmptySubsequences: false) {
            let isWord = token.hasPrefix("=?utf-8?") && token.hasSuffix("?=")
            if isWord {
                guard token.utf8.count <= 75 else { throw Malformed(what: "word of \(token.utf8.count)") }
                let payload = Array(token.dropFirst(10).dropLast(2).utf8)
                let kind = token.dropFirst(8).first
                // A mark behind the payload keeps a blank at its end from looking like a fault.
                let bytes =
                    kind == "B"
                    ? try base64(payload)
                    : Array(try quoted([payload.map { $0 == 0x5F ? 0x20 : $0 } + [0x21]]).dropLast())
                guard String(validating: bytes, as: UTF8.self) != nil else {
                    throw Malformed(what: "a character cut in two")
                }
                if !afterWord { result += blanks }
                result += bytes
            } else {
                result += blanks + Array(token.utf8)
            }
            blanks = [0x20]
            afterWord = isWord
        }
        return String(decoding: result, as: UTF8.self)
    }
}
