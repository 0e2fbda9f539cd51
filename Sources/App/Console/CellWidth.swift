/// One thing that stands in one or two columns of a terminal: a base character with what combines onto it.
struct Glyph: Sendable, Hashable {
    var mark: Mark
    /// Columns: 1 or 2.
    var width: Int

    var text: String { mark.text }
}

/// Up to five characters, as many as a cell of ncurses holds, without a string: frames are made of thousands of them at
/// each key, and a plain value costs nothing to copy, compare and forget.
struct Mark: Sendable, Hashable {
    private var first: UInt32 = 0, second: UInt32 = 0, third: UInt32 = 0, fourth: UInt32 = 0, fifth: UInt32 = 0

    static let nothing = Mark()
    static let space = Mark(" ")

    private init() {}
    init(_ scalar: Unicode.Scalar) { first = scalar.value }

    var isEmpty: Bool { first == 0 }
    var isASCII: Bool { first < 0x80 && second == 0 }

    /// Adds what combines onto it; false when there is no room: more marks than that are decoration or an attack.
    @discardableResult
    mutating func combine(_ scalar: Unicode.Scalar) -> Bool {
        if second == 0 {
            second = scalar.value
        } else if third == 0 {
            third = scalar.value
        } else if fourth == 0 {
            fourth = scalar.value
        } else if fifth == 0 {
            fifth = scalar.value
        } else {
            return false
        }
        return true
    }

    /// Calls with each character's number.
    @inline(__always)
    func forEach(_ body: (UInt32) -> Void) {
        if first == 0 { return }
        body(first)
        if second == 0 { return }
        body(second)
        if third != 0 { body(third) }
        if fourth != 0 { body(fourth) }
        if fifth != 0 { body(fifth) }
    }

    var text: String {
        var scalars = String.UnicodeScalarView()
        forEach { if let scalar = Unicode.Scalar($0) { scalars.append(scalar) } }
        return String(scalars)
    }
}

/// How many columns text takes on a terminal, by Unicode's East Asian Width (UAX #11), ambiguous counted as one.
///
/// It measures character by character as terminals and ncurses do, not by the locale, so that a screen is the same
/// under every `LANG` and in tests.
enum CellWidth {
    /// Columns of one scalar: 0 combines with what stands before it, 2 is wide.
    static func of(_ scalar: Unicode.Scalar) -> Int {
        let value = scalar.value
        if value < 0x300 || (0x2500...0x25FC).contains(value) { return 1 }
        if (0x4E00...0x9FFF).contains(value) { return 2 }
        if value >= 0x1100, isWide(value) { return 2 }
        if (0x1160...0x11FF).contains(value) { return 0 }  // Hangul medial vowels and finals join the syllable
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: return 1
        }
    }

    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x231A...0x231B, 0x2329...0x232A, 0x23E9...0x23EC, 0x23F0...0x23F0, 0x23F3...0x23F3,
        0x25FD...0x25FE, 0x2614...0x2615, 0x2648...0x2653, 0x267F...0x267F, 0x2693...0x2693, 0x26A1...0x26A1,
        0x26AA...0x26AB, 0x26BD...0x26BE, 0x26C4...0x26C5, 0x26CE...0x26CE, 0x26D4...0x26D4, 0x26EA...0x26EA,
        0x26F2...0x26F3, 0x26F5...0x26F5, 0x26FA...0x26FA, 0x26FD...0x26FD, 0x2705...0x2705, 0x270A...0x270B,
        0x2728...0x2728, 0x274C...0x274C, 0x274E...0x274E, 0x2753...0x2755, 0x2757...0x2757, 0x2795...0x2797,
        0x27B0...0x27B0, 0x27BF...0x27BF, 0x2B1B...0x2B1C, 0x2B50...0x2B50, 0x2B55...0x2B55, 0x2E80...0x303E,
        0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF,
        0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18CFF, 0x1AFF0...0x1B2FB,
        0x1F004...0x1F004, 0x1F0CF...0x1F0CF, 0x1F18E...0x1F18E, 0x1F191...0x1F19A, 0x1F200...0x1F320,
        0x1F32D...0x1F335, 0x1F337...0x1F37C, 0x1F37E...0x1F393, 0x1F3A0...0x1F3CA, 0x1F3CF...0x1F3D3,
        0x1F3E0...0x1F3F0, 0x1F3F4...0x1F3F4, 0x1F3F8...0x1F43E, 0x1F440...0x1F440, 0x1F442...0x1F4FC,
        0x1F4FF...0x1F53D, 0x1F54B...0x1F54E, 0x1F550...0x1F567, 0x1F57A...0x1F57A, 0x1F595...0x1F596,
        0x1F5A4...0x1F5A4, 0x1F5FB...0x1F64F, 0x1F680...0x1F6C5, 0x1F6CC...0x1F6CC, 0x1F6D0...0x1F6D2,
        0x1F6D5...0x1F6D7, 0x1F6DC...0x1F6DF, 0x1F6EB...0x1F6EC, 0x1F6F4...0x1F6FC, 0x1F7E0...0x1F7EB,
        0x1F7F0...0x1F7F0, 0x1F90C...0x1F93A, 0x1F93C...0x1F945, 0x1F947...0x1F9FF, 0x1FA70...0x1FAFF,
        0x20000...0x2FFFD, 0x30000...0x3FFFD,
    ]

    private static func isWide(_ value: UInt32) -> Bool {
        var low = 0
        var high = wide.count
        while low < high {
            let middle = (low + high) / 2
            if wide[middle].upperBound < value { low = middle + 1 } else { high = middle }
        }
        return low < wide.count && wide[low].contains(value)
    }

    /// Columns of a text as `glyphs` would show it.
    static func of(_ text: String) -> Int {
        if isPlain(text) { return text.utf8.count }
        return glyphs(text).reduce(0) { $0 + $1.width }
    }

    /// Printable ASCII alone: one column a byte, and nothing in it acts.
    private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } }

    /// The text as cells, with everything taken out that could act on a terminal (see `OutsideText`).
    static func glyphs(_ text: String) -> [Glyph] {
        var result: [Glyph] = []
        result.reserveCapacity(text.utf8.count)
        if isPlain(text) {
            for byte in text.utf8 { result.append(Glyph(mark: Mark(Unicode.Scalar(byte)), width: 1)) }
            return result
        }
        for scalar in OutsideText.scalars(text) {
            let width = of(scalar)
            if width == 0 {
                if let last = result.indices.last { result[last].mark.combine(scalar) }
            } else {
                result.append(Glyph(mark: Mark(scalar), width: width))
            }
        }
        return result
    }

    /// The text cut to at most `width` columns, between cells, the last one being `mark` where something was cut.
    static func clip(_ text: String, to width: Int, mark: String = "…") -> String {
        guard width > 0 else { return "" }
        if text.utf8.count <= width, isPlain(text) { return text }
        let cells = glyphs(text)
        let total = cells.reduce(0) { $0 + $1.width }
        if total <= width { return cells.reduce(into: "") { $0 += $1.text } }
        var result = ""
        var used = 0
        for cell in cells {
            if used + cell.width > width - 1 { break }
            result += cell.text
            used += cell.width
        }
        return result + mark
    }

    enum Side { case left, right }

    /// The text in exactly `width` columns, cut or filled with spaces.
    static func fit(_ text: String, _ width: Int, _ side: Side = .left, mark: String = "…") -> String {
        let cut = clip(text, to: width, mark: mark)
        let fill = String(repeating: " ", count: max(0, width - of(cut)))
        return side == .left ? cut + fill : fill + cut
    }
}
