import Foundation

@testable import Transport

/// dnsmasq on the loopback, told what to say; it forwards nothing.
final class NameServer {
    let port: UInt16
    private var process: pid_t = 0

    /// - Parameter lines: its configuration, such as `mx-host=a.zz,mx.zz,10`.
    init(_ lines: [String], port: UInt16? = nil) throws {
        self.port = try port ?? NameServer.freePort()
        let arguments =
            [
                "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                "--port=\(self.port)", "--listen-address=127.0.0.1", "--bind-interfaces", "--local-ttl=600",
                "--pid-file=", "--user=", "--log-facility=/dev/null",
            ] + lines.map { "--" + $0 }
        var words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        // Not by Foundation's Process: it takes the closing of inherited descriptors, dnsmasq's first deed, for the
        // end, and its one thread for all children then waits for this one, as does everybody who waits for another.
        let code = posix_spawn(&process, "/usr/sbin/dnsmasq", nil, nil, &words, environ)
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .ENOENT) }
    }

    deinit { stop() }

    func stop() {
        guard process > 0 else { return }
        kill(process, SIGKILL)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        process = 0
    }

    private static func freePort() throws -> UInt16 {
        let listener = try Listener(host: "127.0.0.1", port: 0, lanes: Lane.pool(count: 1))
        defer { listener.stop() }
        return listener.port
    }

    /// Asks until it answers.
    func resolver(timeout: Duration = .seconds(5)) async throws -> MXResolver {
        let resolver = MXResolver(servers: ["127.0.0.1:\(port)"], timeout: timeout)
        for _ in 0..<50 {
            if case .failed = await resolver.lookUp("ready.zz") {
                try await Task.sleep(for: .milliseconds(50))
            } else {
                break
            }
        }
        return resolver
    }
}
