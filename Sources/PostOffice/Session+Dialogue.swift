import Clock
import Transport

/// The commands (RFC 5321 §4.1.1) and their order.
extension Session {
    func greet(_ full: [UInt8]?) async throws {
        if let full {
            answer(full, at: .banner)
            throw End.said
        }
        let ruling = house.referee.ruling(at: .banner)
        try await pause(ruling.wait)
        if case .reply(_, let code) = ruling.outcome { turnedAway = code >= 400 }
        if try await carry(out: ruling.outcome, at: .banner) { return }
        answer(Array("220 \(options.hostname) ESMTP outpost post office".utf8), at: nil)
    }

    func obey(_ command: CommandLine) async throws {
        if turnedAway, command.verb != .quit { return complain("503 5.5.1 No service here; QUIT") }
        switch command.verb {
        case .ehlo, .helo: try await hello(command)
        case .starttls: try await startTLS(command)
        case .auth: try await authenticate(command)
        case .mail: try await mail(command)
        case .rcpt: try await recipient(command)
        case .data: try await data(command)
        case .rset:
            if try await scripted(.rset) { return }
            reset()
            answer("250 2.0.0 Ok", at: nil)
        case .noop:
            if try await scripted(.noop) { return }
            answer("250 2.0.0 Ok", at: nil)
        case .vrfy:
            if try await scripted(.vrfy) { return }
            answer("252 2.0.0 Send some mail, it will be tried", at: nil)
        case .help: answer("214 2.0.0 See RFC 5321", at: nil)
        case .quit:
            if try await scripted(.quit) { return }
            note("quit")
            answer("221 2.0.0 Bye", at: nil)
            throw End.said
        case .unknown: complain("500 5.5.1 Command not known")
        }
    }

    func reset() {
        from = nil
        recipients.removeAll(keepingCapacity: true)
        house.referee.settle(&reservation, accepted: false)
    }

    private func hello(_ command: CommandLine) async throws {
        guard !command.argument.isEmpty else { return complain("501 5.5.4 Say who you are", at: .ehlo) }
        if try await scripted(.ehlo) { return }
        reset()
        greeted = true
        extended = command.verb == .ehlo
        guard extended else { return answer(Array("250 \(options.hostname)".utf8), at: nil) }
        var lines = [options.hostname]
        if options.pipelining { lines.append("PIPELINING") }
        lines.append("SIZE \(options.maxSize)")
        if options.eightBitMIME { lines.append("8BITMIME") }
        if options.smtputf8 { lines.append("SMTPUTF8") }
        lines.append("ENHANCEDSTATUSCODES")
        if options.tls == .starttls, !isSecure { lines.append("STARTTLS") }
        if offersAuth { lines.append("AUTH PLAIN LOGIN") }
        for (index, line) in lines.enumerated() {
            answer(Array((index == lines.count - 1 ? "250 " : "250-").utf8) + Array(line.utf8), at: nil)
        }
    }

    private func startTLS(_ command: CommandLine) async throws {
        guard options.tls == .starttls else { return complain("502 5.5.1 No TLS here", at: .starttls) }
        guard !isSecure else { return complain("503 5.5.1 TLS is already up", at: .starttls) }
        guard command.argument.isEmpty else { return complain("501 5.5.4 STARTTLS has no argument", at: .starttls) }
        if try await scripted(.starttls) { return }
        answer("220 2.0.0 Go ahead", at: nil)
        try await flush()
        try await secure()
        // The client begins anew (RFC 3207 §4.2).
        reset()
        greeted = false
        user = nil
    }

    // MARK: Envelope

    private func mail(_ command: CommandLine) async throws {
        guard greeted else { return complain("503 5.5.1 Say EHLO first", at: .mail) }
        guard from == nil else { return complain("503 5.5.1 A message is under way; RSET", at: .mail) }
        guard options.users.isEmpty || user != nil else {
            return complain("530 5.7.0 Authentication required", at: .mail)
        }
        let path: EnvelopePath
        do {
            path = try EnvelopePath(command.argument, keyword: "FROM:", allowsEmpty: true, options: options)
        } catch { return refuse(error, at: .mail) }
        from = path.address
        var taken = false
        defer { if !taken { reset() } }
        if try await scripted(.mail) { return }
        let outcome = house.referee.reserve(
            &reservation, at: .mail, peer: peerHost, from: path.address, to: [])
        if try await carry(out: outcome, at: .mail) { return }
        taken = true
        note("mail") { $0.text("from", path.address) }
        answer("250 2.1.0 Ok", at: nil)
    }

    private func recipient(_ command: CommandLine) async throws {
        guard from != nil else { return complain("503 5.5.1 MAIL first", at: .rcpt) }
        let path: EnvelopePath
        do {
            path = try EnvelopePath(command.argument, keyword: "TO:", allowsEmpty: false, options: options)
        } catch { return refuse(error, at: .rcpt) }
        guard recipients.count < options.maxRecipients else {
            return answer("452 4.5.3 Too many recipients", at: .rcpt, to: path.address)
        }
        if try await scripted(.rcpt, to: path.address) { return }
        if house.referee.isGrey(peer: peerHost, to: path.address) {
            return answer("450 4.2.0 Greylisted, come again later", at: .rcpt, to: path.address)
        }
        let outcome = house.referee.reserve(
            &reservation, at: .rcpt, peer: peerHost, from: from ?? [], to: path.address)
        if try await carry(out: outcome, at: .rcpt, to: path.address) { return }
        recipients.append(path.address)
        note("rcpt") { line in
            line.text("from", from ?? [])
            line.text("to", path.address)
        }
        answer("250 2.1.5 Ok", at: nil)
    }

