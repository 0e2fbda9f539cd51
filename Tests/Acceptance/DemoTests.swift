import Foundation
import Glibc
import Testing

extension BuiltProgram {
    @Suite("the demo and the console")
    struct Demonstration {
        @Test("the demo without a terminal sends its 300 in plain lines within 30 s and says what to type next")
        func demo() async throws {
            let home = try Home()
            let folder = home.folder.file("shown")
            let outcome = try await home.outpost("demo", "--dir", folder, within: 60)
            #expect(outcome.code == 0, "\(outcome.code) \(outcome.err)")
            #expect(outcome.seconds < 30, "\(outcome.seconds) s")
            #expect(!(outcome.out + outcome.err).unicodeScalars.contains("\u{1b}"))
            #expect((outcome.out + outcome.err).contains("outpost"))
            let status = try await home.outpost("--home", folder, "status", "demo", "--json")
            let tallies = Tallies(json: try status.object())
            #expect(tallies.total == 300 && tallies.sum == 300, "\(tallies)")
            #expect(
                tallies["sent"] > 250 && tallies["pending"] + tallies["sending"] + tallies["deferred"] == 0,
                "\(tallies)")
            // The demo's post office went with it.
            try await eventually(within: 10, "nothing of the demo runs any more") {
                try await run("pgrep", ["-f", folder], in: home.folder).out.isEmpty
            }
        }

        @Test(
            "what a demo, a drill or a stress run has started ends with it, however it ends",
            arguments: ["demo --dir shown", "drill", "stress --connections 4 --duration 60s"])
        func children(_ line: String) async throws {
            let arguments = line.split(separator: " ").map(String.init)
            let home = try Home()
            let parent = try home.start(arguments, environment: ["TMPDIR": try home.folder.make("tmp")])
            // The post office, and who sends to it; a stress run sends by itself.
            let commands = arguments[0] == "stress" ? ["postoffice"] : ["postoffice", "send"]
            var children: [pid_t] = []
            try await eventually(within: 30, "it has children: \(parent.err)") {
                children = Processes.children(of: parent.pid)
                return commands.allSatisfy { command in
                    children.contains { Processes.words($0).contains(command) }
                }
            }
            try await parent.kill()
            try await eventually(within: 10, "all of \(children) have ended") {
                !children.contains(where: Processes.isAlive)
            }
        }

        @Test("the console shows the campaigns on a real terminal, survives a resize, and gives the terminal back")
        func console() async throws {
            let home = try Home()
            try home.configure(port: 25)
            try home.campaign(people: People.csv(7))
            #expect(try await home.outpost("import", "spring").code == 0)
            let socket = home.folder.file("tmux")
            func tmux(_ arguments: String...) async throws -> String {
                try await run(
                    "tmux", ["-S", socket, "-f", "/dev/null"] + arguments, in: home.folder,
                    environment: ["TERM": "xterm-256color"]
                ).out
            }
            let line =
                "OUTPOST_HOME='\(home.path)' '\(Program.path)'; echo \"code=$?\"; stty -a | grep -c ' echo '; sleep 60"
            _ = try await tmux("new-session", "-d", "-x", "100", "-y", "30", line)
            do {
                try await eventually(within: 20, "the console names the campaign") {
                    try await tmux("capture-pane", "-p").contains("spring")
                }
                _ = try await tmux("resize-window", "-x", "70", "-y", "20")
                try await eventually(within: 10, "it is there at 70 by 20") {
                    let lines = try await tmux("capture-pane", "-p").split(
                        separator: "\n", omittingEmptySubsequences: false)
                    return lines.contains { $0.contains("spring") } && lines.allSatisfy { $0.count <= 70 }
                }
                _ = try await tmux("send-keys", "q")
                try await eventually(within: 10, "q quits, exit 0, with echo on again") {
                    let screen = try await tmux("capture-pane", "-p")
                    return screen.contains("code=0\n1\n")
                }
            } catch {
                let screen = try await tmux("capture-pane", "-p")
                _ = try await tmux("kill-server")
                throw Failure("\(error)\n\(screen)")
            }
            _ = try await tmux("kill-server")
        }

        @Test(
            "however the console ends, the shell has its terminal back at once, and nobody waits for a key",
            arguments: [SIGSEGV, SIGABRT, SIGILL, SIGTRAP, SIGTERM, SIGHUP, SIGKILL])
        func ended(_ signal: Int32) async throws {
            let home = try Home()
            try home.configure(port: 25)
            try home.campaign(people: People.csv(7))
            #expect(try await home.outpost("import", "spring").code == 0)
            let socket = home.folder.file("tmux")
            func tmux(_ arguments: String...) async throws -> String {
                try await run(
                    "tmux", ["-S", socket, "-f", "/dev/null"] + arguments, in: home.folder,
                    environment: ["TERM": "xterm-256color"]
                ).out
            }
            // After SIGKILL another process mends the terminal: what the shell writes before is on the screen that goes away.
            // A report of the crash that would ask what to do next, as it does for whoever has Swift installed.
            let report = "enable=yes,interactive=yes,color=no,symbolicate=off,threads=crashed,images=none,limit=4"
            let number = home.folder.file("pid")
            let line = """
                SWIFT_BACKTRACE=\(report) OUTPOST_HOME='\(home.path)' sh -c 'echo $$ >"\(number)"; exec "\(Program.path)"'; \
                code=$?; sleep 2; echo "code=$code"; stty -a | grep -c ' icanon .* echo '; sleep 60
                """
            _ = try await tmux("new-session", "-d", "-x", "100", "-y", "30", line)
            do {
                try await eventually(within: 20, "the console names the campaign") {
                    try await tmux("capture-pane", "-p").contains("spring")
                }
                let pid = try #require(Int32(Folder.text(number).split(separator: "\n").first ?? ""))
                kill(pid, signal)
                // It would be asked for half a minute.
                try await eventually(within: 25, "the shell goes on") {
                    try await tmux("capture-pane", "-p").contains("code=\(128 + signal)\n")
                }
                try await eventually(within: 5, "what is typed is seen again, on the screen of before") {
                    let screen = try await tmux("capture-pane", "-p")
                    let state = try await tmux("display-message", "-p", "#{alternate_on}#{cursor_flag}")
                    return screen.contains("code=\(128 + signal)\n1\n") && !screen.contains("spring")
                        && state == "01\n"
                }
            } catch {
                let screen = try await tmux("capture-pane", "-p")
                _ = try await tmux("kill-server")
                throw Failure("\(error)\n\(screen)")
            }
            _ = try await tmux("kill-server")
        }
    }
}
