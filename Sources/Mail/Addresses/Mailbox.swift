/// One mail address with an optional display name (RFC 5322 §3.4 `mailbox`, RFC 5321 §4.1.2, RFC 6531 for UTF-8).
public struct Mailbox: Sendable, Hashable {
    /// The name before `<…>`, unquoted; nil when there is none.
    public let displayName: String?
    /// What stands before the `@`, as written (a quoted local part keeps its quotes).
    public let localPart: String
    /// What stands behind the `@`, as written.
    public let domain: String
    /// The domain in A-label form (RFC 5890), lower case: what DNS and SMTP see.
    public let asciiDomain: String

    init(displayName: String?, localPart: String, domain: String, asciiDomain: String) {
        self.displayName = displayName
        self.localPart = localPart
        self.domain = domain
        self.asciiDomain = asciiDomain
    }

    /// `local@domain` as written.
    public var address: String { "\(localPart)@\(domain)" }

    /// `local@domain` with the domain in A-label form: what MAIL FROM and RCPT TO carry.
    public var envelopeAddress: String {
        // Made twice a message: put together by hand it is one allocation instead of three.
        var address = ""
        address.reserveCapacity(localPart.utf8.count + asciiDomain.utf8.count + 1)
        address += localPart
        address += "@"
        address += asciiDomain
        return address
    }

    /// For finding duplicates: lower case throughout, the domain in A-label form. (RFC 5321 lets servers tell `A@x`
    /// from `a@x`; none that matters does, and mailing a person twice is the greater harm.)
    public var key: String { "\(localPart.lowercased())@\(asciiDomain)" }

    /// Whether handing over needs SMTPUTF8 (RFC 6531): the local part is not ASCII.
    public var needsSMTPUTF8: Bool { !localPart.utf8.allSatisfy { $0 < 0x80 } }

    /// Reads `local@domain`, `<local@domain>` or `Name <local@domain>`.
    public init(parsing text: String) throws(AddressError) {
        if let simple = Mailbox.ordinary(text) {
            self = simple
            return
        }
        var parser = MailboxParser(Array(text.utf8))
        self = try parser.parse()
    }

    /// The normalised key of an address, by the fast path wherever it is an ordinary one.
    public static func key(of text: String) throws(AddressError) -> String {
        if let key = fastKey(of: text) { return key }
        return try Mailbox(parsing: text).key
    }

    private static func ordinary(_ text: String) -> Mailbox? {
        var text = text
        return text.withUTF8 { bytes -> Mailbox? in
            guard let at = ordinaryAt(bytes) else { return nil }
            let local = String(decoding: bytes[..<at], as: UTF8.self)
            let domain = String(decoding: bytes[(at + 1)...], as: UTF8.self)
            return Mailbox(displayName: nil, localPart: local, domain: domain, asciiDomain: domain.lowercased())
        }
    }
}
