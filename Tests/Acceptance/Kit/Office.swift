import Foundation
import Glibc
import Testing

/// `outpost postoffice` in a process of its own, and what it says it saw.
final class Office: Sendable {
    let folder: Folder
    let port: UInt16
    /// The authority to trust for its certificate.
    var caFile: String { folder.file("ca.pem") }
    var log: String { folder.text("office.log") }
    private let process: Running

    /// - Parameter script: the rules it misbehaves by.
    init(tls: String = "none", user: String? = nil, password: String? = nil, script: String? = nil) async throws {
        folder = try Folder()
        var arguments = [
            "postoffice", "--port", "0", "--tls", tls, "--maildir", folder.file("mail"), "--log",
            folder.file("office.log"),
        ]
        if let user, let password { arguments += ["--user", "\(user):\(password)"] }
        if let script { arguments += ["--script", try folder.write("script.toml", script)] }
        process = try Running(
            Program.path, arguments, environment: Program.environment(["OUTPOST_HOME": folder.file("home")]),
            folder: folder.path, workingIn: folder.path)
        port = 0
    }

    deinit { process.signal(SIGKILL) }

    struct Entry { var time: Double, email: String }

    func mails() -> [String] { Folder.files(folder.file("mail")).filter { $0.contains("/new/") } }
    func accepted() -> [Entry] { [] }
    func begun() -> [Entry] { [] }
    func refusedLogins() -> Int { 0 }

    /// Ways to misbehave; the grammar is in `outpost postoffice --help`.
    enum Script {
        static let slow = "at dot latency 20ms\n"
        static func dropBeforeDot(every count: Int) -> String { "at dot every \(count) drop-before\n" }
        static func dropAfterDot(every count: Int) -> String { "at dot every \(count) drop-after\n" }
        static func throttle(after count: Int) -> String {
            "cap \(count) per 1h reply 550 Connection frequency limited\n"
        }
        static let refuse = """
            at rcpt to gone@* reply 550 5.1.1 No such user
            at rcpt to busy@* reply 450 4.2.1 Busy, come again

            """
        static let garbage = [
            "at banner garbage\n", "at ehlo garbage\n", "at mail garbage\n", "at rcpt garbage\n", "at dot garbage\n",
            "at rcpt reply 450 4.2.0 \u{1b}[2J\u{1b}]0;owned\u{07}\u{9b}31m\u{202e}red\n",
            "at rcpt reply 450 4.2.0 " + String(repeating: "x", count: 200_000) + "\n",
        ]
    }
}
