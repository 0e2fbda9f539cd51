/// The full reader of one mailbox: names, quotes, angle brackets, UTF-8, address literals.
struct MailboxParser {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

    mutating func parse() throws(AddressError) -> Mailbox {
        trim()
        guard !bytes.isEmpty else { throw AddressError(.empty) }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw AddressError(.notUTF8) }
        // C1 controls (U+0080…U+009F) are C2 80…C2 9F in UTF-8.
        var previous: UInt8 = 0
        for byte in bytes {
            if byte < 0x20 || byte == 0x7F || (previous == 0xC2 && byte < 0xA0 && byte >= 0x80) {
                throw AddressError(.controlCharacter)
            }
            previous = byte
        }
        guard let open = position(of: UInt8(ascii: "<")) else {
            if position(of: UInt8(ascii: ">")) != nil { throw AddressError(.unbalancedAngle) }
            return try mailbox(bytes, name: nil)
        }
        guard bytes.last == UInt8(ascii: ">") else { throw AddressError(.unbalancedAngle) }
        let inner = bytes[(open + 1)..<(bytes.endIndex - 1)]
        guard !inner.contains(UInt8(ascii: "<")), !inner.contains(UInt8(ascii: ">")) else {
            throw AddressError(inner.contains(UInt8(ascii: "@")) ? .severalAddresses : .unbalancedAngle)
        }
        let name = try displayName(bytes[..<open])
        return try mailbox(inner, name: name)
    }

    private mutating func trim() {
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
    }

    /// The first place of a byte outside double quotes.
    private func position(of wanted: UInt8) -> Int? {
        var quoted = false
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if quoted, byte == UInt8(ascii: "\\") {
                index += 1
            } else if byte == UInt8(ascii: "\"") {
                quoted.toggle()
            } else if !quoted, byte == wanted {
                return index
            }
            index += 1
        }
        return nil
    }

    private func displayName(_ raw: ArraySlice<UInt8>) throws(AddressError) -> String? {
        var text: [UInt8] = []
        var quoted = false
        var index = raw.startIndex
        while index < raw.endIndex {
            let byte = raw[index]
            if quoted, byte == UInt8(ascii: "\\"), index + 1 < raw.endIndex {
                index += 1
                text.append(raw[index])
            } else if byte == UInt8(ascii: "\"") {
                quoted.toggle()
            } else if !quoted, byte == UInt8(ascii: "@") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: ";") {
                // An unquoted @ or comma is nearly always a second address.
                throw AddressError(byte == UInt8(ascii: "@") ? .severalAddresses : .badDisplayName)
            } else {
                text.append(byte)
            }
            index += 1
        }
        if quoted { throw AddressError(.unbalancedQuote) }
        while let last = text.last, last == 0x20 { text.removeLast() }
        while let first = text.first, first == 0x20 { text.removeFirst() }
        return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }

    private func mailbox(_ address: ArraySlice<UInt8>, name: String?) throws(AddressError) -> Mailbox {
        guard !address.isEmpty else { throw AddressError(.empty) }
        let at = try self.at(in: address)
        let local = address[..<at]
        let domain = address[(at + 1)...]
        try checkLocal(local)
        let domainText = String(decoding: domain, as: UTF8.self)
        let ascii = try Domain.ascii(domainText)
        if local.count + 1 + ascii.utf8.count > 254 {
            throw AddressError(.addressTooLong(local.count + 1 + ascii.utf8.count))
        }
        return Mailbox(
            displayName: name, localPart: String(decoding: local, as: UTF8.self), domain: domainText,
            asciiDomain: ascii)
    }

    /// The `@` between local part and domain. A quoted local part may hold others.
    private func at(in address: ArraySlice<UInt8>) throws(AddressError) -> Int {
        var quoted = false
        var found: Int?
        var index = address.startIndex
        while index < address.endIndex {
            let byte = address[index]
            if quoted {
                if byte == UInt8(ascii: "\\") { index += 1 } else if byte == UInt8(ascii: "\"") { quoted = false }
            } else {
                switch byte {
                case UInt8(ascii: "\""):
                    guard index == address.startIndex else { throw AddressError(.badCharacter("\"")) }
                    quoted = true
                case UInt8(ascii: "@"):
                    if found != nil { throw AddressError(.severalAts) }
                    found = index
                case 0x20: throw AddressError(.space)
                case UInt8(ascii: "("), UInt8(ascii: ")"): throw AddressError(.comment)
                case UInt8(ascii: ","), UInt8(ascii: ";"): throw AddressError(.severalAddresses)
                default: break
                }
            }
            index += 1
        }
        if quoted { throw AddressError(.unbalancedQuote) }
        guard let found else { throw AddressError(.noAt) }
        return found
    }

    private func checkLocal(_ local: ArraySlice<UInt8>) throws(AddressError) {
        guard let first = local.first, let last = local.last else { throw AddressError(.noLocalPart) }
        if local.count > 64 { throw AddressError(.localPartTooLong(local.count)) }
        if first == UInt8(ascii: "\"") {
            guard local.count > 2, last == UInt8(ascii: "\"") else { throw AddressError(.badCharacter("\"")) }
            return
        }
        if first == 0x2E || last == 0x2E { throw AddressError(.dotInLocalPart) }
        var previous: UInt8 = 0
        for byte in local {
            if byte == 0x2E, previous == 0x2E { throw AddressError(.dotInLocalPart) }
            if byte < 0x80, byte != 0x2E, ordinaryBytes[Int(byte)] & 1 == 0 {
                throw AddressError(.badCharacter(String(UnicodeScalar(byte))))
            }
            previous = byte
        }
    }
}
