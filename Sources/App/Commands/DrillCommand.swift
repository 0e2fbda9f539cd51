import ArgumentParser
import Glibc

/// `outpost drill`
struct DrillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drill",
        abstract: "Kill own workers at each step of the dialogue against the built-in post office: lost 0, doubled 0.",
        discussion: """
            Nothing leaves this machine, and nothing is left behind. A worker is killed (SIGKILL) before it connects, at \
            each command, in the middle of a body, around the answer and between two records of outcomes; then another \
            one goes on. Afterwards the queue is held against what the post office really took. Exit 0 only when nobody \
            was lost, nobody got it twice, and verify finds nothing.
            """)

    @Option(help: ArgumentHelp("How often each step is killed at.", valueName: "n")) var rounds = 2
    @Flag(help: "One JSON object.") var json = false
    @Option(help: ArgumentHelp("Work in this folder, and leave all of it there.", valueName: "dir")) var keep: String?
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if !(1...1000).contains(rounds) { throw ValidationError(tr("--rounds must be from 1 to 1000.")) }
    }

    func run() async throws {
        let report = try DrillRun(rounds: rounds, keep: keep, isQuiet: json && !Notice.isTerminal).run()
        try StandardOutput.print(json ? report.json.line + "\n" : report.text())
        if report.isInterrupted { throw ExitCode(ExitStatus.interrupted.rawValue) }
        if !report.isClean { throw ExitCode(ExitStatus.findings.rawValue) }
    }
}
