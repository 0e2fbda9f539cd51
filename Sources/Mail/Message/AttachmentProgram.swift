/// One attachment of a campaign: the same file for everybody, encoded once, or one chosen by each recipient's fields.
struct AttachmentProgram: Sendable {
    private enum Kind: Sendable {
        case fixed(part: [UInt8], name: String, size: Int)
        case chosen(TextProgram)
    }

    private let kind: Kind
    private let loader: AttachmentLoader

    init(
        _ name: String, columns: ColumnNames, loader: @escaping AttachmentLoader, slots: inout [FieldUse],
        faults: inout [ContentFault]
    ) {
        self.loader = loader
        let part = "attachment \(name)"
        let template = Template(name, part: part, form: .plain, columns: columns, faults: &faults)
        if template.hasFields || name.contains("{{") {
            kind = .chosen(TextProgram(template, part: part, slots: &slots, faults: &faults))
            return
        }
        do {
            let content = try loader(name)
            let encoded = AttachmentProgram.encoded(content, name: name)
            kind = .fixed(part: encoded, name: name, size: content.bytes.count)
        } catch {
            faults.append(ContentFault(part, "\(error)"))
            kind = .fixed(part: [], name: name, size: 0)
        }
    }

    /// Bytes this adds to every message; 0 when it differs.
    var size: Int {
        if case .fixed(let part, _, _) = kind { part.count } else { 0 }
    }

    func write(_ values: borrowing FieldValues, _ row: FieldRow, to writer: inout ByteWriter) throws {
        switch kind {
        case .fixed(let part, _, _): writer.put(part)
        case .chosen:
            let (name, content) = try load(values, row)
            writer.put(AttachmentProgram.encoded(content, name: name))
        }
    }

    /// Name and size in bytes, for a preview.
    func description(_ values: borrowing FieldValues, _ row: FieldRow) throws -> (name: String, size: Int) {
        switch kind {
        case .fixed(_, let name, let size): return (name, size)
        case .chosen:
            let (name, content) = try load(values, row)
            return (name, content.bytes.count)
        }
    }

    private func load(_ values: borrowing FieldValues, _ row: FieldRow) throws -> (String, AttachmentBytes) {
        guard let name = try chosenName(values, row) else { return ("", AttachmentBytes([])) }
        do {
            return (name, try loader(name))
        } catch {
            throw RenderError.attachment(name: name, reason: "\(error)")
        }
    }

    /// The file that a recipient's fields choose; nil where everybody gets the same.
    func chosenName(_ values: borrowing FieldValues, _ row: FieldRow) throws -> String? {
        guard case .chosen(let program) = kind else { return nil }
        let name = String(decoding: program.bytes(values, row), as: UTF8.self)
        for value in program.fieldValues(values, row) {
            // A field names a file; it must not lead out of the folder that the campaign's author chose.
            if value.contains(UInt8(ascii: "/")) || value.contains(UInt8(ascii: "\\")) || value.contains(0)
                || value.first == UInt8(ascii: ".")
            {
                throw RenderError.attachment(
                    name: name, reason: "a field in a file's name must not begin with a dot or hold a slash")
            }
        }
        return name
    }

    /// The whole MIME part: header, empty line, Base64.
    private static func encoded(_ content: AttachmentBytes, name: String) -> [UInt8] {
        let fileName = String(name.split(separator: "/").last ?? "attachment")
        var writer = ByteWriter(capacity: Base64.lineSize(content.bytes.count) + 512)
        writer.put("Content-Type: ")
        writer.put(content.mediaType ?? MediaType.named(fileName))
        FileNameParameter.write("name", fileName, to: &writer)
        writer.put("\r\nContent-Disposition: attachment")
        FileNameParameter.write("filename", fileName, to: &writer)
        writer.put("\r\nContent-Transfer-Encoding: base64\r\n\r\n")
        content.bytes.withUnsafeBufferPointer { Base64.writeLines($0, to: &writer) }
        return writer.array()
    }
}
