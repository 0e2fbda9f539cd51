import Mail
import Transport

/// Sends one message over an account, outside every queue: for `outpost test` and for trying a login.
public enum SampleSender {
    /// Hands over `message` and returns the server's answer, whatever it is.
    /// - Throws: `SessionError`.
    public static func send(_ message: RenderedMessage, account: Account) async throws -> Reply {
        try await SampleSession(Lane(label: "outpost.sample")).send(message, over: account)
    }
}

private actor SampleSession {
    private let lane: Lane
    nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

    init(_ lane: Lane) { self.lane = lane }

    func send(_ message: RenderedMessage, over account: Account) async throws -> Reply {
        let route = try Route(account)
        guard let session = try await route.open(on: lane, cancelled: { false }) else {
            throw SessionError.connection(TransportError(.closed, "no session"))
        }
        let result = await session.deliver([message], stop: { _, _ in false }, idle: {})[0]
        await session.quit()
        switch result {
        case .answered(_, let reply): return reply
        case .doubtful(let words):
            throw SessionError.connection(TransportError(.closed, "after the final dot: \(words)"))
        case .lost(let words): throw SessionError.connection(TransportError(.closed, words))
        case .untouched: throw SessionError.connection(TransportError(.closed, "nothing was sent"))
        }
    }
}
