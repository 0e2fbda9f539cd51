import CSystem
import Dispatch
import Glibc

/// Names to addresses, by the system's own rules (`/etc/hosts`, `nsswitch.conf`, DNS).
public enum Resolver {
    private static let queue = DispatchQueue(label: "outpost.resolver", attributes: .concurrent)

    /// The addresses of a host, in the order in which they are to be tried (RFC 6724). An address in numbers passes
    /// straight. Throws `.nameNotFound`, `.nameTemporary` or `.timedOut(.resolve)`.
    public static func addresses(of host: String, port: UInt16, timeout: Duration = .seconds(30)) async throws
        -> [SocketAddress]
    {
        if let literal = SocketAddress(host, port: port) { return [literal] }
        guard !host.isEmpty, !host.utf8.contains(0) else {
            throw TransportError(.nameNotFound, "\"\(host)\" is not a host name")
        }
        let result: Result<[SocketAddress], TransportError> = await withUnsafeContinuation { continuation in
            // getaddrinfo cannot be interrupted: the first of answer and time-out speaks.
            let answer = Once(continuation)
            queue.async { answer.say(lookUp(host, port)) }
            queue.asyncAfter(deadline: DispatchTime(uptimeNanoseconds: Lane.deadline(after: timeout))) {
                answer.say(
                    .failure(
                        TransportError(
                            .timedOut(.resolve),
                            "looking up \(host): no answer in \(timeout); check the network and the name servers")))
            }
        }
        return try result.get()
    }

    private final class Once: Sendable {
        typealias Answer = Result<[SocketAddress], TransportError>
        private let continuation: Guarded<UnsafeContinuation<Answer, Never>?>

        init(_ continuation: UnsafeContinuation<Answer, Never>) { self.continuation = Guarded(continuation) }

        func say(_ answer: Answer) {
            let first = continuation.withLock { held in
                defer { held = nil }
                return held
            }
            first?.resume(returning: answer)
        }
    }

    private static func lookUp(_ host: String, _ port: UInt16) -> Result<[SocketAddress], TransportError> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        switch code {
        case 0:
            var found: [SocketAddress] = []
            var entry = list
            while let current = entry {
                if let address = SocketAddress(current.pointee.ai_addr, length: current.pointee.ai_addrlen),
                    !found.contains(address)
                {
                    found.append(address)
                }
                entry = current.pointee.ai_next
            }
            guard found.isEmpty else { return .success(found) }
            return .failure(TransportError(.nameNotFound, "\(host) has no address"))
        case EAI_NONAME, -5, -9 /* EAI_NODATA, EAI_ADDRFAMILY */:
            return .failure(
                TransportError(.nameNotFound, "there is no host named \(host); check the spelling of the server"))
        case EAI_AGAIN:
            return .failure(
                TransportError(
                    .nameTemporary, "looking up \(host): the name servers did not answer; check the network, try later")
            )
        default:
            let text = code == EAI_SYSTEM ? systemText(errno) : String(cString: gai_strerror(code))
            return .failure(TransportError(.nameTemporary, "looking up \(host): \(text)"))
        }
    }
}
