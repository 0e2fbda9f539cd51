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
