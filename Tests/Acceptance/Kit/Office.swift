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

    enum Script {
        static let slow = ""
        static func dropBeforeDot(every: Int) -> String { "" }
        static func dropAfterDot(every: Int) -> String { "" }
        static func throttle(after: Int) -> String { "" }
        static let refuse = ""
        static let garbage = ["", "", ""]
    }
}
