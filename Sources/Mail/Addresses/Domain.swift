import CIDN2
import Glibc

/// A mail domain in the form DNS knows: A-labels, or an address literal in brackets (RFC 5321 §4.1.3).
enum Domain {
    static func ascii(_ domain: String) throws(AddressError) -> String {
        guard !domain.isEmpty else { throw AddressError(.noDomain) }
        if domain.utf8.first == UInt8(ascii: "[") { return try literal(domain) }
        let plain = domain.utf8.allSatisfy { $0 < 0x80 }
        let lower = domain.lowercased()
        let ascii = plain && !lower.contains("xn--") ? lower : try viaIDNA(domain)
        try check(ascii)
        return ascii
    }

    private static func viaIDNA(_ domain: String) throws(AddressError) -> String {
        var result: UnsafeMutablePointer<CChar>?
        // Non-transitional processing with UTS 46 mapping, as browsers and registries do today.
        let flags = CInt(bitPattern: UInt32(IDN2_NONTRANSITIONAL.rawValue | IDN2_NFC_INPUT.rawValue))
        let code = idn2_to_ascii_8z(domain, &result, flags)
        guard code == CInt(IDN2_OK.rawValue), let result else {
            throw AddressError(.badDomain(String(cString: idn2_strerror(code))))
        }
        defer { idn2_free(result) }
        return String(cString: result).lowercased()
    }

    private static func check(_ ascii: String) throws(AddressError) {
        let bytes = Array(ascii.utf8)
        if bytes.count > 255 { throw AddressError(.domainTooLong(bytes.count)) }
        if bytes.last == 0x2E { throw AddressError(.badDomain("it ends in a dot")) }
        let labels = bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
        for label in labels {
            if label.isEmpty { throw AddressError(.badDomain("two dots in a row, or one at its begin")) }
            if label.count > 63 { throw AddressError(.badDomain("a label of more than 63 bytes")) }
            if label.first == 0x2D || label.last == 0x2D {
                throw AddressError(.badDomain("a label begins or ends with a hyphen"))
            }
            for byte in label where ordinaryBytes[Int(byte)] & 2 == 0 {
                throw AddressError(.badDomain("the character \(UnicodeScalar(byte)) is not allowed"))
            }
        }
        guard labels.count > 1 || ascii == "localhost" else { throw AddressError(.noDotInDomain(ascii)) }
        if let top = labels.last, top.allSatisfy({ $0 < 0x3A }) {
            throw AddressError(.badDomain("it ends in a number; an IP address goes into [brackets]"))
        }
    }

    private static func literal(_ domain: String) throws(AddressError) -> String {
        guard domain.utf8.last == UInt8(ascii: "]") else { throw AddressError(.badDomain("a ] is missing")) }
        let inner = domain.dropFirst().dropLast()
        let allowed = inner.utf8.allSatisfy { byte in
            ordinaryBytes[Int(byte)] & 2 != 0 || byte == 0x2E || byte == UInt8(ascii: ":")
        }
        guard allowed else { throw AddressError(.badDomain("it is no IP address")) }
        let lower = inner.lowercased()
        var scratch = [UInt8](repeating: 0, count: 16)
        let good =
            lower.hasPrefix("ipv6:")
            ? inet_pton(AF_INET6, String(lower.dropFirst(5)), &scratch) == 1
            : inet_pton(AF_INET, lower, &scratch) == 1
        guard good else { throw AddressError(.badDomain("it is no IP address")) }
        return domain.lowercased()
    }
}
