import ArgumentParser
import Clock
import Queue

/// `outpost recipients NAME [--state S] [--search TEXT]`
struct RecipientsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipients", abstract: "Who is where: each recipient's state and last answer.")

    @Argument(help: "The campaign.") var name: String
    @Option(
        help: ArgumentHelp(
            "Only those in this state: " + RecipientState.allCases.map(\.rawValue).joined(separator: ", ") + ".")
    )
    var state: RecipientState?
    @Option(help: ArgumentHelp("Only who has this in the address or the last answer.", valueName: "text"))
    var search: String?
    @OptionGroup var format: ListFormat
    @OptionGroup var common: CommonOptions

    /// Rows fetched at once; memory does not grow with the campaign.
    private static let page = 1000

    func run() async throws {
        let (queue, campaign) = try Installation().reading(campaign: name)
        var output = StandardOutput()
        let now = SystemClock().now()
        if format.csv {
            try output.write(
                CSVText.row([
                    "email", "state", "attempts", "next_attempt", "message_id", "reply", "in_doubt_since",
                    "in_doubt_cause", "server",
                ]))
        } else if !format.json {
            try output.write(
                TextTable.line(state == .inDoubt ? Self.doubtTitles : Self.titles, widths: Self.widths))
        }
        if let search {
            try queue.searchRecipients(
                search, campaign: campaign.id, state: state, progress: SearchNotice.progress()
            ) { rows in
                for row in rows { try output.write(line(row, now: now)) }
            }
            return try output.flush()
        }
        var last: Int64 = 0
        while true {
            let rows = try queue.recipients(campaign.id, state: state, after: last, limit: Self.page)
            for row in rows { try output.write(line(row, now: now)) }
            guard let end = rows.last, rows.count == Self.page else { break }
            last = end.id
        }
        try output.flush()
    }

    private static let titles = [tr("ADDRESS"), tr("STATE"), tr("TRIES"), tr("NEXT"), tr("LAST ANSWER")]
    private static let doubtTitles = [tr("ADDRESS"), tr("STATE"), tr("TRIES"), tr("SINCE"), tr("WHY")]
    private static let widths = [36, 10, 5, 16, 0]

    private func line(_ row: RecipientRecord, now: Timestamp) -> String {
        if format.json {
            var object = JSONText()
            object.add("email", row.email)
            object.add("state", row.state.rawValue)
            object.add("attempts", row.attempts)
            object.add("next_attempt", row.nextAttempt)
            object.add("message_id", row.messageID)
            object.add("reply", row.reply)
            if let doubt = row.doubt {
                object.add("in_doubt_since", doubt.since)
                object.add("in_doubt_seconds", Int((now - doubt.since).inSeconds))
                object.add("in_doubt_cause", doubt.cause.rawValue)
                object.add("server", doubt.server)
            }
            return object.line + "\n"
        }
        if format.csv {
            return CSVText.row([
                row.email, row.state.rawValue, String(row.attempts), row.nextAttempt?.iso8601, row.messageID, row.reply,
                row.doubt?.since.iso8601, row.doubt?.cause.rawValue, row.doubt?.server,
            ])
        }
        if let doubt = row.doubt {
            return TextTable.line(
                [
                    row.email, CampaignStatus.word(row.state), String(row.attempts),
                    state == .inDoubt ? TimeText.moment(doubt.since, now: now) : "",
                    Self.why(doubt, row.reply, now: now),
                ], widths: Self.widths)
        }
        return TextTable.line(
            [
                row.email, CampaignStatus.word(row.state), String(row.attempts),
                row.nextAttempt.map { TimeText.moment($0, now: now) } ?? "", row.reply ?? "",
            ], widths: Self.widths)
    }

    /// How long ago, at which server, what cut it off.
    private static func why(_ doubt: Doubt, _ reply: String?, now: Timestamp) -> String {
        let ago = TimeText.span(now - doubt.since)
        switch doubt.cause {
        case .processEnded: return tr("{0} ago at {1}: the sending process ended before the answer", ago, doubt.server)
        case .connectionLost: return tr("{0} ago at {1}: {2}", ago, doubt.server, reply ?? "")
        }
    }
}
