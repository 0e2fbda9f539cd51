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
            let template = Template(url, part: part, form: .url, columns: columns, faults: &faults)
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
            let template = Template("mailto:\(bare)", part: part, form: .url, columns: columns, faults: &faults)
            addresses.append(TextProgram(template, part: part, slots: &slots, faults: &faults))
        }
        if addresses.isEmpty { return nil }
        self.addresses = addresses
        self.oneClick = oneClick
    }

    func write(_ values: borrowing FieldValues, _ row: FieldRow, to writer: inout ByteWriter) throws {
        writer.put("List-Unsubscribe: ")
        var column = 18
        for (index, address) in addresses.enumerated() {
            let bytes = UnsubscribeProgram.encoded(address.bytes(values, row))
            if bytes.count > HeaderLine.hardLimit - 24 { throw RenderError.headerTooLong("List-Unsubscribe") }
            if index > 0 {
                writer.put(column + bytes.count + 5 > 78 ? ",\r\n " : ", ")
                column = 1
            }
            writer.put(UInt8(ascii: "<"))
            writer.put(bytes)
            writer.put(UInt8(ascii: ">"))
            column += bytes.count + 2
        }
        writer.putLineEnd()
        if oneClick { writer.put("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n") }
    }

    /// What may not stand in an address between angle brackets is percent-encoded, wherever it came from.
    private static func encoded(_ address: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(address.count + 16)
        for byte in address {
            if byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">") {
                result.append(UInt8(ascii: "%"))
                result.append(hexDigits[Int(byte >> 4)])
                result.append(hexDigits[Int(byte & 15)])
            } else {
                result.append(byte)
            }
        }
        return result
    }
}
