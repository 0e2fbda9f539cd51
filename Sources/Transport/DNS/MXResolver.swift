import CAres
import CSystem
import Dispatch
import Glibc

/// What name servers say of a name's MX records (RFC 5321 §5.1).
public enum MXAnswer: Sendable, Hashable {
    /// The hosts in the order of the answer, lower case, without the dot at the end.
    case hosts([String], lasts: Duration)
    /// It has none, or says that it has none (RFC 7505).
    case none(lasts: Duration)
    /// Nobody answered, or nothing that can be understood; with the reason.
    case failed(String)
}

/// Asks name servers for MX records, many names at a time, on a thread that exists while there is something to ask.
public final class MXResolver: Sendable {
    /// Names asked about at once; the others wait their turn.
    static let most = 128
    /// So many names in a row that nobody answered, and the servers are taken for silent: whoever waits is told so at
    /// once, for a while, so that thousands of domains do not wait for a dead server 128 at a time.
    private static let mostUnanswered = 64
    private static let silence = Duration.seconds(30)

    private struct State {
        var inbox: [MXQuery] = []
        var isRunning = false
        /// In a row.
        var unanswered = 0
        /// Until then nobody is asked, as `Lane.deadline` counts.
        var silentUntil: UInt64 = 0
    }

    private let servers: String
    private let timeout: Duration
    private let state = Guarded(State())
    private let queue = DispatchQueue(label: "outpost.dns")

    /// - Parameters:
    ///   - servers: `127.0.0.1:5353`, `[::1]:53`, `9.9.9.9`; none takes the system's.
    ///   - timeout: no answer takes longer than this, once it is the name's turn.
    public init(servers: [String] = [], timeout: Duration = .seconds(5)) {
        self.servers = servers.joined(separator: ",")
        self.timeout = timeout
    }

