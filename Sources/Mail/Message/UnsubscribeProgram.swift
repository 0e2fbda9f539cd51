/// The List-Unsubscribe headers (RFC 2369 §3.2, RFC 8058 §3.1).
struct UnsubscribeProgram: Sendable {
    private let addresses: [TextProgram]
    private let oneClick: Bool

    init?(
        _ unsubscribe: CampaignContent.Unsubscribe, columns: ColumnNames, slots: inout [FieldUse],
        faults: inout [ContentFault]
    ) {
        var addresses: [TextProgram] = []
        var oneClick = false
        if let url = unsubscribe.url {
            let part = "unsubscribe url"
            // Placeholders are not looked at here: the scheme must be the author's.
            if !url.hasPrefix("https://"), !url.hasPrefix("http://") {
                faults.append(ContentFault(part, "it must begin with https://"))
            }
            oneClick = url.hasPrefix("https://")
            let template = UnsubscribeProgram.encoded(
                Template(url, part: part, form: .url, columns: columns, faults: &faults))
            addresses.append(TextProgram(template, part: part, slots: &slots, faults: &faults))
        }
        if let mailto = unsubscribe.mailto {
            let part = "unsubscribe mailto"
            let bare = mailto.hasPrefix("mailto:") ? String(mailto.dropFirst(7)) : mailto
            let target = String(bare.prefix { $0 != "?" })
            if !target.contains("{{") {
                do {
                    _ = try Mailbox(parsing: target)
                } catch {
                    faults.append(ContentFault(part, "\(error)"))
                }
            }
            let template = UnsubscribeProgram.encoded(
                Template("mailto:\(bare)", part: part, form: .url, columns: columns, faults: &faults))
            addresses.append(TextProgram(template, part: part, slots: &slots, faults: &faults))
        }
        if addresses.isEmpty { return nil }
        self.addresses = addresses
        self.oneClick = oneClick
    }

    /// What may not stand in an address between angle brackets is percent-encoded.
    private static func encoded(_ template: Template) -> Template {
        Template(
            items: template.items.map { item in
                guard case .literal(let bytes) = item else { return item }
                var out: [UInt8] = []
                for byte in bytes {
                    if byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">")
                        || byte == UInt8(ascii: ",")
                    {
                        out += [UInt8(ascii: "%"), hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
                    } else {
                        out.append(byte)
                    }
                }
                return .literal(out)
            })
    }

    func write(_ values: borrowing FieldValues, _ row: FieldRow, to writer: inout ByteWriter) throws {
        writer.put("List-Unsubscribe: ")
        var column = 18
        for (index, address) in addresses.enumerated() {
            let bytes = address.bytes(values, row)
            if bytes.count > HeaderLine.hardLimit - 24 { throw RenderError.headerTooLong("List-Unsubscribe") }
            if index > 0 {
                writer.put(column + bytes.count + 5 > 78 ? ",\r\n " : ", ")
                column = 1
            }
            writer.put(UInt8(ascii: "<"))
            // Raw placeholders (`{{{…}}}`) are the author's risk, but never a line of their own.
            writer.put(HeaderLine.cleaned(bytes))
            writer.put(UInt8(ascii: ">"))
            column += bytes.count + 2
        }
        writer.putLineEnd()
        if oneClick { writer.put("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n") }
    }
}
