import Glibc
import Testing

@testable import Transport

/// A PEM file that goes with the test.
final class AnchorFile: Sendable {
    let path: String

    init(_ text: String) throws {
        var template = Array("/tmp/outpost-anchor-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let bytes = Array(text.utf8)
        #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
    }

    deinit { unlink(path) }
}

@Suite struct TLSTests {
    let made: (certificatePEM: String, keyPEM: String)
    let anchor: AnchorFile

    init() throws {
        made = try TLSContext.selfSigned()
        anchor = try AnchorFile(made.certificatePEM)
    }

    private func serverContext() throws -> TLSContext {
        try TLSContext.server(certificate: made.certificatePEM, key: made.keyPEM)
    }

    private func shake(_ server: TestServer, _ context: TLSContext, host: String = "localhost") async throws -> TLSInfo
    {
        try await ClientEnd().run { _, lane in
            let connection = try await Connection.connect(to: server.address, lane: lane, timeout: .seconds(10))
            try await connection.startTLS(context, host: host, timeout: .seconds(10))
            #expect(try await connection.roundTrip("secret") == "secret")
            return try #require(connection.tls)
        }
    }

    @Test("bytes come back under TLS 1.3 and 1.2, and the second connection resumes", arguments: [false, true])
    func echo(old: Bool) async throws {
        let tls = try serverContext()
        if old { tls.limitToTLS12() }
        let server = try TestServer.echo(tls: tls)
        let client = try TLSContext.client(anchors: [anchor.path])
        let first = try await shake(server, client)
        #expect(first.version == (old ? "TLSv1.2" : "TLSv1.3"))
        #expect(first.bits >= 128)
        #expect(!first.resumed)
        for _ in 0..<5 { #expect(try await shake(server, client).resumed) }
    }

    @Test("an address in numbers is checked against the certificate's addresses")
    func addressName() async throws {
        let server = try TestServer.echo(tls: try serverContext())
        let client = try TLSContext.client(anchors: [anchor.path])
        #expect(try await shake(server, client, host: "127.0.0.1").version == "TLSv1.3")
        let error = await failure { _ = try await shake(server, client, host: "127.0.0.2") }
        #expect(error?.fault == .nameMismatch)
    }

    @Test("a certificate for another name is refused, and the text says for which")
    func wrongName() async throws {
        let server = try TestServer.echo(tls: try serverContext())
        let client = try TLSContext.client(anchors: [anchor.path])
        let error = await failure { _ = try await shake(server, client, host: "mail.example.com") }
        #expect(error?.kind == .tls)
        #expect(error?.fault == .nameMismatch)
        #expect(error?.detail.contains("mail.example.com") == true)
        #expect(error?.detail.contains("DNS:localhost") == true)
    }

    @Test("a resumed session does not carry over to another name")
    func resumptionKeepsName() async throws {
        let server = try TestServer.echo(tls: try serverContext())
        let client = try TLSContext.client(anchors: [anchor.path])
        _ = try await shake(server, client)
        let error = await failure { _ = try await shake(server, client, host: "mail.example.com") }
        #expect(error?.fault == .nameMismatch)
    }

    @Test("an unknown issuer is refused, and ca_file is suggested")
    func unknownIssuer() async throws {
        let server = try TestServer.echo(tls: try serverContext())
        let error = await failure { _ = try await shake(server, try TLSContext.client()) }
        #expect(error?.fault == .unknownIssuer)
        #expect(error?.detail.contains("ca_file") == true)
    }

    @Test("an expired certificate and one not valid yet are refused", arguments: [(-7200, 3600), (3600, 7200)])
    func outOfTime(start: Int, lifetime: Int) async throws {
        let made = try TLSContext.selfSigned(start: start, lifetime: lifetime)
        let anchor = try AnchorFile(made.certificatePEM)
        let server = try TestServer.echo(tls: try .server(certificate: made.certificatePEM, key: made.keyPEM))
        let error = await failure { _ = try await shake(server, try TLSContext.client(anchors: [anchor.path])) }
        #expect(error?.fault == (start < 0 ? .expired : .notYetValid))
    }

    @Test("bytes before the handshake are an error, not a session")
    func injection() async throws {
        let tls = try serverContext()
        let server = try TestServer { _, connection in
            try await connection.write(Array("220 go\r\n250 injected\r\n".utf8), timeout: .seconds(5))
            try await connection.acceptTLS(tls, timeout: .seconds(2))
        }
        let client = try TLSContext.client(anchors: [anchor.path])
        let error = await failure {
            try await ClientEnd().run { _, lane in
                let connection = try await Connection.connect(to: server.address, lane: lane, timeout: .seconds(10))
                _ = try await connection.readExactly(8)
                try await connection.startTLS(client, host: "localhost", timeout: .seconds(5))
            }
        }
        #expect(error?.fault == .dataBeforeHandshake)
    }

    @Test("after a failed handshake nothing more can be said, so nothing crosses in plain text")
    func failedHandshake() async throws {
        let server = try TestServer.echo(tls: try serverContext())
        let error = await failure {
            try await ClientEnd().run { _, lane in
                let connection = try await Connection.connect(to: server.address, lane: lane, timeout: .seconds(10))
                let first = await failure {
                    try await connection.startTLS(try TLSContext.client(), host: "localhost", timeout: .seconds(5))
                }
                #expect(first?.kind == .tls)
                try await connection.write(Array("AUTH PLAIN".utf8), timeout: .seconds(5))
            }
        }
        #expect(error?.kind == .closed)
    }

    @Test("a server that knows only older versions is refused with the reason")
    func tooOld() async throws {
        let server = try TestServer { _, connection in
            _ = try await connection.readExactly(100)
            // A fatal protocol_version alert (RFC 8446 §6.2).
            try await connection.write([21, 3, 1, 0, 2, 2, 70], timeout: .seconds(5))
            _ = try await connection.readExactly(10_000)
        }
        let error = await failure { _ = try await shake(server, try TLSContext.client()) }
        #expect(error?.fault == .protocolTooOld)
        #expect(error?.detail.contains("TLS 1.2") == true)
    }

    @Test("a server that speaks plain text is told from a TLS fault")
    func plainServer() async throws {
        let server = try TestServer { _, connection in
            _ = try await connection.readExactly(10)
            try await connection.write(Array("220 mail.example.com ESMTP\r\n".utf8), timeout: .seconds(5))
            _ = try await connection.readExactly(10_000)
        }
        let error = await failure { _ = try await shake(server, try TLSContext.client()) }
        #expect(error?.kind == .tls)
        #expect(error?.detail.contains("does not speak TLS") == true)
    }

    @Test("an anchor file that cannot be read is named")
    func badAnchor() throws {
        #expect {
            _ = try TLSContext.client(anchors: ["/nonexistent/ca.pem"])
        } throws: {
            ($0 as? TransportError)?.detail.contains("/nonexistent/ca.pem") == true
        }
    }

    @Test("a key that is not the certificate's is refused")
    func foreignKey() throws {
        let other = try TLSContext.selfSigned()
        #expect(throws: TransportError.self) {
            _ = try TLSContext.server(certificate: made.certificatePEM, key: other.keyPEM)
        }
    }

    @Test("a peer that ends without close_notify does not look like a clean end")
    func truncation() async throws {
        let tls = try serverContext()
        let server = try TestServer { _, connection in
            try await connection.acceptTLS(tls, timeout: .seconds(5))
            try await connection.write(Array("250-half".utf8), timeout: .seconds(5))
            connection.abort()
        }
        let client = try TLSContext.client(anchors: [anchor.path])
        let error = await failure {
            try await ClientEnd().run { _, lane in
                let connection = try await Connection.connect(to: server.address, lane: lane, timeout: .seconds(10))
                try await connection.startTLS(client, host: "localhost", timeout: .seconds(10))
                _ = try await connection.readExactly(100)
            }
        }
        #expect(error?.kind == .closed)
    }
}
