/// Text that came from elsewhere (a reply, a header, a name, a CSV field) made harmless for a terminal.
///
/// Dropped: escape sequences (ECMA-48 CSI, OSC, DCS), C0 and C1 controls, bidirectional controls (UAX #9), joiners,
/// variation selectors and every other invisible format character. A line break becomes a space.
enum OutsideText {
    /// The text without anything that could move the cursor, change the screen or turn the reading direction.
    static func plain(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        var result = String.UnicodeScalarView()
        result.append(contentsOf: scalars(text))
        return String(result)
    }

    static func scalars(_ text: String) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.utf8.count)
        let all = Array(text.unicodeScalars)
        var index = 0
        while index < all.count {
            let scalar = all[index]
            let value = scalar.value
            switch value {
            case 0x1B: index = afterEscape(all, index)
            case 0x9B: index = afterControlSequence(all, index + 1)
            case 0x90, 0x98, 0x9D, 0x9E, 0x9F: index = afterString(all, index + 1)
            case 0x09, 0x0A, 0x0D, 0x85, 0x2028, 0x2029:
                // CR LF is one break
                if !(value == 0x0A && index > 0 && all[index - 1].value == 0x0D) { result.append(" ") }
                index += 1
            case 0x1F1E6...0x1F1FF:
                // A flag is two of these; terminals disagree about its width, so it shows as its two letters.
                result.append(Unicode.Scalar(UInt8(0x41 + value - 0x1F1E6)))
                index += 1
            default:
                if value < 0x20 || (0x7F...0x9F).contains(value) || isInvisible(scalar) {
                    index += 1
                } else {
                    result.append(scalar)
                    index += 1
                }
            }
        }
        return result
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        if value < 0xAD { return false }
        // Boxes, bars and Chinese, which is most of what comes by: no need to look them up.
        if (0x2500...0x25FF).contains(value) || (0x4E00...0x9FFF).contains(value) { return false }
        if (0xFE00...0xFE0F).contains(value) || (0xE0000...0xE0FFF).contains(value) { return true }
        switch scalar.properties.generalCategory {
        case .format, .control, .surrogate, .privateUse, .unassigned: return true
        default: return value == 0x115F || value == 0x1160 || value == 0x3164 || value == 0xFFA0  // Hangul fillers
        }
    }

    private static func afterEscape(_ all: [Unicode.Scalar], _ index: Int) -> Int {
        guard index + 1 < all.count else { return index + 1 }
        switch all[index + 1] {
        case "[": return afterControlSequence(all, index + 2)
        case "]", "P", "X", "^", "_": return afterString(all, index + 2)
        default:
            var next = index + 1
            while next < all.count, (0x20...0x2F).contains(all[next].value) { next += 1 }
            if next < all.count, (0x30...0x7E).contains(all[next].value) { next += 1 }
            return next
        }
    }

    private static func afterControlSequence(_ all: [Unicode.Scalar], _ start: Int) -> Int {
        var index = start
        while index < all.count, (0x20...0x3F).contains(all[index].value) { index += 1 }
        if index < all.count, (0x40...0x7E).contains(all[index].value) { index += 1 }
        return index
    }

    private static func afterString(_ all: [Unicode.Scalar], _ start: Int) -> Int {
        var index = start
        while index < all.count {
            if all[index].value == 0x07 || all[index].value == 0x9C { return index + 1 }
            if all[index].value == 0x1B {
                return index + 1 < all.count && all[index + 1] == "\\" ? index + 2 : index
            }
            index += 1
        }
        return index
    }
}

extension String {
    /// `alice@example.com` as `al..@example.com`: enough to recognise, too little to copy from a shoulder.
    var maskedAddress: String {
        guard let at = lastIndex(of: "@") else { return self }
        return String(self[..<at].prefix(2)) + ".." + self[at...]
    }
}
