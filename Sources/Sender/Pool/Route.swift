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
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// - Throws: `TransportError` when the trust anchors cannot be read.
    init(_ account: Account) throws {
        self.account = account
        tls = account.tls == .none ? nil : try TLSContext.client(anchors: account.caFile.map { [$0] } ?? [])
    }

    /// Opens a session on `lane`, trying each address of the host in turn.
    /// - Throws: `SessionError` of the last address tried; nothing is tried once `cancelled` says so.
    nonisolated func open(on lane: Lane, cancelled: () -> Bool) async throws -> Session? {
        let alone = await enter()
        var succeeded = false
        defer { Task { await self.exit(alone: alone, succeeded: succeeded) } }
        if cancelled() { return nil }
        var failure: any Error = SessionError.connection(TransportError(.nameNotFound, account.host))
        let addresses: [SocketAddress]
        do {
            addresses = try await known()
        } catch let error as TransportError {
            throw SessionError.connection(error)
        }
        for address in addresses {
            do {
                let session = try await Session.open(account, at: address, tls: tls, lane: lane)
                succeeded = true
                return session
            } catch let error as SessionError {
                failure = error
                guard case .connection = error else { break }
            }
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

    private func exit(alone: Bool, succeeded: Bool) {
        if succeeded { proven = true }
        if alone { opening = false }
        let woken = waiting
        waiting.removeAll()
        woken.forEach { $0.resume() }
    }
}
