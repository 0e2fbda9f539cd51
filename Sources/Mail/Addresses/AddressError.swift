/// Why a text is no mail address. `description` says it in words that fit behind "line 7: ".
public struct AddressError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Reason: Sendable, Hashable {
        case empty, noAt, severalAts, space, controlCharacter, notUTF8, noLocalPart, noDomain
        case localPartTooLong(Int), domainTooLong(Int), addressTooLong(Int)
        case dotInLocalPart, badCharacter(String), badDomain(String), noDotInDomain(String)
        case badDisplayName, unbalancedQuote, unbalancedAngle, comment, severalAddresses
    }

    public let reason: Reason

    init(_ reason: Reason) { self.reason = reason }

    public var description: String {
        switch reason {
        case .empty: "the address is empty"
        case .noAt: "no @ in the address"
        case .severalAts: "more than one @ in the address"
        case .space: "a space in the address"
        case .controlCharacter: "a control character in the address"
        case .notUTF8: "the address is not valid UTF-8"
        case .noLocalPart: "nothing before the @"
        case .noDomain: "nothing after the @"
        case .localPartTooLong(let bytes): "the part before the @ has \(bytes) bytes, 64 are allowed"
        case .domainTooLong(let bytes): "the domain has \(bytes) bytes, 255 are allowed"
        case .addressTooLong(let bytes): "the address has \(bytes) bytes, 254 are allowed"
        case .dotInLocalPart: "a dot at the begin or end of the part before the @, or two in a row"
        case .badCharacter(let character): "the character \(character) is not allowed in an address"
        case .badDomain(let why): "the domain is wrong: \(why)"
        case .noDotInDomain(let domain): "the domain \(domain) has no dot (is an ending such as .com missing?)"
        case .badDisplayName: "the name before the <address> is not well formed; put it in double quotes"
        case .unbalancedQuote: "a double quote is not closed"
        case .unbalancedAngle: "an angle bracket is missing or left over"
        case .comment: "a comment in parentheses is not allowed in an address"
        case .severalAddresses: "more than one address; give one"
        }
    }
}
