/// The client's side of SMTP AUTH: what to say first, and what to answer to each challenge (RFC 4954 §4).
struct Authentication {
    /// The server's side of the exchange was not what the mechanism allows; nothing more is to be said to it.
    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    private enum State {
        case plain
        case login(answers: [String])
        case cram
        case scram(ScramClient)
        case bearer
    }

    /// The AUTH command, without CRLF.
    let command: String
    private var state: State
    private let user: String
    private let password: String

    /// Mechanisms tried without a wish, in this order. Under verified TLS the plainest one is safe, and the one that
    /// servers get right.
    static let preference: [AuthMethod] = [.plain, .login, .scramSHA256, .cramMD5]

    /// Chooses a mechanism both sides know.
    static func choose(offered: Set<String>, wanted: AuthMethod?) -> AuthMethod? {
        (wanted.map { [$0] } ?? preference).first { offered.contains($0.rawValue.uppercased()) }
    }

    /// - Parameter nonce: random, for SCRAM; printable ASCII without a comma.
    init(_ method: AuthMethod, user: String, password: String, nonce: @autoclosure () -> String = ScramClient.nonce()) {
        self.user = user
        self.password = password
        switch method {
        case .plain:
            command = "AUTH PLAIN " + Base64Text.encode(Array("\0\(user)\0\(password)".utf8))
            state = .plain
        case .login:
            command = "AUTH LOGIN"
            state = .login(answers: [user, password])
        case .cramMD5:
            command = "AUTH CRAM-MD5"
            state = .cram
        case .scramSHA256:
            let client = ScramClient(user: user, password: password, nonce: nonce())
            command = "AUTH SCRAM-SHA-256 " + Base64Text.encode(client.firstMessage)
            state = .scram(client)
        case .xoauth2:
            command =
                "AUTH XOAUTH2 " + Base64Text.encode(Array("user=\(user)\u{1}auth=Bearer \(password)\u{1}\u{1}".utf8))
            state = .bearer
        }
    }

    /// The answer to a 334 reply, in base64; `nil` cancels the exchange.
    /// - Throws: `Broken` when the server's challenge cannot be trusted or read.
    mutating func answer(to challenge: String) throws(Broken) -> String? {
        switch state {
        case .plain: return nil
        case .login(let answers):
            guard let next = answers.first else { return nil }
            state = .login(answers: Array(answers.dropFirst()))
            return Base64Text.encode(Array(next.utf8))
        case .cram:
            guard let text = Base64Text.decode(challenge) else {
                throw Broken(description: "a challenge not in base64")
            }
            let hex = Digest.hmacMD5(key: Array(password.utf8), text).map { byte in
                String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }
            state = .plain
            return Base64Text.encode(Array("\(user) \(hex.joined())".utf8))
        case .scram(var client):
            guard let text = Base64Text.decode(challenge) else {
                throw Broken(description: "a challenge not in base64")
            }
            let answer = try client.answer(to: text)
            state = .scram(client)
            return Base64Text.encode(answer)
        case .bearer:
            // The server explains a refusal in a challenge, and waits for an empty answer.
            return ""
        }
    }
}
