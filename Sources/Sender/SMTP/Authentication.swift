/// The client's side of SMTP AUTH: a command and the answers to the server's challenges (RFC 4954 §4).
struct Authentication {
    /// The AUTH command, without CRLF.
    let command: String
    /// What to answer to each 334, in order, already in base64.
    let answers: [String]

    /// Chooses a mechanism both sides know; the strongest first.
    static func choose(offered: Set<String>, wanted: AuthMethod?) -> AuthMethod? {
        let known: [AuthMethod] = wanted.map { [$0] } ?? [.plain, .login]
        return known.first { offered.contains($0.rawValue.uppercased()) }
    }

    init(_ method: AuthMethod, user: String, password: String) {
        switch method {
        case .plain:
            command = "AUTH PLAIN " + Self.base64("\0\(user)\0\(password)")
            answers = []
        case .login:
            command = "AUTH LOGIN"
            answers = [Self.base64(user), Self.base64(password)]
        case .xoauth2:
            command = "AUTH XOAUTH2 " + Self.base64("user=\(user)\u{1}auth=Bearer \(password)\u{1}\u{1}")
            answers = [""]  // the server explains a refusal in a challenge, and waits for an empty answer
        }
    }

    static func base64(_ text: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let value = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for digit in 0..<4 {
                out.append(digit <= group.count ? alphabet[value >> (18 - 6 * digit) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
