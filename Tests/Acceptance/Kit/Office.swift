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

    /// - Parameters:
    ///   - user, password: with them mail is taken only after a login.
    ///   - script: the rules it misbehaves by.
    init(tls: String = "none", user: String? = nil, password: String? = nil, script: String? = nil) async throws {
        folder = try Folder()
        var arguments = [
            "postoffice", "--port", "0", "--tls", tls, "--maildir", folder.file("mail"), "--log",
            folder.file("office.log"),
        ]
        var environment = ["OUTPOST_HOME": folder.file("home")]
        if tls != "none" { arguments += ["--ca-file", folder.file("ca.pem")] }
        if let user, let password {
            arguments += ["--user", user, "--password-env", "OFFICE_PASSWORD"]
            environment["OFFICE_PASSWORD"] = password
            if tls == "none" { arguments.append("--plaintext-auth") }
        }
        if let script { arguments += ["--script", try folder.write("script", script)] }
        let process = try Running(
            Program.path, arguments, environment: Program.environment(environment), folder: folder)
        self.process = process
        func said() -> UInt16? {
            let line = process.out.split(separator: "\n").first { $0.hasPrefix("listening on ") }
            return line.flatMap { $0.split(separator: ":").last }.flatMap { UInt16($0) }
        }
        try await eventually(within: 20, "the post office listens: \(process.err)") {
            said() != nil || !process.isRunning
        }
        port = try #require(said(), "the post office did not start: \(process.out)\(process.err)")
    }

    deinit { process.signal(SIGKILL) }

    struct Entry { var time: Double, email: String }

    /// Accepted messages, by the file's own order.
    func mails() -> [String] { Folder.files(folder.file("mail")).filter { $0.contains("/new/") }.sorted() }

    /// Who was given a 250 for a whole message, and when (seconds).
    func accepted() -> [Entry] { entries("accepted") }

    /// Whose RCPT was taken, and when.
    func begun() -> [Entry] { entries("rcpt") }

    /// How often something was refused, for good or for now.
    func refusals() -> Int { events("rejected").count + events("deferred").count }

    func refusedLogins() -> Int { events("auth").filter { $0.values["right"] as? Bool == false }.count }

    /// Every login that reached it, right or wrong.
    func logins() -> Int { events("auth").count }

    private func events(_ name: String) -> [JSON] {
        // The line is looked at before it is parsed: the log is read again and again while a campaign runs.
        log.split(separator: "\n").filter { $0.contains("\"event\":\"\(name)\"") }.compactMap { try? JSON(String($0)) }
    }

    private func entries(_ name: String) -> [Entry] {
        events(name).flatMap { event in
            (event.string("to") ?? "").components(separatedBy: ", ").map {
                Entry(time: (event.double("us") ?? 0) / 1_000_000, email: $0)
            }
        }
    }

    /// Ways to misbehave; the grammar is in `outpost postoffice --help`.
    enum Script {
        static let slow = "at dot latency 20ms\n"
        /// The connection is lost when DATA comes: nothing was handed over.
        static func dropAtData(every count: Int) -> String { "at data every \(count) drop\n" }
        /// It is lost when the final dot has come; the first kind was not stored, the second was. No client can tell.
        static func dropAtDot(every count: Int, stored: Bool) -> String {
            "at dot every \(count) \(stored ? "drop-after" : "drop-before")\n"
        }
        static func throttle(after count: Int) -> String {
            "cap \(count) per 1h reply 550 Connection frequency limited\n"
        }
        static let refuse = """
            at rcpt to gone@* reply 550 5.1.1 No such user
            at rcpt to busy@* reply 450 4.2.1 Busy, come again

            """
        static let garbage = [
            "at banner garbage\n", "at ehlo garbage\n", "at rcpt garbage\n", "at dot garbage\n",
            "at rcpt reply 450 4.2.0 \u{1b}[2J\u{1b}]0;owned\u{07}\u{9b}31m\u{202e}red\n",
            "at rcpt reply 450 4.2.0 " + String(repeating: "x", count: 200_000) + "\n",
        ]
    }
}
