import CSystem
import Dispatch
import Glibc

/// A socket that came in, still raw, with the lane it is to live on. The actor of that lane makes a connection of it with
/// `Connection.adopt`; whoever does not must call `refuse()`.
public struct AcceptedSocket: Sendable {
    public let descriptor: Int32
    public let lane: Lane
    public let peer: SocketAddress

    public func refuse() { close(descriptor) }
}

/// Accepts TCP connections and deals them out over lanes.
///
/// `@unchecked Sendable`: `stopped` and `next` are touched on `queue` only, the rest never changes.
public final class Listener: @unchecked Sendable {
    /// The port in use; never 0.
    public let port: UInt16
    public let address: SocketAddress
    private let descriptor: Int32
    private let queue = DispatchQueue(label: "outpost.listener")
    private let source: any DispatchSourceRead
    private let lanes: [Lane]
    private var next = 0
    private var stopped = false
    private var started = false

    /// Binds and listens; port 0 takes a free one. Throws `.system` with a text that names address and port.
    public init(host: String = "127.0.0.1", port: UInt16, lanes: [Lane]) throws {
        precondition(!lanes.isEmpty)
        let literal = host == "localhost" ? "127.0.0.1" : host
        guard let wanted = SocketAddress(literal, port: port) else {
            throw TransportError(.nameNotFound, "cannot listen on \(host): give the address in numbers, as 127.0.0.1")
        }
        let socket = CSystem_stream_socket(wanted.family)
        guard socket >= 0 else { throw TransportError.from(errno, doing: "listening on", peer: "\(wanted)") }
        var on: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard wanted.withSockaddr({ bind(socket, $0, $1) }) == 0, listen(socket, 1024) == 0,
            let bound = SocketAddress.of(socket, peer: false)
        else {
            let code = errno
            close(socket)
            let advice = code == EADDRINUSE ? "; choose another port, or 0 for any free one" : ""
            throw TransportError(.system(code), "cannot listen on \(wanted): \(systemText(code))\(advice)")
        }
        signal(SIGPIPE, SIG_IGN)
        self.lanes = lanes
        descriptor = socket
        address = bound
        self.port = bound.port
        source = DispatchSource.makeReadSource(fileDescriptor: socket, queue: queue)
        source.setCancelHandler { close(socket) }
    }

    deinit {
        if !started { source.activate() }
        source.cancel()
    }

    /// Begins to accept, and returns. `accept` is called on the listener's own queue and must not block.
    public func run(_ accept: @escaping @Sendable (AcceptedSocket) -> Void) {
        queue.async { [self] in
            guard !started, !stopped else { return }
            started = true
            source.setEventHandler { [weak self] in self?.drain(accept) }
            source.activate()
        }
    }

    /// Accepts no more. Connections already made live on.
    public func stop() {
        queue.async { [self] in
            guard !stopped else { return }
            stopped = true
            if !started {
                started = true
                source.activate()
            }
            source.cancel()
        }
    }

    private func drain(_ accept: @Sendable (AcceptedSocket) -> Void) {
        while !stopped {
            let socket = CSystem_accept(descriptor)
            if socket < 0 {
                let code = errno
                if code == EINTR || code == ECONNABORTED { continue }
                if code == EMFILE || code == ENFILE {
                    // Level-triggered: without a rest this would spin until a descriptor is free.
                    source.suspend()
                    queue.asyncAfter(deadline: .now() + .milliseconds(100)) { [self] in source.resume() }
                }
                return
            }
            guard let peer = SocketAddress.of(socket, peer: true) else {
                close(socket)
                continue
            }
            next = (next + 1) % lanes.count
            accept(AcceptedSocket(descriptor: socket, lane: lanes[next], peer: peer))
        }
    }
}
