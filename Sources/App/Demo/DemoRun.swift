import Glibc
import Queue

/// The whole job against a post office on this machine: nothing leaves it.
struct DemoRun {
    /// What to do with what an earlier demo left.
    enum Start { case fresh, resume }

    let folder: DemoFolder

    /// Where somebody is there to look at it.
    static var isOnTerminal: Bool {
        isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && Environment.value("TERM") != "dumb"
    }

    /// Runs to the end, or until the user leaves the console. Says what happened and what to type next.
    func run(_ start: Start) async throws -> Int32 {
        Notice.line(tr("The demo keeps everything in {0}.", folder.path))
        if start == .fresh {
            try folder.clear()
            try folder.write(password: Self.password())
        } else {
            Notice.line(tr("It goes on where the last one stopped; --fresh starts anew."))
        }
        let (postOffice, port) = try startPostOffice()
        defer {
            postOffice.signal(SIGTERM)
            postOffice.wait()
        }
        try folder.writeConfig(port: port)
        setenv("OUTPOST_HOME", folder.path, 1)
        Notice.line(
            tr(
                "A post office listens on 127.0.0.1:{0}. It behaves like a provider on an ordinary day: it refuses a few addresses, asks to try some later, and once hangs up at the worst moment. Nothing leaves this machine.",
                port))
        Notice.line(
            tr("Its caps are a real provider's with an hour scaled down to 4 seconds: 100 in any 4 s, 500 in any 96 s.")
        )
        return Self.isOnTerminal ? try await watched() : try plain()
    }

    private func plain() throws -> Int32 {
        let child = try ChildProcess(
            ["--home", folder.path, "send", folder.campaignFolder, "--wait", "--yes", "--progress", "plain"],
            stdout: .inherited)
        let code = child.wait()
        let told = try tell()
        return told ? 0 : code
    }

    private func watched() async throws -> Int32 {
        let importing = try ChildProcess(
            ["--home", folder.path, "import", folder.campaignFolder], stdout: .file(folder.log),
            stderr: .file(folder.log))
        let imported = importing.wait()
        guard imported == 0 else {
            throw Failure(
                .internalError, tr("The demo's list could not be imported (exit {0}).", imported),
                next: tr("See {0}.", folder.log))
        }
        let places = try Places()
        let source = try QueueConsoleSource(places: places, runners: .parent)
        try source.start(DemoFolder.campaign)
        let ending = await Console.run(source: source, open: DemoFolder.campaign)
        source.drain()
        while !source.ownRunners().isEmpty { usleep(50_000) }
        if case .unusable = ending { return ending.exitCode }
        _ = try tell()
        return ending.exitCode
    }

    /// Tells in plain words how it went. Returns whether everybody's outcome is known or in doubt, so that nothing is left
    /// to be sent.
    private func tell() throws -> Bool {
        let queue = try Queue.open(at: folder.queue, access: .readOnly)
        guard let campaign = try queue.campaign(named: DemoFolder.campaign) else { return false }
        let tallies = campaign.tallies
        let home = "outpost --home \(ShellWords.quoted(folder.path))"
        var lines = ["", tr("What happened:")]
        lines.append("  " + trn("{0} message was sent.", "{0} messages were sent.", tallies.sent))
        if tallies.failed > 0 {
            lines.append(
                "  "
                    + trn(
                        "{0} was refused for good: the post office does not know the address.",
                        "{0} were refused for good: the post office does not know the addresses.", tallies.failed))
        }
        if tallies.inDoubt > 0 {
            lines.append(
                "  "
                    + trn(
                        "{0} is in doubt: the line broke after the whole message had left and before the answer came. It is not sent again unless you say so.",
                        "{0} are in doubt: the line broke after the whole message had left and before the answer came. They are not sent again unless you say so.",
                        tallies.inDoubt))
        }
        let left = tallies.pending + tallies.deferred + tallies.sending
        if left > 0 { lines.append("  " + trn("{0} is still waiting.", "{0} are still waiting.", left)) }
        lines += ["", tr("What to type next:")]
        if left > 0 { lines.append("  outpost demo --resume") }
        if tallies.inDoubt > 0 {
            lines.append("  \(home) log \(DemoFolder.campaign) | grep in_doubt")
            lines.append("  \(home) settle \(DemoFolder.campaign) --in-doubt sent")
        }
        lines.append("  \(home) status")
        lines.append("  ls \(ShellWords.quoted(folder.mail + "/new")) | head")
        lines.append("  outpost init --help       # " + tr("your own account"))
        lines.forEach(Notice.line)
        return left == 0
    }

    private func startPostOffice() throws -> (ChildProcess, UInt16) {
        let variable = "OUTPOST_DEMO_PASSWORD"
        let password = try FilePath.read(folder.passwordFile).prefix { $0 != 10 }
        setenv(variable, String(decoding: password, as: UTF8.self), 1)
        defer { unsetenv(variable) }
        let child = try ChildProcess(
            [
                "postoffice", "--port", "0", "--tls", "starttls", "--user", DemoFolder.user, "--password-env", variable,
                "--script", folder.script, "--maildir", folder.mail, "--log", folder.postOfficeLog, "--ca-file",
                folder.authority,
            ], stdout: .pipe, stderr: .file(folder.log), ownSession: true)
        while let line = child.line() {
            if let colon = line.lastIndex(of: ":"), line.hasPrefix("listening on "),
                let port = UInt16(line[line.index(after: colon)...])
            {
                return (child, port)
            }
        }
        child.wait()
        throw Failure(.internalError, tr("The demo's post office did not start."), next: tr("See {0}.", folder.log))
    }

    private static func password() -> String {
        let letters = Array("abcdefghijkmnpqrstuvwxyz23456789")
        return String((0..<16).map { _ in letters[Int.random(in: 0..<letters.count)] })
    }
}
