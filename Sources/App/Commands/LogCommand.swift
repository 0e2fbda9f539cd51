import ArgumentParser
import Clock
import Queue

/// `outpost log [NAME] [--follow|--search TEXT]`
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Every attempt, oldest first: to whom, over what, and what the server said.")

    @Argument(help: "The campaign; all of them without a name.") var name: String?
    @Flag(name: .shortAndLong, help: "Go on as attempts happen, until interrupted.") var follow = false
    @Option(help: ArgumentHelp("Only what has this in its address or reply.", valueName: "text")) var search: String?
    @OptionGroup var format: ListFormat
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if follow, search != nil { throw ValidationError(tr("--follow and --search exclude each other.")) }
    }

    private static let page = 1000

    func run() async throws {
        let installation = try Installation()
        let opened: (queue: Queue, campaign: Int64?)?
        if let name {
            let (queue, campaign) = try installation.reading(campaign: name)
            opened = (queue, campaign.id)
        } else {
            opened = try installation.readingQueue().map { ($0, nil) }
        }
        var output = StandardOutput()
        if format.csv { try output.write(Self.csvHeading) }
        guard let (queue, campaign) = opened else {
            try output.flush()
            return
        }
        let now = SystemClock().now()
        if let search {
            try queue.searchAttempts(search, campaign: campaign, progress: SearchNotice.progress()) { rows in
                for row in rows { try output.write(line(row, now: now)) }
            }
            return try output.flush()
        }
        var last: Int64 = 0
        var seen = -1
        while true {
            let counter = try queue.changeCounter()
            if counter != seen {
                seen = counter
                last = try print(queue, campaign, after: last, now: now, to: &output)
                try output.flush()
            }
            guard follow else { return }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    /// All attempts after `last`; with --follow those still open wait until they are settled, and so do those behind them.
    private func print(
        _ queue: Queue, _ campaign: Int64?, after last: Int64, now: Timestamp, to output: inout StandardOutput
    ) throws -> Int64 {
        var last = last
        while true {
            let rows = try queue.attempts(campaign, after: last, limit: Self.page)
            for row in rows {
                // What a dead process left open is settled by the next one only; to wait for that would show nothing.
                if follow, row.outcome == nil, try !queue.runners(nil).isEmpty { return last }
                try output.write(line(row, now: now))
                last = row.id
            }
            if rows.count < Self.page { return last }
        }
    }

    private static let csvHeading = CSVText.row([
        "id", "campaign", "email", "account", "source", "server", "started", "finished", "outcome", "code", "enhanced",
        "reply", "message_id", "tls", "bytes",
    ])

    private func line(_ row: AttemptRecord, now: Timestamp) -> String {
        if format.json { return Self.json(row).line + "\n" }
        if format.csv {
            return CSVText.row([
                String(row.id), row.campaign, row.email, row.account, row.source, row.server, row.started.iso8601,
                row.finished?.iso8601, row.outcome?.rawValue, row.code.map { String($0) }, row.enhanced, row.reply,
                row.messageID, row.tls, String(row.bytes),
            ])
        }
        let answer =
            row.isRetired
            ? tr("(no longer kept)")
            : [row.code.map { String($0) }, row.enhanced, row.reply].compactMap(\.self).joined(separator: " ")
        return TextTable.line(
            [
                TimeText.moment(row.started, now: now), Self.word(row.outcome), row.campaign, row.email, answer,
            ], widths: [16, 9, 16, 32, 0])
    }

    /// The contract's object, its keys in the contract's order.
    static func json(_ row: AttemptRecord) -> JSONText {
        var object = JSONText()
        object.add("id", row.id)
        object.add("campaign", row.campaign)
        object.add("email", row.email)
        object.add("account", row.account)
        object.add("source", row.source)
        object.add("server", row.isRetired ? nil : row.server)
        object.add("started", row.started)
        object.add("finished", row.finished)
        object.add("outcome", row.outcome?.rawValue)
        object.add("code", row.code)
        object.add("enhanced", row.enhanced)
        object.add("reply", row.reply)
        object.add("message_id", row.isRetired ? nil : row.messageID)
        object.add("tls", row.tls)
        object.add("bytes", row.bytes)
        object.add("retired", row.isRetired)
        return object
    }

    static func word(_ outcome: AttemptOutcome?) -> String {
        switch outcome {
        case .sent: tr("sent")
        case .deferred: tr("deferred")
        case .failed: tr("failed")
        case .inDoubt: tr("in doubt")
        case .aborted: tr("aborted")
        case nil: tr("open")
        }
    }
}
