/// A short template compiled: a subject, a header value, a file name, an unsubscribe address.
enum TextProgram: Sendable {
    enum Piece: Sendable {
        case literal([UInt8])
        case field(slot: Int)
    }

    case plain([Piece])
    case library(LibraryTemplate)

    init(_ template: Template, part: String, slots: inout [FieldUse], faults: inout [ContentFault]) {
        guard template.isPlain else {
            do {
                self = .library(try LibraryTemplate(template))
            } catch {
                faults.append(ContentFault(part, "its sections do not fit together (\(error))"))
                self = .plain([])
            }
            return
        }
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
        self = .plain(pieces)
    }

    func bytes(_ values: borrowing FieldValues, _ row: FieldRow) -> [UInt8] {
        switch self {
        case .library(let library): return library.render(row)
        case .plain(let pieces):
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
    }

    /// The slots whose values show in the text.
    var slots: [Int] {
        guard case .plain(let pieces) = self else { return [] }
        return pieces.compactMap { if case .field(let slot) = $0 { slot } else { nil } }
    }
}
