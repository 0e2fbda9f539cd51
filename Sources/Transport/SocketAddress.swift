import CSystem
import Glibc

/// An IPv4 or IPv6 address and a port.
public struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// A `sockaddr_in` or `sockaddr_in6`, byte for byte.
    private let raw: [UInt8]
    public let isIPv6: Bool

    /// An address given in numbers: `127.0.0.1`, `::1`, `fe80::1%eth0`. Nil for a name.
    public init?(_ literal: String, port: UInt16) {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(literal, String(port), &hints, &list) == 0, let found = list else { return nil }
        defer { freeaddrinfo(found) }
        self.init(found.pointee.ai_addr, length: found.pointee.ai_addrlen)
    }

    init?(_ address: UnsafePointer<sockaddr>?, length: socklen_t) {
        guard let address else { return nil }
        let family = Int32(address.pointee.sa_family)
        guard family == AF_INET || family == AF_INET6 else { return nil }
        raw = Array(UnsafeRawBufferPointer(start: address, count: Int(length)))
        isIPv6 = family == AF_INET6
    }

    /// Whether it is this machine itself: 127.0.0.0/8, ::1.
    public var isLoopback: Bool {
        guard isIPv6 else { return raw[4] == 127 }
        // sin6_addr, which an IPv4 address can be mapped into (RFC 4291 §2.5.5.2)
        let host = raw[8..<24]
        return host.elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
            || host.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127])
    }

    var family: Int32 { isIPv6 ? AF_INET6 : AF_INET }

    /// The address in numbers.
    public var host: String {
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = withSockaddr { getnameinfo($0, $1, &buffer, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST) }
        return code == 0 ? text(in: buffer) : "?"
    }

    /// Both families keep the port, in network order, behind the family.
    public var port: UInt16 { UInt16(raw[2]) << 8 | UInt16(raw[3]) }

    public var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        withUnsafeTemporaryAllocation(of: sockaddr_storage.self, capacity: 1) { storage in
            let bytes = UnsafeMutableRawBufferPointer(storage)
            bytes.copyBytes(from: raw)
            let base = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: sockaddr.self)
            return body(base, socklen_t(raw.count))
        }
    }

    /// What `getsockname` or `getpeername` says of a socket.
    static func of(_ descriptor: Int32, peer: Bool) -> SocketAddress? {
        withUnsafeTemporaryAllocation(of: sockaddr_storage.self, capacity: 1) { storage in
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let bytes = UnsafeMutableRawBufferPointer(storage)
            let base = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: sockaddr.self)
            let code = peer ? getpeername(descriptor, base, &length) : getsockname(descriptor, base, &length)
            return code == 0 ? SocketAddress(base, length: length) : nil
        }
    }
}
