/// One text part of a message: text/plain or text/html.
struct PartProgram: Sendable {
    private enum Kind: Sendable {
        /// The same for everybody, encoded once.
        case fixed([UInt8], TransferEncoding, BodyProgram)
        case plain(BodyProgram)
        /// One for each combination of empty and filled section columns.
        case variants(sections: [Int], [PartProgram])
        case library(LibraryTemplate)
    }

    private let kind: Kind
    private let subtype: StaticString

    init(
        _ template: Template, part: String, subtype: StaticString, slots: inout [FieldUse],
        faults: inout [ContentFault]
    ) {
        self.subtype = subtype
        guard template.isPlain else {
            do {
                let library = try LibraryTemplate(template)
                if let variants = library.variants {
                    let programs = variants.map {
                        PartProgram($0, part: part, subtype: subtype, slots: &slots, faults: &faults)
                    }
                    kind = .variants(sections: library.sections, programs)
                } else {
                    kind = .library(library)
                }
            } catch {
                faults.append(ContentFault(part, "its sections do not fit together (\(error))"))
                kind = .plain(BodyProgram(Template(items: []), slots: &slots))
            }
            return
        }
        let program = BodyProgram(template, slots: &slots)
        if program.isFixed {
            let (bytes, encoding) = PartProgram.encoded(program)
            kind = .fixed(bytes, encoding, program)
        } else {
            kind = .plain(program)
        }
    }

    private static func encoded(_ program: BodyProgram) -> ([UInt8], TransferEncoding) {
        var values = FieldValues()
        var writer = ByteWriter(capacity: program.literalBytes * 2)
        var encoding = program.encoding(values)
        if !program.write(encoding, &values, to: &writer) {
            writer.truncate(to: 0)
            encoding = .quotedPrintable
            _ = program.write(encoding, &values, to: &writer)
        }
        return (writer.array(), encoding)
    }

    /// Writes the part's own header fields, the empty line and the encoded text.
    func write(_ values: inout FieldValues, _ row: FieldRow, _ mixer: inout Mixer, to writer: inout ByteWriter) {
        switch kind {
        case .fixed(let bytes, let encoding, _):
            writeHead(encoding, to: &writer)
            writer.put(bytes)
        case .plain(let program):
            for use in program.uses { mixer.add(values.plain(use.slot)) }
            let start = writer.count
            let encoding = program.encoding(values)
            writeHead(encoding, to: &writer)
            if !program.write(encoding, &values, to: &writer) {
                writer.truncate(to: start)
                writeHead(.quotedPrintable, to: &writer)
                _ = program.write(.quotedPrintable, &values, to: &writer)
            }
        case .variants(let sections, let programs):
            let variant = LibraryTemplate.variant(sections, row)
            mixer.add(variant)
            programs[variant].write(&values, row, &mixer, to: &writer)
        case .library(let library):
            let text = library.render(row)
            text.withUnsafeBufferPointer { mixer.add($0) }
            var slots: [FieldUse] = []
            let (bytes, encoding) = PartProgram.encoded(
                BodyProgram(Template(items: [.literal(TemplateScanner.withUnixLines(text))]), slots: &slots))
            writeHead(encoding, to: &writer)
            writer.put(bytes)
        }
    }

    private func writeHead(_ encoding: TransferEncoding, to writer: inout ByteWriter) {
        writer.put("Content-Type: text/")
        writer.put(subtype)
        writer.put("; charset=utf-8\r\nContent-Transfer-Encoding: ")
        writer.put(encoding.name)
        writer.put("\r\n\r\n")
    }

    /// The text as its reader sees it, lines ended by LF.
    func text(_ values: borrowing FieldValues, _ row: FieldRow) -> String {
        switch kind {
        case .fixed(_, _, let program), .plain(let program):
            var writer = ByteWriter(capacity: program.literalBytes * 2)
            program.writePlain(values, lineEnd: "\n", to: &writer)
            return String(decoding: UnsafeBufferPointer(start: writer.base, count: writer.count), as: UTF8.self)
        case .variants(let sections, let programs):
            return programs[LibraryTemplate.variant(sections, row)].text(values, row)
        case .library(let library):
            let text = String(decoding: library.render(row), as: UTF8.self)
            return text.isEmpty || text.utf8.last == 0x0A ? text : text + "\n"
        }
    }
}
