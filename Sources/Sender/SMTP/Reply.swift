import Mail

/// Where in the dialogue a reply came.
public enum Stage: String, Sendable, CaseIterable {
    case banner, ehlo, starttls, auth, mail, rcpt, data, dot, reset, quit

    /// Whether a reply of this code can be one to this command at all (RFC 5321 §4.3.2). One that cannot shows that server
    /// and client speak of different commands; what follows must not be taken for an answer either.
    func admits(_ code: Int) -> Bool {
        switch (self, code / 100) {
        case (_, 4), (_, 5): true
        case (.data, _): code == 354
        case (.auth, _): code < 400
        case (_, let class_): class_ == 2
        }
    }
}

/// A server's answer, made safe to store and show: no control codes, bounded, valid UTF-8.
public struct Reply: Sendable, Hashable {
    /// The longest text kept, in bytes; the rest is dropped.
    public static let longestText = 600

    /// 200...599 (RFC 5321 §4.2).
    public var code: Int
    /// `4.7.1` (RFC 3463), when the first line begins with one of the code's class.
    public var enhanced: String?
    /// The lines' texts joined by a blank, without the enhanced code.
    public var text: String

    public init(code: Int, enhanced: String? = nil, text: String) {
        self.code = code
        self.enhanced = enhanced
        self.text = text
    }

    public var isPositive: Bool { code >= 200 && code < 400 }
    public var isTransient: Bool { code >= 400 && code < 500 }
    public var isPermanent: Bool { code >= 500 }

    /// `550 5.1.1 No such user`
    public var line: String {
        var words = [String(code)]
        if let enhanced { words.append(enhanced) }
        if !text.isEmpty { words.append(text) }
        return words.joined(separator: " ")
    }

    /// Builds a reply from the bytes of its lines' texts.
    init(code: Int, lines: some Sequence<ArraySlice<UInt8>>) {
        var enhanced: String?
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for (number, line) in lines.enumerated() {
            var rest = line
            if let length = Self.enhancedLength(line, class: code / 100) {
                if number == 0 { enhanced = String(decoding: line.prefix(length), as: UTF8.self) }
                rest = line.dropFirst(min(line.count, length + 1))
            }
            guard !rest.isEmpty, text.count < Self.longestText else { continue }
            if !text.isEmpty { text.append(32) }
            for byte in Self.inUTF8(rest).prefix(Self.longestText - text.count) {
                text.append(byte < 32 || byte == 127 ? 32 : byte)
            }
        }
        self.init(code: code, enhanced: enhanced, text: Self.harmless(text))
    }

    /// A line as UTF-8 (RFC 6531 §3.7.4): as it came, or from GB 18030, which Chinese servers write though no standard lets them.
    private static func inUTF8(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard line.contains(where: { $0 >= 0x80 }) else { return line }
        guard !isUTF8(line), let text = GB18030.text(line) else { return line }
        return Array(text.utf8)[...]
    }

    /// Whether a line with other than ASCII in it is UTF-8. It may be cut off within a character, but not within its only one.
    private static func isUTF8(_ line: ArraySlice<UInt8>) -> Bool {
        if String(validating: line, as: UTF8.self) != nil { return true }
        guard let lead = line.suffix(3).lastIndex(where: { $0 >= 0xC2 }) else { return false }
        let length = line[lead] < 0xE0 ? 2 : line[lead] < 0xF0 ? 3 : 4
        let whole = line[..<lead]
        return line.endIndex - lead < length && line[(lead + 1)...].allSatisfy { (0x80...0xBF).contains($0) }
            && whole.contains { $0 >= 0x80 } && String(validating: whole, as: UTF8.self) != nil
    }

    /// How many bytes at the start of a line are an enhanced status code `class.subject.detail`.
    private static func enhancedLength(_ line: ArraySlice<UInt8>, class expected: Int) -> Int? {
        var index = line.startIndex
        guard line.count >= 5, line[index] == UInt8(48 + expected), line[index + 1] == 46 else { return nil }
        index += 2
        for separator in [true, false] {
            let start = index
            while index < line.endIndex, line[index] >= 48, line[index] <= 57, index - start < 3 { index += 1 }
            guard index > start else { return nil }
            if separator {
                guard index < line.endIndex, line[index] == 46 else { return nil }
                index += 1
            }
        }
        guard index == line.endIndex || line[index] == 32 else { return nil }
        return index - line.startIndex
    }

    /// Repairs UTF-8 and takes out C1 controls and the characters that turn text around (Unicode Bidi_Control).
    private static func harmless(_ bytes: [UInt8]) -> String {
        if bytes.allSatisfy({ $0 < 128 }) { return String(decoding: bytes, as: UTF8.self) }
        var scalars = String.UnicodeScalarView()
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0x80...0x9F, 0x200E, 0x200F, 0x061C, 0x202A...0x202E, 0x2066...0x2069, 0x2028, 0x2029: continue
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }
}
