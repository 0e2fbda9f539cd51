import ArgumentParser
import Glibc
import Testing

@testable import outpost

@Suite("The command line", .serialized)
struct CommandLineTests {
    @Test("--home is taken wherever it stands, and nothing behind --")
    func home() throws {
        let before = getenv("OUTPOST_HOME").map { String(cString: $0) }
        defer { if let before { setenv("OUTPOST_HOME", before, 1) } else { unsetenv("OUTPOST_HOME") } }
        #expect(try CommonOptions.takeHome(from: ["--home", "/a", "list"]) == ["list"])
        #expect(Environment.value("OUTPOST_HOME") == "/a")
        #expect(try CommonOptions.takeHome(from: ["send", "x", "--home=/b/"]) == ["send", "x"])
        #expect(Environment.value("OUTPOST_HOME") == "/b")
        #expect(try CommonOptions.takeHome(from: ["new", "--", "--home", "c"]) == ["new", "--", "--home", "c"])
        #expect(throws: ValidationError.self) { try CommonOptions.takeHome(from: ["list", "--home"]) }
    }

    @Test("a command written as one text is split as a shell would")
    func words() {
        #expect(ShellWords.split("pass show mail/qq") == ["pass", "show", "mail/qq"])
        #expect(ShellWords.split("sh -c 'echo \"a b\"' x\\ y \"\"") == ["sh", "-c", "echo \"a b\"", "x y", ""])
        #expect(ShellWords.split("  ") == [])
    }

    @Test("a word told for a shell is the same word to the shell")
    func quoted() {
        for plain in ["spring", "a/b-1.2_x", "春季活动", "ann@example.com"] { #expect(ShellWords.quoted(plain) == plain) }
        for word in ["a b", "it's", "$(touch x)", "a;b", "~", "", "*", "\"", "#a", "a\\b", "!x&", "春（一）", "`x`"] {
            let quoted = ShellWords.quoted(word)
            #expect(quoted != word && !quoted.contains("\n"))
            let pipe = popen("printf %s \(quoted)", "r")
            var buffer = [CChar](repeating: 0, count: 256)
            let count = fread(&buffer, 1, buffer.count, pipe)
            pclose(pipe)
            let read = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            #expect(read == word, "\(quoted)")
        }
    }

    @Test("every command has help, and says what it takes")
    func help() {
        for command in Outpost.configuration.subcommands {
            #expect(!Outpost.helpMessage(for: command).isEmpty)
            #expect(!command.configuration.abstract.isEmpty)
        }
        let names = Set(Outpost.configuration.subcommands.compactMap { $0.configuration.commandName })
        let wanted: Set<String> = [
            "init", "new", "import", "check", "preview", "test", "send", "list", "status", "pause", "resume", "cancel",
            "recipients", "log", "settle", "retry", "limits", "suppress", "postoffice", "verify", "backup", "accounts",
            "presets",
        ]
        #expect(wanted.isSubset(of: names), "\(wanted.subtracting(names))")
    }

    @Test("wrong use is exit code 64")
    func usage() {
        for words in [
            ["send"], ["list", "--json", "--csv"], ["settle", "x"], ["retry", "x", "--state", "sent"], ["init"],
        ] {
            do {
                _ = try Outpost.parseAsRoot(words)
                Issue.record("\(words) passed")
            } catch { #expect(Outpost.exitCode(for: error).rawValue == 64, "\(words)") }
        }
    }
}
