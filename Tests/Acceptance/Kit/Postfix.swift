import Foundation
import Glibc
import Testing

/// A real Postfix of the test's own: configuration, queue and data in one temporary folder, a free port on loopback,
/// STARTTLS, SASL login through Cyrus's sasldb, delivery into a Maildir. The machine's own Postfix is not touched.
final class Postfix: Sendable {
    static let user = "sender"
    static let password = "p4ss phrase"
    static let realm = "mail.example.com"

    let folder: Folder
    let port: UInt16
    let authority: String

    init() async throws {
        folder = try Folder()
        chmod(folder.path, 0o755)
        let certificate = try await Certificate(in: folder)
        authority = certificate.authority
        port = try freePort()
        for name in ["etc", "spool", "data", "etc/sasl", "mail"] { try folder.make(name, mode: 0o755) }
        try await Self.tool("chown", ["postfix", folder.file("data")], in: folder)
        try await Self.tool("chown", ["postfix", folder.file("mail")], in: folder)
        let id = try await Self.tool("id", ["-u", "postfix"], in: folder).trimmingCharacters(
            in: .whitespacesAndNewlines)
        let group = try await Self.tool("id", ["-g", "postfix"], in: folder).trimmingCharacters(
            in: .whitespacesAndNewlines)

        try folder.write(
            "etc/sasl/smtpd.conf",
            "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: \(folder.file("etc/sasl/sasldb2"))\n",
            mode: 0o644)
        let set = try await run(
            "saslpasswd2", ["-p", "-c", "-f", folder.file("etc/sasl/sasldb2"), "-u", Self.realm, Self.user], in: folder,
            input: Self.password)
        try #require(set.code == 0, "saslpasswd2 (package sasl2-bin): \(set.err)")
        try await Self.tool("chown", ["postfix", folder.file("etc/sasl/sasldb2")], in: folder)

        try folder.write("etc/main.cf", Self.settings(folder, certificate, uid: id, gid: group), mode: 0o644)
        try folder.write("etc/master.cf", "127.0.0.1:\(port) inet n - n - - smtpd\n" + Self.services, mode: 0o644)
        for name in ["dynamicmaps.cf", "dynamicmaps.cf.d", "postfix-files", "postfix-files.d"]
        where FileManager.default.fileExists(atPath: "/etc/postfix/\(name)") {
            try FileManager.default.createSymbolicLink(
                atPath: folder.file("etc/\(name)"), withDestinationPath: "/etc/postfix/\(name)")
        }
        try await Self.tool("postfix", ["-c", folder.file("etc"), "start"], in: folder)
        try await eventually(within: 20, "Postfix listens on \(port)") { answers(port) }
    }

    func stop() async { _ = try? await run("postfix", ["-c", folder.file("etc"), "stop"], in: folder) }

    /// The delivered messages.
    var mails: [String] { Folder.files(folder.file("mail")).filter { $0.contains("/new/") } }
    var log: String { folder.text("log") }

    @discardableResult
    private static func tool(_ name: String, _ arguments: [String], in folder: Folder) async throws -> String {
        let outcome = try await run(name, arguments, in: folder)
        try #require(outcome.code == 0, "\(name) \(arguments): \(outcome.err)\(folder.text("log"))")
        return outcome.out
    }

    private static func settings(_ folder: Folder, _ certificate: Certificate, uid: String, gid: String) -> String {
        """
        compatibility_level = 3.6
        queue_directory = \(folder.file("spool"))
        data_directory = \(folder.file("data"))
        command_directory = /usr/sbin
        daemon_directory = /usr/lib/postfix/sbin
        maillog_file = \(folder.file("log"))
        maillog_file_prefixes = \(folder.path)
        myhostname = \(realm)
        mydestination =
        alias_maps =
        alias_database =
        local_recipient_maps =
        local_transport = error:none
        inet_protocols = ipv4
        inet_interfaces = 127.0.0.1
        mynetworks = 192.0.2.1/32
        default_transport = error:none
        smtp_dns_support_level = disabled
        smtpd_peername_lookup = no
        smtpd_tls_security_level = encrypt
        smtpd_tls_auth_only = yes
        smtpd_tls_cert_file = \(certificate.certificate)
        smtpd_tls_key_file = \(certificate.key)
        smtpd_tls_loglevel = 1
        smtpd_sasl_auth_enable = yes
        smtpd_sasl_type = cyrus
        smtpd_sasl_path = smtpd
        cyrus_sasl_config_path = \(folder.file("etc/sasl"))
        smtpd_sasl_local_domain = \(realm)
        smtpd_relay_restrictions = permit_sasl_authenticated, reject
        smtpd_recipient_restrictions = permit_sasl_authenticated, reject
        virtual_mailbox_domains = static:all
        virtual_mailbox_base = \(folder.file("mail"))
        virtual_mailbox_maps = static:all/
        virtual_minimum_uid = 1
        virtual_uid_maps = static:\(uid)
        virtual_gid_maps = static:\(gid)

        """
    }

    private static let services = """
        pickup unix n - n 60 1 pickup
        cleanup unix n - n - 0 cleanup
        qmgr unix n - n 300 1 qmgr
        tlsmgr unix - - n 1000? 1 tlsmgr
        rewrite unix - - n - - trivial-rewrite
        bounce unix - - n - 0 bounce
        defer unix - - n - 0 bounce
        trace unix - - n - 0 bounce
        verify unix - - n - 1 verify
        proxymap unix - - n - - proxymap
        smtp unix - - n - - smtp
        relay unix - - n - - smtp
        error unix - - n - - error
        retry unix - - n - - error
        virtual unix - n n - - virtual
        anvil unix - - n - 1 anvil
        scache unix - - n - 1 scache
        postlog unix-dgram n - n - 1 postlogd

        """
}

/// A port on loopback that was free a moment ago, for servers that cannot be given port 0.
func freePort() throws -> UInt16 {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
        }
    }
    guard bound else { throw Failure("no free port") }
    return UInt16(bigEndian: address.sin_port)
}

func answers(_ port: UInt16) -> Bool {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = loopback(port)
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

private func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}
