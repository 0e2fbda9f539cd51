/// What a server offers in its reply to EHLO (RFC 5321 §4.1.1.1).
public struct Capabilities: Sendable, Hashable {
    public var pipelining = false
    public var startTLS = false
    public var eightBitMIME = false
    public var smtpUTF8 = false
    /// The largest message taken, in bytes; `nil` when SIZE is not offered, 0 when no limit is named (RFC 1870 §4).
    public var size: Int?
    /// AUTH mechanisms in upper case.
    public var auth: Set<String> = []

    public init() {}

    /// - Parameter lines: the texts of the reply's lines; the first one is the greeting.
    init(lines: [String]) {
        for line in lines.dropFirst() {
            let upper = line.uppercased()
            let words = upper.split(whereSeparator: { $0 == " " || $0 == "=" })
            guard let keyword = words.first else { continue }
            switch keyword {
            case "PIPELINING": pipelining = true
            case "STARTTLS": startTLS = true
            case "8BITMIME": eightBitMIME = true
            case "SMTPUTF8": smtpUTF8 = true
            case "SIZE": size = words.count > 1 ? Int(words[1]) ?? 0 : 0
            case "AUTH": auth.formUnion(words.dropFirst().map(String.init))  // `AUTH=LOGIN` is an old spelling
            default: break
            }
        }
    }
}