    private func refuse(_ fault: EnvelopePath.Fault, at stage: Stage) {
        switch fault {
        case .syntax: complain("501 5.1.7 No proper address between < and >", at: stage)
        case .local: complain("550 5.1.1 No such user", at: stage)
        case .parameter: complain("555 5.5.4 Parameter not known", at: stage)
        case .size: answer("552 5.3.4 Message too big", at: stage)
        case .needsUTF8: answer("553 5.6.7 This address needs SMTPUTF8", at: stage)
        }
    }

    // MARK: Message

    private func data(_ command: CommandLine) async throws {
        guard from != nil else { return complain("503 5.5.1 MAIL first", at: .data) }
        guard !recipients.isEmpty else { return complain("554 5.5.1 No valid recipients", at: .data) }
        guard command.argument.isEmpty else { return complain("501 5.5.4 DATA has no argument", at: .data) }
        let ruling = house.referee.ruling(at: .data, from: from ?? [], to: recipients[0])
        try await pause(ruling.wait)
        if try await carry(out: ruling.outcome, at: .data) { return reset() }
        note("data-start") { line in
            line.text("from", from ?? [])
            line.text("to", recipients.joined(separator: [44, 32]))
        }
        answer("354 End with a dot on a line of its own", at: nil)
        try await body(bytesPerSecond: ruling.bytesPerSecond)
    }

    private func body(bytesPerSecond: Int) async throws {
        var end = EndOfData()
        var passed = 0
        var messageID: [UInt8]?
        var length: Int
        // Without a Maildir only the head of a big message is looked at, and the rest goes by.
        let keep = house.maildir == nil ? min(262_144, options.maxSize) : options.maxSize
        while true {
            if let found = end.find(in: input.unread) {
                length = found
                break
            }
            if end.scanned > keep {
                if passed == 0 { messageID = MessageHead.messageID(in: input.unread) }
                let drop = end.scanned - 1
                input.consume(drop)
                end.dropped(drop)
                passed += drop
            }
            if bytesPerSecond > 0 {
                try await pause(.milliseconds(100))
                try await fill(atMost: max(1, bytesPerSecond / 10))
            } else {
                try await fill()
            }
        }
        let size = passed + length
        if passed == 0, house.log != nil {
            messageID = MessageHead.messageID(in: UnsafeBufferPointer(rebasing: input.unread[..<length]))
        }
        defer { reset() }
        let ruling = house.referee.ruling(at: .dot, from: from ?? [], to: recipients[0])
        var outcome = ruling.outcome
        if size > options.maxSize { outcome = .reply(Array("552 5.3.4 Message too big".utf8), code: 552) }
        try await pause(ruling.wait)
        switch outcome {
        case .proceed, .dropAfter: store(length, size: size, messageID: messageID, answered: ruling.outcome)
        default: break
        }
        input.consume(length + 3)
        if case .dropAfter = outcome { return try await drop(.dot, stored: true) }
        _ = try await carry(out: outcome, at: .dot)
    }

    private func store(_ length: Int, size: Int, messageID: [UInt8]?, answered: Referee.Outcome) {
        let now = options.clock.now()
        if let maildir = house.maildir {
            let text = EndOfData.unstuff(UnsafeBufferPointer(rebasing: input.unread[..<length]))
            do {
                try text.withUnsafeBytes { try maildir.store($0, from: from ?? [], to: recipients, at: now) }
            } catch {
                return answer("452 4.3.1 The message could not be stored", at: .dot)
            }
        }
        house.referee.settle(&reservation, accepted: true)
        let number = house.counts.withLock {
            $0.accepted += 1
            $0.bytes += size
            return $0.accepted
        }
        var silent = false
        if case .dropAfter = answered { silent = true }
        let reply = Array("250 2.0.0 Ok, message \(number)".utf8)
        note("accepted") { line in
            line.text("from", from ?? [])
            line.text("to", recipients.joined(separator: [44, 32]))
            line.number("code", 250)
            line.text("reply", reply.dropFirst(4))
            line.text("message_id", messageID ?? [])
            line.number("bytes", size)
            line.flag("answered", !silent)
        }
        if !silent { answer(reply, at: nil) }
    }
}

/// Looking into a message's header without parsing it all.
enum MessageHead {
    /// The value of Message-ID, or nil.
    static func messageID(in bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var begin = 0
        while begin < bytes.count {
            var end = begin
            while end < bytes.count, bytes[end] != 10 { end += 1 }
            if end == begin || (end == begin + 1 && bytes[begin] == 13) { return nil }
            if bytes[begin] | 0x20 == UInt8(ascii: "m"),
                CommandLine.same(UnsafeBufferPointer(rebasing: bytes[begin..<end]), "MESSAGE-ID:")
            {
                // A folded value lies on the next line.
                var value = bytes[(begin + 11)..<end].filter { $0 > 32 }
                if value.isEmpty, end + 1 < bytes.count, bytes[end + 1] == 32 || bytes[end + 1] == 9 {
                    value = bytes[(end + 1)...].prefix { $0 != 10 }.filter { $0 > 32 }
                }
                return Array(value.prefix(998))
            }
            begin = end + 1
        }
        return nil
    }
}
