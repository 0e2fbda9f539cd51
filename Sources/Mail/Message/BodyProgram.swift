/// A message part compiled: what does not change from one recipient to the next is encoded once, in each encoding it
/// may be sent in, so that a message costs little more than copying.
struct BodyProgram: Sendable {
    /// A literal in its three encoded forms, as ranges of `store`.
    struct Literal: Sendable {
        /// As it is, lines ended by CRLF.
        var plain = 0..<0
        /// For 7bit: dot-stuffed.
        var sevenBit = 0..<0
        /// For quoted-printable: whole lines complete and dot-stuffed, pieces of lines only escaped.
        var quoted = 0..<0
    }

    enum Step: Sendable {
        /// Whole lines, each with its end.
        case lines(Literal)
        /// A piece of a line that also holds fields.
        case piece(Literal)
        case field(slot: Int)
        case lineEnd
    }

    private(set) var steps: [Step] = []
    private(set) var store: [UInt8] = []
    /// Each slot used, and how often.
    private(set) var uses: [(slot: Int, count: Int)] = []
    /// Bytes of all literals, and those among them that quoted-printable must escape because they are not ASCII.
    private(set) var literalBytes = 0
    private(set) var literalEscapes = 0
    /// Whether the literals may be sent as 7bit.
    private(set) var allowsSevenBit = true

    /// - Parameter slots: the fields used anywhere in the message; grows by those used here.
    init(_ template: Template, slots: inout [FieldUse]) {
        var builder = Builder()
        for item in template.items {
            switch item {
            case .literal(let bytes): builder.literal(bytes)
            case .field(let use):
                let slot = slots.firstIndex(of: use) ?? slots.count
                if slot == slots.count { slots.append(use) }
                builder.field(slot)
            default: break
            }
        }
        builder.finish()
        steps = builder.steps
        store = builder.store
        literalBytes = builder.literalBytes
        literalEscapes = builder.literalEscapes
        allowsSevenBit = builder.allowsSevenBit
        uses = builder.uses.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Nothing changes from one recipient to the next.
    var isFixed: Bool { uses.isEmpty }

    /// Collects literals and fields line by line.
    private struct Builder {
        var steps: [Step] = []
        var store: [UInt8] = []
        var uses: [Int: Int] = [:]
        var literalBytes = 0
        var literalEscapes = 0
        var allowsSevenBit = true
        /// The line being collected: pieces of it, nil standing for a field.
        private var line: [(bytes: [UInt8], slot: Int?)] = []
        private var whole: [[UInt8]] = []
        private var previous: UInt8 = 0

        mutating func field(_ slot: Int) {
            uses[slot, default: 0] += 1
            line.append(([], slot))
        }

        mutating func literal(_ bytes: [UInt8]) {
            literalBytes += bytes.count
            for byte in bytes {
                if byte >= 0x7F { literalEscapes += 1 }
                // "=_" begins every boundary; the value between two literals may be empty, so `previous` reaches over it.
                if byte >= 0x7F || (byte < 0x20 && byte != 0x0A && byte != 0x09)
                    || (byte == UInt8(ascii: "_") && previous == UInt8(ascii: "="))
                {
                    allowsSevenBit = false
                }
                previous = byte
            }
            var start = 0
            for index in bytes.indices where bytes[index] == 0x0A {
                add(bytes[start..<index])
                endLine()
                start = index + 1
            }
            add(bytes[start...])
        }

        private mutating func add(_ bytes: ArraySlice<UInt8>) {
            if !bytes.isEmpty { line.append((Array(bytes), nil)) }
        }

        private mutating func endLine() {
            if line.contains(where: { $0.slot != nil }) {
                flushWhole()
                emitLine()
                steps.append(.lineEnd)
            } else {
                whole.append(line.flatMap(\.bytes))
            }
            line = []
        }

        mutating func finish() {
            // A part ends with a line end of its own.
            if !line.isEmpty { endLine() }
            flushWhole()
        }

        private mutating func emitLine() {
            for piece in line {
                if let slot = piece.slot {
                    steps.append(.field(slot: slot))
                } else {
                    let plain = keep(piece.bytes)
                    var writer = ByteWriter(capacity: piece.bytes.count * 3)
                    piece.bytes.withUnsafeBufferPointer { QuotedPrintable.escape($0, to: &writer) }
                    steps.append(.piece(Literal(plain: plain, sevenBit: plain, quoted: keep(writer.array()))))
                }
            }
        }

        private mutating func flushWhole() {
            guard !whole.isEmpty else { return }
            var plain: [UInt8] = []
            var stuffed: [UInt8] = []
            var quoted = ByteWriter(capacity: 256)
            var quotedLine = QuotedPrintable.Line()
            for text in whole {
                if text.count > HeaderLine.hardLimit { allowsSevenBit = false }
                plain += text + [0x0D, 0x0A]
                if text.first == UInt8(ascii: ".") { stuffed.append(UInt8(ascii: ".")) }
                stuffed += text + [0x0D, 0x0A]
                var escaped = ByteWriter(capacity: text.count * 3)
                text.withUnsafeBufferPointer { QuotedPrintable.escape($0, to: &escaped) }
                quotedLine.put(escaped.base, escaped.count, to: &quoted)
                quotedLine.end(to: &quoted)
            }
            steps.append(
                .lines(Literal(plain: keep(plain), sevenBit: keep(stuffed), quoted: keep(quoted.array()))))
            whole = []
        }

        private mutating func keep(_ bytes: [UInt8]) -> Range<Int> {
            let start = store.count
            store += bytes
            return start..<store.count
        }
    }
}
