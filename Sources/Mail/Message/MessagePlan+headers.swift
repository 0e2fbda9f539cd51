import Clock

extension MessagePlan {
    /// Fields that this program writes itself, or that are a server's to write; lower case.
    private static let reserved: Set<String> = [
        "from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "mime-version", "sender",
        "return-path", "received", "delivered-to", "list-unsubscribe", "list-unsubscribe-post", "dkim-signature",
        "authentication-results",
    ]

    static func headers(
        _ fields: [String: String], columns: ColumnNames, slots: inout [FieldUse], faults: inout [ContentFault]
    ) -> [(name: String, value: TextProgram)] {
        var result: [(name: String, value: TextProgram)] = []
        var seen: Set<String> = []
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            let part = "header \(name)"
            let lower = name.lowercased()
            // RFC 5322 §3.6.8: printable ASCII but the colon.
            if name.isEmpty || name.utf8.count > 76 || !name.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 58 }) {
                faults.append(ContentFault(part, "a header's name is made of ASCII letters, digits and hyphens"))
            } else if reserved.contains(lower) || lower.hasPrefix("content-") || lower.hasPrefix("resent-") {
                faults.append(ContentFault(part, "this header is written by the program; remove it"))
            } else if !seen.insert(lower).inserted {
                faults.append(ContentFault(part, "it is given twice"))
            }
            let template = Template(value, part: part, form: .plain, columns: columns, faults: &faults)
            result.append((name, TextProgram(template, part: part, slots: &slots, faults: &faults)))
        }
        return result
    }

    func writeHeaders(
        _ input: RenderInput, to: Mailbox, _ values: borrowing FieldValues, _ row: FieldRow, _ mixer: inout Mixer,
        _ writer: inout ByteWriter
    ) throws {
        writer.put(head)
        HeaderLine.writeMailbox("To", to, to: &writer)
        let title = subject.bytes(values, row)
        title.withUnsafeBufferPointer { mixer.add($0) }
        HeaderLine.writeText("Subject", title, to: &writer)
        writer.put("Date: ")
        DateHeader.write(input.date, to: &writer)
        writer.put("\r\nMessage-ID: ")
        try writeMessageID(input.messageID, to: &writer)
        writer.put("\r\nMIME-Version: 1.0\r\n")
        try unsubscribe?.write(values, row, to: &writer)
        for header in headers { HeaderLine.writeText(header.name, header.value.bytes(values, row), to: &writer) }
    }

    private func writeMessageID(_ identifier: String, to writer: inout ByteWriter) throws(RenderError) {
        let start = writer.count
        let bare = identifier.utf8.first != UInt8(ascii: "<")
        if bare { writer.put(UInt8(ascii: "<")) }
        writer.put(identifier)
        if bare { writer.put(UInt8(ascii: ">")) }
        var sound = writer.count - start > 4 && writer.count - start < 900
        var ats = 0
        for index in start..<writer.count {
            let byte = writer.base[index]
            if byte <= 32 || byte >= 127 { sound = false }
            if byte == UInt8(ascii: "@") { ats += 1 }
            let edge = index == start || index == writer.count - 1
            if (byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">")) != edge { sound = false }
        }
        if !sound || ats != 1 { throw RenderError.messageID(identifier) }
    }
}
