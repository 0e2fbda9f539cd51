import Mail
import Transport

/// What happened to one message in the dialogue: facts, not yet a judgement.
enum Delivery {
    /// The server answered; `stage` says to what.
    case answered(Stage, Reply)
    /// The final dot left, and no answer came.
    case doubtful(String)
    /// The connection was lost before the final dot left.
    case lost(String)
    /// It was never offered.
    case untouched
}

extension Session {
    /// Hands over messages one after another, each as far as the server lets it. With PIPELINING the next envelope
    /// rides behind the final dot of the message before, so that a message costs one write and one wait.
    ///
    /// - Parameters:
    ///   - stop: told each final result as it comes; `true` ends the batch (the rest stays untouched).
    ///   - idle: called once after each message has left, while its reply is on the way.
    ///   - following: the message that begins the next batch, if there is to be one. It is waited for when the last message
    ///     has left; its envelope goes out ahead of that one's reply.
    /// - Returns: one result a message, in order. After anything but `.answered` the session is closed.
    func deliver(
        _ batch: [RenderedMessage], stop: (Int, Delivery) -> Bool, idle: () -> Void,
        following: Task<RenderedMessage?, Never>? = nil
    ) async -> [Delivery] {
        var results = [Delivery](repeating: .untouched, count: batch.count)
        var position = 0
        var dotLeft = false
        var envelopeSent = envelopeIsOut
        envelopeIsOut = false
        do {
            while position < batch.count {
                messages += 1
                dotLeft = false
                if let reply = Envelope.obstacle(batch[position], capabilities) {
                    results[position] = .answered(.mail, reply)
                } else {
                    let next = position + 1 < batch.count ? batch[position + 1] : nil
                    let result = try await one(
                        batch[position], next: next, following: next == nil ? following : nil, &envelopeSent, &dotLeft,
                        idle)
                    results[position] = result
                }
                let ends = stop(position, results[position])
                position += 1
                if case .answered(_, let reply) = results[position - 1], reply.code == 421 {
                    close()  // the server is closing too (RFC 5321 §3.8)
                    break
                }
                if ends { break }
            }
            if envelopeSent, position < batch.count { close() }  // an open transaction nobody will finish
        } catch {
            let words = (error as? TransportError).map { "\($0)" } ?? "\(error)"
            results[position] = dotLeft ? .doubtful(words) : .lost(words)
            close()
        }
        return results
    }

    private func one(
        _ message: RenderedMessage, next: RenderedMessage?, following: Task<RenderedMessage?, Never>?,
        _ envelopeSent: inout Bool, _ dotLeft: inout Bool, _ idle: () -> Void
    ) async throws -> Delivery {
        let timeouts = account.timeouts
        if !envelopeSent {
            if capabilities.pipelining {
                var out: [UInt8] = []
                out.reserveCapacity(Envelope.room(message))
                if resetFirst { out += "RSET\r\n".utf8 }
                Envelope.append(message, capabilities, to: &out)
                try await send(out)
                if resetFirst { _ = try await readReply(.reset, timeout: timeouts.reply) }
                resetFirst = false
            } else if let refusal = try await stepwise(message) {
                return refusal
            }
        }
        envelopeSent = false
        var refusal: (Stage, Reply)?
        if capabilities.pipelining {
            for stage in [Stage.mail, .rcpt] {
                let code = try await readReply(stage, timeout: timeouts.reply)
                if code / 100 != 2, refusal == nil { refusal = (stage, lastReply(code)) }
                if code == 421 { return .answered(stage, lastReply(code)) }
            }
            let code = try await readReply(.data, timeout: timeouts.reply)
            if code != 354 {
                resetFirst = true
                return .answered(refusal?.0 ?? .data, refusal?.1 ?? lastReply(code))
            }
        }
        if let refusal {
            // 354 without a recipient: an empty message ends it (RFC 2920 §3.1)
            try await send(".\r\n")
            _ = try await readReply(.dot, timeout: timeouts.final)
            return .answered(refusal.0, refusal.1)
        }
        try await hand(over: message, next: next, &envelopeSent, &dotLeft)
        idle()
        if let following = await following?.value { await announce(following) }
        let code = try await readReply(.dot, timeout: timeouts.final)
        return .answered(.dot, lastReply(code))
    }

    /// Sends an envelope behind a final dot that has left. If that fails, the dot's reply may still be there to be read.
    private func announce(_ message: RenderedMessage) async {
        guard capabilities.pipelining, Envelope.obstacle(message, capabilities) == nil else { return }
        var out: [UInt8] = []
        out.reserveCapacity(Envelope.room(message))
        Envelope.append(message, capabilities, to: &out)
        envelopeIsOut = true
        try? await send(out)
    }

    /// Body and final dot; behind it the next envelope, where that is allowed and both are small.
    private func hand(
        over message: RenderedMessage, next: RenderedMessage?, _ envelopeSent: inout Bool, _ dotLeft: inout Bool
    ) async throws {
        let before = written
        do {
            if capabilities.pipelining, let next, message.wire.count < 65_536,
                Envelope.obstacle(next, capabilities) == nil
            {
                // Room for both at once: an array that grows copies the message again.
                var out: [UInt8] = []
                out.reserveCapacity(message.wire.count + Envelope.room(next))
                out.append(contentsOf: message.wire)
                Envelope.append(next, capabilities, to: &out)
                envelopeSent = true
                try await send(out)
            } else {
                try await send(message.wire)
            }
        } catch {
            dotLeft = written - before >= message.wire.count
            throw error
        }
        dotLeft = true
    }

    /// One command, one reply: for servers without PIPELINING. Returns the refusal, if there is one.
    private func stepwise(_ message: RenderedMessage) async throws -> Delivery? {
        if resetFirst {
            try await send("RSET\r\n")
            _ = try await readReply(.reset, timeout: account.timeouts.reply)
            resetFirst = false
        }
        var out: [UInt8] = []
        Envelope.mail(message, capabilities, to: &out)
        try await send(out)
        var code = try await readReply(.mail, timeout: account.timeouts.reply)
        guard code / 100 == 2 else { return .answered(.mail, lastReply(code)) }
        resetFirst = true
        out.removeAll()
        Envelope.recipient(message, to: &out)
        try await send(out)
        code = try await readReply(.rcpt, timeout: account.timeouts.reply)
        guard code / 100 == 2 else { return .answered(.rcpt, lastReply(code)) }
        try await send("DATA\r\n")
        code = try await readReply(.data, timeout: account.timeouts.reply)
        guard code == 354 else { return .answered(.data, lastReply(code)) }
        resetFirst = false
        return nil
    }
}