    /// Whether a text is a server as `init` takes it: an address in numbers, with or without a port.
    public static func isServer(_ text: String) -> Bool {
        if SocketAddress(text, port: 53) != nil { return true }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return text.hasPrefix("[") && text.hasSuffix("]")
                && SocketAddress(String(text.dropFirst().dropLast()), port: 53) != nil
        }
        let host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            return SocketAddress(String(host.dropFirst().dropLast()), port: port) != nil
        }
        return !host.contains(":") && SocketAddress(String(host), port: port) != nil
    }

    /// - Parameter domain: ASCII.
    public func lookUp(_ domain: String) async -> MXAnswer {
        await withUnsafeContinuation { continuation in
            let query = MXQuery(domain, timeout: timeout) { continuation.resume(returning: $0) }
            let first = state.withLock { state in
                state.inbox.append(query)
                defer { state.isRunning = true }
                return !state.isRunning
            }
            if first { queue.async { self.work() } }
        }
    }

    /// Until nobody waits any more. A channel a spell, so that a change of the system's servers is noticed.
    private func work() {
        var channel: ares_channel?
        var options = ares_options()
        options.timeout = 1_500
        options.tries = 2
        let made = ares_init_options(&channel, &options, Int32(ARES_OPT_TIMEOUTMS) | Int32(ARES_OPT_TRIES))
        guard made == ARES_SUCCESS, let channel else { return giveUp(Self.text(made)) }
        defer { ares_destroy(channel) }
        if !servers.isEmpty {
            let set = ares_set_servers_ports_csv(channel, servers)
            guard set == ARES_SUCCESS else { return giveUp("\(servers): \(Self.text(set))") }
        }
        var asked: [MXQuery] = []
        while true {
            let over = asked.filter(\.isOver)
            asked.removeAll(where: \.isOver)
            let now = DispatchTime.now().uptimeNanoseconds
            let (fresh, hopeless) = state.withLock { state -> ([MXQuery]?, [MXQuery]) in
                for query in over { Self.note(query, &state) }
                if asked.isEmpty, state.inbox.isEmpty {
                    state.isRunning = false
                    return (nil, [])
                }
                guard state.silentUntil <= now else {
                    defer { state.inbox = [] }
                    return ([], state.inbox)
                }
                let taken = Array(state.inbox.prefix(max(0, Self.most - asked.count)))
                state.inbox.removeFirst(taken.count)
                return (taken, [])
            }
            for query in hopeless { query.answer(.failed("the name servers do not answer")) }
            guard let fresh else { return }
            for query in fresh {
                asked.append(query)
                query.ask(channel)
            }
            exchange(channel)
            for query in asked { query.expire() }
        }
    }

    private static func note(_ query: MXQuery, _ state: inout State) {
        guard query.wasUnanswered else {
            (state.unanswered, state.silentUntil) = (0, 0)
            return
        }
        state.unanswered += 1
        if state.unanswered >= mostUnanswered { state.silentUntil = Lane.deadline(after: silence) }
    }

    /// Waits for the servers for a moment: not longer, since more may be asked meanwhile.
    private func exchange(_ channel: ares_channel) {
        var sockets = [ares_socket_t](repeating: 0, count: 16)
        let bits = ares_getsock(channel, &sockets, 16)
        var watched: [pollfd] = []
        for (index, socket) in sockets.enumerated() {
            let (reads, writes) = (bits & (1 << Int32(index)) != 0, bits & (1 << Int32(index + 16)) != 0)
            guard reads || writes else { continue }
            watched.append(
                pollfd(fd: socket, events: Int16((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), revents: 0))
        }
        _ = poll(&watched, nfds_t(watched.count), 20)
        for entry in watched where entry.revents != 0 {
            let readable = entry.revents & Int16(POLLIN | POLLERR | POLLHUP) != 0
            let writable = entry.revents & Int16(POLLOUT) != 0
            ares_process_fd(channel, readable ? entry.fd : -1, writable ? entry.fd : -1)
        }
        // Looks at the time.
        ares_process_fd(channel, -1, -1)
    }

    private func giveUp(_ reason: String) {
        let waiting = state.withLock { state in
            defer { (state.inbox, state.isRunning) = ([], false) }
            return state.inbox
        }
        for query in waiting { query.answer(.failed(reason)) }
    }

    static func text(_ status: Int32) -> String { String(cString: ares_strerror(status)) }
}

/// One name that is asked about. Touched on the resolver's thread alone once it is asked.
///
/// `@unchecked Sendable`: it is made by the one who asks and handed over to that thread.
final class MXQuery: @unchecked Sendable {
    private let domain: String
    private let timeout: Duration
    private var reply: (@Sendable (MXAnswer) -> Void)?
    private var deadline = UInt64.max

    init(_ domain: String, timeout: Duration, _ reply: @escaping @Sendable (MXAnswer) -> Void) {
        self.domain = domain
        self.timeout = timeout
        self.reply = reply
    }

    var isOver: Bool { reply == nil }
    /// No server said anything; known once it is over.
    private(set) var wasUnanswered = false

    func answer(_ answer: MXAnswer) {
        reply?(answer)
        reply = nil
    }

    func ask(_ channel: ares_channel) {
        deadline = Lane.deadline(after: timeout)
        let argument = Unmanaged.passRetained(self).toOpaque()
        // Called once, be it as the channel is destroyed.
        ares_query(
            channel, domain, 1 /* IN */, 15 /* MX */,
            { argument, status, _, bytes, count in
                guard let argument else { return }
                let query = Unmanaged<MXQuery>.fromOpaque(argument).takeRetainedValue()
                let message = UnsafeBufferPointer(start: bytes, count: max(0, Int(count)))
                if !query.isOver { query.wasUnanswered = status == ARES_ETIMEOUT }
                query.answer(MXMessage.answer(status, message))
            }, argument)
    }

    func expire() {
        guard !isOver, DispatchTime.now().uptimeNanoseconds >= deadline else { return }
        wasUnanswered = true
        answer(.failed("no answer in \(timeout)"))
    }
}
