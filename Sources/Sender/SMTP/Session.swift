import Transport

/// One SMTP connection, from the banner to QUIT: one step and its reply at a time. It belongs to the actor whose
/// executor is its connection's lane. A session that failed is closed and never used again.
final class Session {
    let connection: Connection
    let account: Account
    private(set) var capabilities = Capabilities()
    private var input = ReplyBuffer()
    /// Messages begun on this session.
    var messages = 0
    /// Bytes handed to the kernel or to TLS.
    private(set) var written = 0
    /// A transaction was left open by a refusal; RSET goes before the next one.
    var resetFirst = false
    /// The envelope of the message that comes next has left already.
    var envelopeIsOut = false
    /// Where the dialogue stands, for the console.
    private(set) var stage = Stage.banner

    private init(_ connection: Connection, account: Account) {
        self.connection = connection
        self.account = account
    }

    /// `TLSv1.3`; nil without TLS.
    var tlsVersion: String? { connection.tls?.version }

    /// Connects, greets, protects and logs in.
    /// - Parameter tls: what to verify the server with; not used for `TLSMode.none`.
    /// - Throws: `SessionError`.
    static func open(_ account: Account, at address: SocketAddress, tls: TLSContext?, lane: Lane) async throws
        -> Session
    {
        if account.user != nil, account.tls == .none, !address.isLoopback {
            throw SessionError.unprotected(
                "account “\(account.name)” has a user but tls = \"none\": a password never crosses an unprotected "
                    + "connection; set tls to \"implicit\" or \"starttls\", or take `user` out")
        }
        do {
            let connection = try await Connection.connect(
                to: address, from: account.source, lane: lane, timeout: account.timeouts.connect)
            let session = Session(connection, account: account)
            do {
                try await session.begin(tls)
                return session
            } catch {
                session.close()
                throw error
            }
        } catch let error as TransportError {
            throw SessionError.connection(error)
        }
    }

    private func begin(_ tls: TLSContext?) async throws {
        if account.tls == .implicit { try await protect(tls) }
        try await expect(.banner, 200..<300)
        try await greet()
        if account.tls == .starttls {
            guard capabilities.startTLS else {
                throw SessionError.unprotected(
                    "\(account.server) does not offer STARTTLS; nothing is sent over an unprotected connection")
            }
            try await send("STARTTLS\r\n")
            try await expect(.starttls, 200..<300)
            try await protect(tls)
            try await greet()
        }
        if let user = account.user { try await login(user) }
    }

    private func protect(_ tls: TLSContext?) async throws {
        guard let tls else { throw SessionError.unprotected("no TLS context for \(account.server)") }
        input.discard()
        try await connection.startTLS(tls, host: account.host, timeout: account.timeouts.connect)
        input.discard()
    }

    private func greet() async throws {
        let name = account.helo ?? ownName
        try await send("EHLO \(name)\r\n")
        let code = try await readReply(.ehlo, timeout: account.timeouts.reply)
        if [500, 502, 504].contains(code) {
            // an old server knows HELO alone, and offers nothing (RFC 5321 §3.2)
            try await send("HELO \(name)\r\n")
            try await expect(.ehlo, 200..<300)
            capabilities = Capabilities()
            return
        }
        guard code / 100 == 2 else { throw SessionError.refused(.ehlo, lastReply(code)) }
        capabilities = Capabilities(lines: input.lineTexts())
    }

    private func login(_ user: String) async throws {
        // Without TLS only to this machine itself: `open` lets nothing else through.
        guard connection.tls != nil || account.tls == .none else {
            throw SessionError.unprotected("a password never crosses an unprotected connection")
        }
        guard let method = Authentication.choose(offered: capabilities.auth, wanted: account.auth) else {
            let offered = capabilities.auth.sorted().joined(separator: " ")
            throw SessionError.login(
                Reply(
                    code: 504,
                    text: "the server offers no way to log in that is known here (it offers: "
                        + "\(offered.isEmpty ? "none" : offered))"))
        }
        var dialogue = Authentication(method, user: user, password: try await account.password())
        try await send(dialogue.command + "\r\n")
        var code = try await readReply(.auth, timeout: account.timeouts.reply)
        while code == 334 {
            var answer: String?
            do throws(Authentication.Broken) {
                answer = try dialogue.answer(to: input.lineTexts().last ?? "")
            } catch {
                throw SessionError.garbage(error.description)
            }
            try await send((answer ?? "*") + "\r\n")
            code = try await readReply(.auth, timeout: account.timeouts.reply)
            if answer == nil { break }
        }
        if code / 100 == 4 { throw SessionError.refused(.auth, lastReply(code)) }
        guard code / 100 == 2 else { throw SessionError.login(lastReply(code)) }
    }

    // MARK: - Steps

    /// Reads one reply and returns its code; its text is at hand through `lastReply` until the next one is read.
    func readReply(_ stage: Stage, timeout: Duration) async throws -> Int {
        self.stage = stage
        while true {
            switch input.next() {
            case .reply(let code):
                guard stage.admits(code) else {
                    throw SessionError.garbage("\(code) is no answer to \(stage.rawValue): answers are out of step")
                }
                return code
            case .garbage(let what): throw SessionError.garbage(what)
            case .needMore: try await receive(timeout)
            }
        }
    }

    /// Waits for bytes and takes in what there is.
    private func receive(_ timeout: Duration) async throws {
        while true {
            switch try receiveNow() {
            case .done(0): throw TransportError(.closed, "the server closed the connection (at \(stage.rawValue))")
            case .done: return
            case .wouldBlock: try await connection.untilReadable(timeout: timeout)
            }
        }
    }

    /// By way of the stack, so that a session at rest holds no buffer: inlined into an async function the space would be
    /// part of what is kept while it waits.
    @inline(never)
    private func receiveNow() throws -> Connection.Try {
        try withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { space in
            let outcome = try connection.tryRead(space)
            if case .done(let count) = outcome { input.append(UnsafeRawBufferPointer(rebasing: space[..<count])) }
            return outcome
        }
    }

    func lastReply(_ code: Int) -> Reply { input.take(code) }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// Writes all of it; `written` tells how far it came when it throws.
    func send(_ bytes: [UInt8]) async throws {
        var offset = 0
        while offset < bytes.count {
            let outcome = try bytes.withUnsafeBytes {
                try connection.tryWrite(UnsafeRawBufferPointer(rebasing: $0[offset...]))
            }
            switch outcome {
            case .done(let count):
                offset += count
                written += count
            case .wouldBlock: try await connection.untilWritable(timeout: account.timeouts.reply)
            }
        }
    }

    /// An address literal of this end (RFC 5321 §4.1.3), for want of a name.
    private var ownName: String {
        guard let local = connection.local else { return "[127.0.0.1]" }
        return local.isIPv6 ? "[IPv6:\(local.host)]" : "[\(local.host)]"
    }

    private func expect(_ stage: Stage, _ range: Range<Int>) async throws {
        let code = try await readReply(stage, timeout: account.timeouts.reply)
        guard range.contains(code) else { throw SessionError.refused(stage, lastReply(code)) }
    }

    /// Says QUIT and closes; the answer is waited for briefly, and does not matter.
    func quit() async {
        do {
            try await send("QUIT\r\n")
            _ = try await readReply(.quit, timeout: min(account.timeouts.reply, .seconds(5)))
        } catch {}
        close()
    }

    func close() { connection.close() }
}
