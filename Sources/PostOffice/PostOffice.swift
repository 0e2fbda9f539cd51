import Clock
import Glibc
import Transport

/// A scriptable SMTP server for demo, tests and stress. It takes mail and keeps or counts it; it sends none on.
public final class PostOffice: Sendable {
    /// The port it listens on.
    public let port: UInt16
    /// The certificate it shows, as PEM; nil without TLS. A client trusts it by `ca_file`.
    public let certificatePEM: String?
    private let listener: Listener
    private let house: House

    private struct State {
        var sessions: [Int: Session] = [:]
        var number = 0
        var stopped = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Guarded(State())

    /// Binds the port and opens log and Maildir. Throws `PostOfficeError` or `TransportError`, which name what failed.
    public init(_ options: PostOfficeOptions) throws {
        var context: TLSContext?
        var certificate: String?
        if options.tls != .none {
            let pair = try PostOffice.identity(options)
            context = try TLSContext.server(certificate: pair.certificate, key: pair.key)
            certificate = pair.certificate
            if let path = options.anchorFile { try PostOffice.write(pair.certificate, to: path) }
        }
        certificatePEM = certificate
        house = House(
            options: options, context: context, referee: Referee(options.script, clock: options.clock),
            log: try options.log.map { try EventLog(path: $0) },
            maildir: try options.maildir.map { try Maildir(path: $0) })
        listener = try Listener(host: options.host, port: options.port, lanes: Lane.pool(count: options.lanes))
        port = listener.port
    }

    deinit { listener.stop() }

    /// Serves until `stop()`.
    public func run() async throws {
        listener.run { [weak self] socket in self?.take(socket) }
        await withCheckedContinuation { continuation in
            let over = state.withLock {
                if $0.stopped { return true }
                $0.waiting.append(continuation)
                return false
            }
            if over { continuation.resume() }
        }
    }

    /// Begins to serve and returns; `stop()` ends it.
    public func start() { listener.run { [weak self] socket in self?.take(socket) } }

    /// Takes no more connections and cuts those there are.
    public func stop() {
        listener.stop()
        let (sessions, waiting) = state.withLock { state in
            state.stopped = true
            defer { state.waiting = [] }
            return (Array(state.sessions.values), state.waiting)
        }
        for session in sessions { Task { await session.abort() } }
        for continuation in waiting { continuation.resume() }
    }

    /// What it did so far.
    public func counts() -> PostOfficeCounts { house.counts.withLock { $0 } }

    /// Connections open now.
    public var sessions: Int { state.withLock { $0.sessions.count } }

    private func take(_ socket: AcceptedSocket) {
        let session: Session? = state.withLock { state in
            guard !state.stopped else { return nil }
            state.number += 1
            let session = Session(house, lane: socket.lane, number: state.number, peer: socket.peer)
            state.sessions[state.number] = session
            return session
        }
        guard let session else { return socket.refuse() }
        Task(executorPreference: socket.lane) { [weak self] in
            await session.serve(socket)
            _ = self?.state.withLock { $0.sessions.removeValue(forKey: session.number) }
        }
    }

    // MARK: Certificate

    private static func identity(_ options: PostOfficeOptions) throws -> (certificate: String, key: String) {
        guard let certificate = options.certificateFile else {
            var names = ["localhost", "127.0.0.1", "::1"]
            if !names.contains(options.hostname) { names.append(options.hostname) }
            let made = try TLSContext.selfSigned(names: names)
            return (made.certificatePEM, made.keyPEM)
        }
        return (try read(certificate), try read(options.keyFile ?? certificate))
    }

    private static func read(_ path: String) throws -> String {
        guard let file = fopen(path, "re") else {
            throw PostOfficeError(.file, "\(path): cannot be read (\(String(cString: strerror(errno))))")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// By way of another name, so that a client never reads half of it.
    private static func write(_ text: String, to path: String) throws {
        let fresh = "\(path).\(getpid()).new"
        let bytes = Array(text.utf8)
        let file = Glibc.open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0, Glibc.write(file, bytes, bytes.count) == bytes.count, close(file) == 0,
            rename(fresh, path) == 0
        else { throw PostOfficeError(.file, "\(path): cannot be written (\(String(cString: strerror(errno))))") }
    }
}

/// What all sessions of one post office share.
final class House: Sendable {
    let options: PostOfficeOptions
    let context: TLSContext?
    let referee: Referee
    let log: EventLog?
    let maildir: Maildir?
    let counts = Guarded(PostOfficeCounts())

    init(options: PostOfficeOptions, context: TLSContext?, referee: Referee, log: EventLog?, maildir: Maildir?) {
        self.options = options
        self.context = context
        self.referee = referee
        self.log = log
        self.maildir = maildir
    }
}
