import Foundation
import Testing

/// One `OUTPOST_HOME` and what is run in it.
final class Home: Sendable {
    let folder: Folder
    let path: String

    init() throws {
        folder = try Folder()
        path = try folder.make("home")
    }

    init(in folder: Folder, named name: String) throws {
        self.folder = folder
        path = folder.file(name)
    }

    /// Writes config.toml: an account named `main` at a loopback port, and caps that do not bind unless given.
    func configure(
        port: UInt16, tls: String = "none", caFile: String? = nil, user: String? = nil, passwordFile: String? = nil,
        sessions: Int = 4, account extra: String = "", limits: [(count: Int, per: String)] = [(1_000_000, "1h")],
        more: String = ""
    ) throws {
        var text = """
            [[account]]
            name = "main"
            host = "\(tls == "none" ? "127.0.0.1" : "localhost")"
            port = \(port)
            tls = "\(tls)"
            from = "Outpost Test <sender@example.org>"
            sessions = \(sessions)

            """
        if let caFile { text += "ca_file = \"\(caFile)\"\n" }
        if let user { text += "user = \"\(user)\"\n" }
        if let passwordFile { text += "password_file = \"\(passwordFile)\"\n" }
        text += extra + "\n"
        for limit in limits {
            text += "[[limit]]\nscope = \"source\"\ncount = \(limit.count)\nper = \"\(limit.per)\"\n"
        }
        try configure(text + more)
    }

    func configure(_ text: String) throws { try folder.write("home/config.toml", text) }

    func start(_ arguments: [String], environment: [String: String] = [:], input: String? = nil) throws -> Running {
        var environment = environment
        environment["OUTPOST_HOME"] = environment["OUTPOST_HOME"] ?? path
        return try Running(
            Program.path, arguments, environment: Program.environment(environment), folder: folder, input: input)
    }

    @discardableResult
    func outpost(
        _ arguments: String..., environment: [String: String] = [:], input: String? = nil, within seconds: Double = 60
    ) async throws -> Outcome {
        try await start(arguments, environment: environment, input: input).ended(within: seconds)
    }

    func tallies(_ name: String = "spring", _ place: SourceLocation = #_sourceLocation) async throws -> Tallies {
        let outcome = try await outpost("status", name, "--json")
        try #require(outcome.code == 0, "status: \(outcome.err)", sourceLocation: place)
        return Tallies(json: try outcome.object(place))
    }

    /// Every line of a list command's `--json`.
    func list(_ arguments: String..., place: SourceLocation = #_sourceLocation) async throws -> [JSON] {
        let outcome = try await start(arguments + ["--json"]).ended()
        try #require(outcome.code == 0, "\(arguments): \(outcome.err)", sourceLocation: place)
        return try outcome.objects(place)
    }

    /// Writes a campaign folder and says where it is.
    @discardableResult
    func campaign(
        _ name: String = "spring", people: String, message: String = "你好 {{name}}！\n\nThis is your letter.\n",
        subject: String = "{{name}} 的春天", html: String? = nil, more: String = ""
    ) throws -> String {
        var toml = """
            name = "\(name)"
            account = "main"
            from = "春天 <sender@example.org>"
            subject = "\(subject)"
            recipients = "people.csv"
            text = "message.txt"

            """
        if let html {
            toml += "html = \"message.html\"\n"
            try folder.write("\(name)/message.html", html)
        }
        try folder.write("\(name)/campaign.toml", toml + more)
        try folder.write("\(name)/message.txt", message)
        try folder.write("\(name)/people.csv", people)
        return folder.file(name)
    }

    /// Every file of ours that holds `secret`, but those named.
    func files(holding secret: [UInt8], except: Set<String>) -> [String] {
        Folder.files(path).filter { !except.contains($0) && Data(Folder.bytes($0)).range(of: Data(secret)) != nil }
    }
}

/// Made-up people, half of them with Chinese names.
enum People {
    static let names = ["张伟", "王芳", "李娜 (杭州)", "Ada Lovelace", "Zoë \"Z\" Müller", "欧阳修", "O'Brien, Pat", "陈 静"]

    static func email(_ index: Int) -> String { "person\(index)@d\(index % 7).example.com" }
    static func name(_ index: Int) -> String { names[index % names.count] }

    static func csv(_ range: Range<Int>) -> String {
        var text = "email,name\n"
        text.reserveCapacity(range.count * 40)
        for index in range {
            text += "\(email(index)),\"\(name(index).replacingOccurrences(of: "\"", with: "\"\""))\"\n"
        }
        return text
    }

    static func csv(_ count: Int) -> String { csv(0..<count) }
}
