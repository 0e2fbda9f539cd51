/// A short template compiled: a subject, a header value, a file name, an unsubscribe address.
enum TextProgram: Sendable {
    enum Piece: Sendable {
        case literal([UInt8])
        case field(slot: Int)
    }

    case plain([Piece])
    /// One for each combination of empty and filled section columns.
    case variants(sections: [Int], [[Piece]])
    case library(LibraryTemplate)

    init(_ template: Template, part: String, slots: inout [FieldUse], faults: inout [ContentFault]) {
        guard template.isPlain else {
            do {
                let library = try LibraryTemplate(template)
                if let variants = library.variants {
                    let pieces = variants.map { TextProgram.pieces($0, slots: &slots) }
                    self = .variants(sections: library.sections, pieces)
                } else {
                    self = .library(library)
                }
            } catch {
                faults.append(ContentFault(part, "its sections do not fit together (\(error))"))
                self = .plain([])
            }
            return
        }
        self = .plain(TextProgram.pieces(template, slots: &slots))
    }

    private static func pieces(_ template: Template, slots: inout [FieldUse]) -> [Piece] {
        var pieces: [Piece] = []
        for item in template.items {
            switch item {
            case .literal(let bytes): pieces.append(.literal(bytes))
            case .field(let use):
                let slot = slots.firstIndex(of: use) ?? slots.count
                if slot == slots.count { slots.append(use) }
                pieces.append(.field(slot: slot))
            default: break
            }
        }
        return pieces
    }

    func bytes(_ values: borrowing FieldValues, _ row: FieldRow) -> [UInt8] {
        switch self {
        case .library(let library): return library.render(row)
        case .plain(let pieces): return TextProgram.text(pieces, values)
        case .variants(let sections, let pieces):
            return TextProgram.text(pieces[LibraryTemplate.variant(sections, row)], values)
        }
    }

    private static func text(_ pieces: [Piece], _ values: borrowing FieldValues) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(128)
        for piece in pieces {
            switch piece {
            case .literal(let bytes): text.append(contentsOf: bytes)
            case .field(let slot): text.append(contentsOf: values.plain(slot))
            }
        }
        return text
    }

    /// The values that may show in the text, each alone.
    func fieldValues(_ values: borrowing FieldValues, _ row: FieldRow) -> [[UInt8]] {
        let pieces: [Piece]
        switch self {
        case .library(let library): return library.uses.map { row.value($0) }
        case .plain(let plain): pieces = plain
        case .variants(let sections, let variants): pieces = variants[LibraryTemplate.variant(sections, row)]
        }
        var found: [[UInt8]] = []
        for piece in pieces {
            if case .field(let slot) = piece { found.append(Array(values.plain(slot))) }
        }
        return found
    }
}
