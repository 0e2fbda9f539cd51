import Transport

/// AUTH PLAIN and LOGIN (RFC 4954, RFC 4616).
extension Session {
    var offersAuth: Bool { !options.users.isEmpty && (isSecure || options.allowsPlaintextAuth) }

    func authenticate(_ command: CommandLine) async throws {
        guard greeted, extended else { return complain("503 5.5.1 Say EHLO first", at: .auth) }
        guard !options.users.isEmpty else { return complain("502 5.5.1 No login here", at: .auth) }
        guard offersAuth else { return answer("538 5.7.11 Encryption is required for a login", at: .auth) }
        guard user == nil, from == nil else { return complain("503 5.5.1 Not now", at: .auth) }
        let words = command.argument.split(separator: 32, maxSplits: 1)
        guard let mechanism = words.first else { return complain("501 5.5.4 AUTH wants a mechanism", at: .auth) }
        let initial = words.count > 1 ? Array(words[1]) : nil
        if CommandLine.same(mechanism, "PLAIN"), mechanism.count == 5 {
            try await plain(initial)
        } else if CommandLine.same(mechanism, "LOGIN"), mechanism.count == 5 {
            try await login(initial)
        } else {
            answer("504 5.5.4 Mechanism not known", at: .auth)
        }
    }

    private func plain(_ initial: [UInt8]?) async throws {
        guard let response = try await response(initial, prompt: "334 ") else { return }
        let parts = response.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return answer("501 5.5.2 Not a PLAIN response", at: .auth) }
        try await check(Array(parts[1]), Array(parts[2]))
    }

    private func login(_ initial: [UInt8]?) async throws {
        guard let name = try await response(initial, prompt: "334 VXNlcm5hbWU6") else { return }
        guard let password = try await response(nil, prompt: "334 UGFzc3dvcmQ6") else { return }
        try await check(name, password)
    }

    /// A decoded response, or nil when it was none, which has been answered.
    private func response(_ initial: [UInt8]?, prompt: StaticString) async throws -> [UInt8]? {
        var text = initial
        if text == nil {
            answer(prompt, at: nil)
            text = try await promptedLine()
        }
        guard let text else { return nil }
        if text == [UInt8(ascii: "*")] {
            answer("501 5.7.0 Login given up", at: .auth)
            return nil
        }
        // A single = stands for an empty initial response (RFC 4954 §4).
        if initial != nil, text == [UInt8(ascii: "=")] { return [] }
        guard let decoded = Base64.decode(text) else {
            answer("501 5.5.2 Not base64", at: .auth)
            return nil
        }
        return decoded
    }

    private func check(_ name: [UInt8], _ password: [UInt8]) async throws {
        if try await scripted(.auth, user: name) { return }
        guard let known = options.users[String(decoding: name, as: UTF8.self)], Array(known.utf8) == password else {
            note("auth") { line in
                line.text("user", name)
                line.flag("right", false)
            }
            return answer("535 5.7.8 Wrong name or password", at: .auth)
        }
        user = name
        house.counts.withLock { $0.logins += 1 }
        note("auth") { line in
            line.text("user", name)
            line.flag("right", true)
        }
        answer("235 2.7.0 Welcome", at: nil)
    }
}
