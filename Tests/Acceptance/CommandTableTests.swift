import Foundation
import Testing

extension BuiltProgram {
    @Suite("the command table")
    struct CommandTable {
        static let commands = [
            "demo", "init", "new", "check", "preview", "test", "import", "send", "list", "status", "pause", "resume",
            "cancel", "recipients", "log", "settle", "retry", "limits", "suppress", "suppress add", "suppress remove",
            "suppress list", "suppress import", "postoffice", "verify", "backup", "prove", "explain", "forecast",
            "rests", "rests lift", "rests rules", "waits",
        ]

        @Test("every command explains itself on stdout and exits 0", arguments: commands)
        func help(_ command: String) async throws {
            let home = try Home()
            let words = command.split(separator: " ").map(String.init)
            let outcome = try await home.start(words + ["--help"]).ended()
            #expect(outcome.code == 0, "\(outcome.err)")
            #expect(outcome.out.contains(command), "\(outcome.out)")
            #expect(outcome.out.contains("outpost"))
            #expect(outcome.err == "")
        }

        @Test("the program itself has --help, which names every command, and --version")
        func root() async throws {
            let home = try Home()
            let help = try await home.outpost("--help")
            #expect(help.code == 0)
            for command in Self.commands where !command.contains(" ") {
                #expect(help.out.contains(command), "\(command) is missing in --help")
            }
            let version = try await home.outpost("--version")
            #expect(version.code == 0)
            #expect(version.out.contains("0.1.0"))
        }

        @Test(
            "a wrong command line is exit 64, said on stderr, with stdout empty",
            arguments: [
                ["nonsense"], ["send"], ["send", "x", "--no-such-flag"], ["status", "--json", "a", "b", "c"],
                ["settle", "x", "--in-doubt", "perhaps"], ["send", "x", "--limit", "many"], ["suppress", "add"],
                ["send", "x", "--progress", "loud"],
            ])
        func usage(_ arguments: [String]) async throws {
            let outcome = try await Home().start(arguments).ended()
            #expect(outcome.code == 64, "\(arguments): \(outcome.code) \(outcome.err)")
            #expect(outcome.err != "")
            #expect(outcome.out == "")
        }

        @Test("the console without a terminal is a hint and exit 64, and writes no control codes")
        func console() async throws {
            let outcome = try await Home().start([]).ended(within: 10)
            #expect(outcome.code == 64)
            #expect(outcome.err.contains("outpost"))
            #expect(!outcome.err.unicodeScalars.contains("\u{1b}"))
            #expect(outcome.out == "")
        }

        @Test(
            "a campaign that is not there is exit 66 and named",
            arguments: [
                ["status", "nosuch"], ["pause", "nosuch"], ["resume", "nosuch"], ["cancel", "nosuch"],
                ["recipients", "nosuch"], ["log", "nosuch"], ["send", "nosuch"], ["retry", "nosuch"],
                ["settle", "nosuch", "--in-doubt", "sent"], ["import", "/no/such/nosuch"],
                ["check", "/no/such/nosuch"],
                ["preview", "/no/such/nosuch"],
            ])
        func missing(_ arguments: [String]) async throws {
            let home = try Home()
            try home.configure(port: 25)
            try home.campaign("other", people: People.csv(1))
            #expect(try await home.outpost("import", "other").code == 0)
            let outcome = try await home.start(arguments).ended()
            #expect(outcome.code == 66, "\(arguments): \(outcome.code) \(outcome.err)")
            #expect(outcome.err.contains("nosuch"), "\(outcome.err)")
            #expect(outcome.out == "")
        }

        @Test(
            "with no queue at all, an order names the campaign, the place and the cure",
            arguments: [
                ["pause", "spring"], ["resume", "spring"], ["cancel", "spring"], ["retry", "spring"],
                ["settle", "spring", "--in-doubt", "sent"],
            ])
        func noQueue(_ arguments: [String]) async throws {
            let home = try Home()
            let outcome = try await home.start(arguments).ended()
            #expect(outcome.code == 66, "\(arguments): \(outcome.code) \(outcome.err)")
            for words in ["\"spring\"", home.path + "/queue.sqlite3", "outpost import", "OUTPOST_HOME"] {
                #expect(outcome.err.contains(words), "\(words): \(outcome.err)")
            }
            #expect(!FileManager.default.fileExists(atPath: home.path + "/queue.sqlite3"))
        }

        @Test("--home works before and after the command and beats the environment")
        func homeFlag() async throws {
            let home = try Home()
            try home.configure(port: 25)
            try home.campaign(people: People.csv(3))
            let other = try home.folder.make("other")
            try home.folder.write("other/config.toml", home.folder.text("home/config.toml"))
            #expect(try await home.outpost("--home", other, "import", "spring").code == 0)
            #expect(try await home.outpost("status", "spring").code == 66)
            for arguments in [
                ["--home", other, "status", "spring", "--json"], ["status", "spring", "--json", "--home", other],
            ] {
                let outcome = try await home.start(arguments).ended()
                #expect(outcome.code == 0, "\(outcome.err)")
                #expect(try outcome.object().int("total") == 3)
            }
        }

        @Test("folders are 0700 and files 0600, whatever the umask")
        func modes() async throws {
            let home = try Home()
            try home.configure(port: 25)
            try home.campaign(people: People.csv(3))
            let deep = home.folder.file("a/b/home")
            try FileManager.default.createDirectory(atPath: home.folder.file("a"), withIntermediateDirectories: true)
            let outcome = try await run(
                "sh",
                [
                    "-c",
                    "umask 000; exec \"$0\" init --name main --host 127.0.0.1 --port 25 --tls none --from a@example.org",
                    Program.path,
                ],
                in: home.folder, environment: ["OUTPOST_HOME": deep])
            #expect(outcome.code == 0, "\(outcome.err)")
            #expect(Folder.mode(deep) == 0o700)
            #expect(Folder.mode("\(deep)/config.toml") == 0o600)
            #expect(
                try await run(
                    "sh", ["-c", "umask 000; exec \"$0\" import spring", Program.path], in: home.folder,
                    environment: ["OUTPOST_HOME": deep]
                ).code == 0)
            for name in Folder.files(deep) { #expect(Folder.mode(name) == 0o600, "\(name)") }
            #expect(Folder.files(deep).contains { $0.hasSuffix("queue.sqlite3") })
        }

        @Test("LANG=zh_CN.UTF-8 speaks Chinese, C does not")
        func language() async throws {
            let home = try Home()
            try home.configure(port: 25)
            func han(_ text: String) -> Bool { text.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) } }
            let english = try await home.outpost("status", "nosuch")
            #expect(!han(english.err))
            let chinese = try await home.outpost("status", "nosuch", environment: ["LANG": "zh_CN.UTF-8"])
            #expect(chinese.code == 66)
            #expect(han(chinese.err), "\(chinese.err)")
        }
    }
}
