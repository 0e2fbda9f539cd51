import ArgumentParser
import Clock
import Glibc

/// `outpost stress`
struct StressCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stress",
        abstract: "A load test against the built-in post office, on this machine alone.",
        discussion: """
            Sends made-up messages from a queue of its own over many connections, then holds the queue against what the \
            post office took: lost, doubled, latency, throughput, memory. A full queue makes room for a fresh one, so that it \
            takes about 150 MB of disk however long it lasts. There is no way to point it at another server. \
            Ctrl-C ends it early, with the report. Exit 0 when at most 0.1 % was lost and nothing doubled.
            """)

    @Option(help: ArgumentHelp("Connections at once.", valueName: "n")) var connections = 500
    @Option(help: ArgumentHelp("How long, as 30s or 30m.", valueName: "time")) var duration = "30m"
    @Option(help: ArgumentHelp("End after so many messages.", valueName: "n")) var messages: Int?
    @Option(help: ArgumentHelp("People in one queue; then a fresh one is begun.", valueName: "n"))
    var perQueue = 250_000
    @Option(help: ArgumentHelp("Bytes of a message, as 800, 11k or 2m.", valueName: "size")) var size = "11k"
    @Flag(help: "Protect every connection with STARTTLS.") var tls = false
    @Flag(help: "One JSON object at the end.") var json = false
    @Option(
        help: ArgumentHelp(
            "Work in this folder, and leave the last queue in it, and each that did not add up.", valueName: "dir"))
    var keep: String?
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if !(1...10_000).contains(connections) {
            throw ValidationError(tr("--connections must be from 1 to 10000."))
        }
        if perQueue < 1 { throw ValidationError(tr("--per-queue must be 1 or more.")) }
        if let messages, messages < 1 { throw ValidationError(tr("--messages must be 1 or more.")) }
        if DurationText.duration(duration) == nil {
            throw ValidationError(tr("--duration: \"{0}\" is no time such as 30s or 30m.", duration))
        }
        if Self.bytes(size).map({ (500...20_000_000).contains($0) }) != true {
            throw ValidationError(tr("--size: \"{0}\" is no size from 500 bytes to 20m, such as 11k.", size))
        }
    }

    /// `800`, `11k`, `2m` (of 1,000).
    static func bytes(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units = ["": 1, "b": 1, "k": 1_000, "kb": 1_000, "m": 1_000_000, "mb": 1_000_000]
        guard let number = Int(digits), number < 1_000_000_000,
            let unit = units[text.dropFirst(digits.count).lowercased()]
        else { return nil }
        return number * unit
    }

    func run() async throws {
        var run = StressRun()
        run.connections = connections
        run.duration = DurationText.duration(duration) ?? run.duration
        run.messages = messages
        run.perQueue = perQueue
        run.size = Self.bytes(size) ?? run.size
        run.tls = tls
        run.keep = keep
        run.isQuiet = json && !Notice.isTerminal
        let report = try await run.run()
        try StandardOutput.print(json ? report.json.line + "\n" : report.text())
        if !report.isClean { throw ExitCode(ExitStatus.findings.rawValue) }
    }
}
