/// SCRAM-SHA-256 without channel binding, the client's side (RFC 5802 §3, RFC 7677). The password never crosses the
/// line, and the server has to show that it knew it.
struct ScramClient {
    private enum State {
        case first
        case final(serverSignature: [UInt8])
        case done
    }

    private let password: [UInt8]
    private let bare: String
    private var state = State.first

    /// Fewer rounds than this would make a recorded exchange cheap to guess from; more than the other would hang us.
    static let rounds = 4096...10_000_000

    init(user: String, password: String, nonce: String) {
        self.password = Array(password.utf8)
        let name = user.flatMap { $0 == "," ? Array("=2C") : $0 == "=" ? Array("=3D") : [$0] }
        bare = "n=\(String(name)),r=\(nonce)"
    }

    static func nonce() -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return String((0..<24).map { _ in letters[Int.random(in: 0..<letters.count)] })
    }

    /// The client-first-message, with the header that says: no channel binding.
    var firstMessage: [UInt8] { Array("n,,\(bare)".utf8) }

    /// Answers the server's first message with the proof, and checks its final one.
    /// - Throws: `Authentication.Broken` when the server's message is malformed or it did not know the password.
    mutating func answer(to challenge: [UInt8]) throws(Authentication.Broken) -> [UInt8] {
        let text = String(decoding: challenge, as: UTF8.self)
        switch state {
        case .first: return try prove(text)
        case .final(let expected):
            guard let signature = Self.value("v", in: text), Base64Text.decode(signature) == expected else {
                throw Authentication.Broken(description: "a SCRAM signature that shows it does not know the password")
            }
            state = .done
            return []
        case .done: throw Authentication.Broken(description: "a SCRAM message too many")
        }
    }

    private mutating func prove(_ server: String) throws(Authentication.Broken) -> [UInt8] {
        guard let nonce = Self.value("r", in: server), let ours = Self.value("r", in: bare), nonce.hasPrefix(ours),
            nonce.count > ours.count, let salt = Self.value("s", in: server).flatMap(Base64Text.decode),
            let rounds = Self.value("i", in: server).flatMap({ Int32($0) }), Self.rounds.contains(Int(rounds))
        else { throw Authentication.Broken(description: "a SCRAM challenge that is not one") }
        let salted = Digest.pbkdf2SHA256(password, salt: salt, iterations: rounds)
        let clientKey = Digest.hmacSHA256(key: salted, Array("Client Key".utf8))
        let withoutProof = "c=biws,r=\(nonce)"
        let message = Array("\(bare),\(server),\(withoutProof)".utf8)
        let signature = Digest.hmacSHA256(key: Digest.sha256(clientKey), message)
        let proof = zip(clientKey, signature).map { $0 ^ $1 }
        let serverKey = Digest.hmacSHA256(key: salted, Array("Server Key".utf8))
        state = .final(serverSignature: Digest.hmacSHA256(key: serverKey, message))
        return Array("\(withoutProof),p=\(Base64Text.encode(proof))".utf8)
    }

    private static func value(_ name: String, in message: String) -> String? {
        message.split(separator: ",").first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(2)) }
    }
}
