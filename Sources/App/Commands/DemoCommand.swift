import ArgumentParser
import Glibc
import Queue

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "The whole job against the built-in post office; nothing leaves this machine.",
        discussion: """
            Makes a list of 300 people, starts a post office on this machine that behaves like a provider on an \
            ordinary day, sends, and says what happened. On a terminal it is watched in the console; quit in the \
            middle and run it again to go on.
            """)

    @OptionGroup var common: CommonOptions
    @Option(help: ArgumentHelp("Where to keep it all.", valueName: "dir")) var dir = "outpost-demo"
    @Flag(help: "Start anew, and throw away what the last demo left there.") var fresh = false
    @Flag(help: "Go on where the last demo stopped.") var resume = false

    func validate() throws {
        if fresh, resume { throw ValidationError(tr("--fresh and --resume exclude each other.")) }
    }

    func run() async throws {
        let folder = DemoFolder(path: FilePath.absolute(dir))
        if FilePath.exists(folder.path), !folder.isDemo, !FilePath.isEmptyFolder(folder.path) {
            throw Failure(
                .cannotCreate, tr("{0} is there already, and it is no demo's.", folder.path),
                next: tr("Name another folder with --dir."))
        }
        let code = try await DemoRun(folder: folder).run(start(folder))
        throw ExitCode(code)
    }

    private func start(_ folder: DemoFolder) -> DemoRun.Start {
        if fresh || !folder.isDemo { return .fresh }
        if resume { return .resume }
        guard let queue = try? Queue.open(at: folder.queue, access: .readOnly),
            let tallies = try? queue.campaign(named: DemoFolder.campaign)?.tallies
        else { return .fresh }
        let left = tallies.pending + tallies.sending + tallies.deferred
        guard left > 0 else { return .fresh }
        if DemoRun.isOnTerminal {
            return Notice.confirm(tr("The last demo still has {0} to send. Go on with it?", left)) ? .resume : .fresh
        }
        return .resume
    }
}
