import Clock
import IMAP
import Testing

@testable import outpost

@Suite("The mailbox of an account")
struct MailboxSettingsTests {
    private static let user = "user = \"me@qq.com\"\npassword_env = \"X\"\n"

    private func account(_ lines: String) throws -> AccountSettings {
        let file = try TOMLFile(text: "[[account]]\nname = \"a\"\n" + lines, path: "config.toml")
        return try #require(try Config(file, presets: PresetCatalogue(folder: nil)).accounts.first)
    }

    @Test("the preset fills it in, and the account's login is its own")
    func preset() throws {
        let mailbox = try #require(try account("preset = \"qq\"\n" + Self.user).mailbox)
        #expect(mailbox.host == "imap.qq.com" && mailbox.port == 993 && mailbox.tls == .implicit)
        #expect(mailbox.user == "me@qq.com" && mailbox.password == .environment("X") && mailbox.sent == nil)
        // A preset of a server that is not the one used knows nothing of its mailbox.
        #expect(try account("preset = \"qq\"\nhost = \"mail.example.com\"\n" + Self.user).mailbox == nil)
        #expect(try account("host = \"mail.example.com\"\n" + Self.user).mailbox == nil)
    }

    @Test("every preset with a login of its own names a mailbox, but the one that has none")
    func presets() throws {
        for preset in try PresetCatalogue(folder: nil).presets {
            #expect((preset.mailbox == nil) == ["ses", "local"].contains(preset.id), "\(preset.id)")
        }
    }

    @Test("each key overrides, and its port follows its protection")
    func keys() throws {
        let own = try #require(
            try account(
                Self.user + "host = \"smtp.example.com\"\n"
                    + "mailbox = { host = \"imap.example.com\", tls = \"starttls\", user = \"other\", password_env = \"Y\", sent = \"已发送\" }\n"
            ).mailbox)
        #expect(own.port == 143 && own.user == "other" && own.password == .environment("Y") && own.sent == "已发送")
        let filled = try #require(
            try account("preset = \"163\"\n" + Self.user + "mailbox = { sent = \"S\" }\n").mailbox)
        #expect(filled.host == "imap.163.com" && filled.sent == "S" && filled.user == "me@qq.com")
        let open = try #require(
            try account(Self.user + "host = \"x.example\"\nmailbox = { host = \"127.0.0.1\", tls = \"none\" }\n")
                .mailbox)
        #expect(open.user == nil && open.password == nil, "no login where nothing is encrypted")
    }

    @Test(
        "what is wrong is named with its line and key",
        arguments: [
            ("{ hots = \"x\" }", "mailbox.hots: unknown key"), ("{ sent = \"x\" }", "\"host\" is missing"),
            ("{ host = \"a/b\" }", "mailbox.host"), ("{ host = \"imap.example.com\", tls = \"none\" }", "mailbox.tls"),
            ("{ host = \"localhost\", tls = \"none\", user = \"u\" }", "mailbox.user"),
            ("{ host = \"x\", password = \"p\" }", "password_command"), ("{ host = \"x\", port = 0 }", "mailbox.port"),
            ("{ host = \"x\", password_env = \"A\", password_file = \"b\" }", "one place only"), ("\"x\"", "a table"),
        ])
    func wrong(_ table: String, _ words: String) throws {
        do {
            _ = try account("host = \"smtp.example.com\"\n" + Self.user + "mailbox = \(table)\n")
            Issue.record("taken: \(table)")
        } catch let failure as Failure {
            #expect(failure.status == .configuration)
            #expect(failure.description.contains(words), "\(failure)")
            #expect(failure.description.hasPrefix("config.toml:"), "\(failure)")
        }
    }

    @Test("the folder of sent mail: the one named, the one marked, the one of a usual name")
    func sentFolder() {
        func folder(_ name: String, _ attributes: Set<String> = []) -> IMAPFolder {
            IMAPFolder(name: name, wire: FolderName.encoded(name), attributes: attributes, separator: "/")
        }
        let folders = [folder("INBOX"), folder("Sent"), folder("[Gmail]/Odd", ["\\sent"]), folder("Old")]
        #expect(SentFolder.choose(folders, configured: nil)?.name == "[Gmail]/Odd")
        #expect(SentFolder.choose(folders, configured: "old")?.name == "Old")
        #expect(SentFolder.choose(folders, configured: "none") == nil)
        #expect(SentFolder.choose([folder("INBOX"), folder("INBOX/已发送")], configured: nil)?.name == "INBOX/已发送")
        #expect(SentFolder.choose([folder("INBOX")], configured: nil) == nil)
    }
}
