import Clock
import Synchronization
import Transport

/// The way to one account's server: its addresses, what to verify it with, and the turn in which sessions are opened.
/// Until one session has been opened, they are opened one at a time, so that a wrong password is tried once and not
/// once a session.
actor Route {
    let account: Account
    private let tls: TLSContext?
    private var addresses: [SocketAddress] = []
    private var proven = false
    private var opening = false
    /// The login was refused; nobody tries it again, whoever's turn is next.
    private var refusal: SessionError?
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// - Throws: `TransportError` when the trust anchors cannot be read.
    init(_ account: Account) throws {
        self.account = account
        tls = account.tls == .none ? nil : try TLSContext.client(anchors: account.caFile.map { [$0] } ?? [])
    }

    /// Opens a session on `lane`, trying each address of the host in turn.
    /// - Parameter cancelled: asked when the turn has come; `true` gives `nil`.
    /// - Throws: `SessionError` of the last address tried.
    nonisolated func open(on lane: Lane, cancelled: () -> Bool) async throws -> Session? {
        let alone = await enter()
        if let refusal = await refusal {
            await leave(alone: alone, succeeded: false)
            throw refusal
        }
        if cancelled() {
            await leave(alone: alone, succeeded: false)
            return nil
        }
        do {
            let session = try await tryAll(on: lane)
            await leave(alone: alone, succeeded: true)
            return session
        } catch {
            await leave(alone: alone, succeeded: false, error as? SessionError)
            throw error
        }
    }

    private nonisolated func tryAll(on lane: Lane) async throws -> Session {
        var failure = SessionError.connection(TransportError(.nameNotFound, "\(account.host) has no address"))
        do {
            for address in try await known() {
                do {
                    return try await Session.open(account, at: address, tls: tls, lane: lane)
                } catch let error as SessionError {
                    failure = error
                    guard case .connection = error else { break }
                }
            }
        } catch let error as TransportError {
            failure = .connection(error)
        }
        await forget()
        throw failure
    }

    private func known() async throws -> [SocketAddress] {
        if addresses.isEmpty { addresses = try await Resolver.addresses(of: account.host, port: account.port) }
        return addresses
    }

    private func forget() { addresses = [] }

    private func enter() async -> Bool {
        while !proven, opening { await withCheckedContinuation { waiting.append($0) } }
        if proven { return false }
        opening = true
        return true
    }

    private func leave(alone: Bool, succeeded: Bool, _ failure: SessionError? = nil) {
        // Before the next one is woken, who would not know of it yet otherwise.
        if case .login = failure { refusal = failure }
        if succeeded { proven = true }
        if alone { opening = false }
        let woken = waiting
        waiting.removeAll()
        woken.forEach { $0.resume() }
    }
}
