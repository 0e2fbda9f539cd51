import Foundation
import Glibc
import Testing

/// A real Dovecot of the test's own: configuration, sockets and mail in one temporary folder, IMAPS and STARTTLS on free
/// loopback ports, one user with a password. The machine's own Dovecot is not touched.
final class Dovecot: Sendable {
    static let user = "sender@example.org"
    static let password = "m41l \"phrase\""

    let folder: Folder
    let port: UInt16
    let plainPort: UInt16
    let authority: String
    var log: String { folder.text("log") }

    /// - Parameter sent: the folder of sent mail as it is on disk and on the wire; `isMarked` gives it the attribute \Sent.
    init(sent: String = "Outgoing", isMarked: Bool = true) async throws {
        folder = try Folder()
        chmod(folder.path, 0o755)
        let certificate = try await Certificate(in: folder)
        authority = certificate.authority
        port = try freePort()
        plainPort = try freePort()
        try folder.make("run", mode: 0o755)
        try folder.make("mail", mode: 0o755)
        try folder.write("passwd", "\(Self.user):{PLAIN}\(Self.password)::::::\n", mode: 0o644)
        try folder.write(
            "dovecot.conf", Self.settings(folder, certificate, port, plainPort, marked: isMarked ? sent : nil),
            mode: 0o644)
        for name in ["INBOX", sent] { try makeMaildir(name) }
        let chown = try await run("chown", ["-R", "dovecot", folder.file("mail")], in: folder)
        try #require(chown.code == 0, "chown (package dovecot-imapd): \(chown.err)")
        let start = try await run("dovecot", ["-c", folder.file("dovecot.conf")], in: folder)
        try #require(start.code == 0, "dovecot (package dovecot-imapd): \(start.err)\(log)")
        try await eventually(within: 20, "Dovecot listens on \(port): \(log)") { answers(port) }
    }

    func stop() async { _ = try? await run("doveadm", ["-c", folder.file("dovecot.conf"), "stop"], in: folder) }

    /// Puts a message into a folder, as a delivery agent would.
    func deliver(_ message: String, to name: String, number: Int) throws {
        let path = "\(maildir(name))/new/\(number).test.localhost"
        try folder.write(path, message.replacingOccurrences(of: "\n", with: "\r\n"), mode: 0o644)
        let owner = try FileManager.default.attributesOfItem(atPath: folder.file("mail"))
        try FileManager.default.setAttributes(
            [.ownerAccountID: owner[.ownerAccountID] as Any], ofItemAtPath: folder.file(path))
    }

    /// The flags of what is in a folder, from its file names: empty while nothing was seen, moved or marked.
    func flags(_ name: String) -> [String] {
        Folder.files(folder.file(maildir(name))).filter { $0.contains("/cur/") }.compactMap {
            $0.components(separatedBy: ":2,").last
        }
    }

    private func maildir(_ name: String) -> String { name == "INBOX" ? "mail/box" : "mail/box/.\(name)" }

    private func makeMaildir(_ name: String) throws {
        for part in ["cur", "new", "tmp"] { try folder.make("\(maildir(name))/\(part)", mode: 0o755) }
    }

    private static func settings(
        _ folder: Folder, _ certificate: Certificate, _ port: UInt16, _ plainPort: UInt16, marked: String?
    ) -> String {
        let mailbox = marked.map { "  mailbox \"\($0)\" {\n    auto = no\n    special_use = \\Sent\n  }\n" } ?? ""
        return """
            protocols = imap
            base_dir = \(folder.file("run"))
            state_dir = \(folder.file("run"))
            log_path = \(folder.file("log"))
            listen = 127.0.0.1, 127.0.0.2
            ssl = required
            ssl_cert = <\(certificate.certificate)
            ssl_key = <\(certificate.key)
            ssl_min_protocol = TLSv1.2
            disable_plaintext_auth = yes
            auth_mechanisms = plain login
            auth_failure_delay = 0
            mail_location = maildir:\(folder.file("mail/box"))
            mail_access_groups = dovecot
            first_valid_uid = 1
            passdb {
              driver = passwd-file
              args = scheme=PLAIN username_format=%u \(folder.file("passwd"))
            }
            userdb {
              driver = static
              args = uid=dovecot gid=dovecot home=\(folder.file("mail"))
            }
            service anvil {
              unix_listener anvil-auth-penalty {
                mode = 0
              }
            }
            service imap-login {
              inet_listener imap {
                port = \(plainPort)
              }
              inet_listener imaps {
                port = \(port)
                ssl = yes
              }
            }
            namespace inbox {
              inbox = yes
              separator = /
            \(mailbox)        }

            """
    }
}
