import ArgumentParser
import Clock
import Mail
import Queue

extension DoubtDecision: ExpressibleByArgument {}

/// `outpost settle NAME --in-doubt resend|sent|failed`, or `--evidence mailbox|PATH…`
struct SettleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settle",
        abstract: "Decide about people whose hand-over was cut off, so that nobody knows whether it arrived.",
        discussion: """
            Look at the account's Sent folder, or ask them, before you choose resend: it may double a message. \
            --evidence looks for you: "mailbox" asks the account's own mailbox over IMAP, for the message in its folder \
            of sent mail and for delivery reports in its inbox; a path is the log of a mail server of your own \
            (Postfix, Exim; rotated and compressed ones too), a Maildir or mbox of sent mail, or delivery reports. Whoever is not mentioned there stays \
            in doubt. A file called mailbox is ./mailbox.
            """
    )

    @Argument(help: "The campaign.") var name: String
    @Option(help: "resend, or count them as sent, or as failed.") var inDoubt: DoubtDecision?
    @Option(
        help: ArgumentHelp(
            "Decide by the account's mailbox, or by this log, mailbox or report; may be repeated.",
            valueName: "mailbox|path"))
    var evidence: [String] = []
    @Option(help: ArgumentHelp("Only this address; may be repeated.", valueName: "address")) var email: [String] = []
    @Option(help: ArgumentHelp("Only the addresses of this file: CSV, or one a line.", valueName: "file"))
    var emailsFrom: String?
    @Option(help: ArgumentHelp("Only those in doubt for longer than this: 30m, 1h, 2d.", valueName: "time"))
    var olderThan: String?
    @Flag(help: "With --evidence one JSON object a person, with --in-doubt one in all.") var json = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if (inDoubt == nil) == evidence.isEmpty {
            throw ValidationError(tr("Say either --in-doubt resend|sent|failed or --evidence mailbox|PATH."))
        }
        if let olderThan, DurationText.duration(olderThan) == nil {
            throw ValidationError(tr("--older-than takes a time such as 30m, 1h or 2d, not {0}.", olderThan))
        }
    }

    func run() async throws {
        let installation = try Installation()
        let (queue, found) = try installation.ordering(campaign: name)
        // A process may have been killed just now: whom it had is in doubt, too.
        _ = try queue.recoverDead(.hold, of: found.id)
        let campaign = try Installation.campaign(name, in: queue)
        let keys = try keys()
        let before = olderThan.flatMap(DurationText.duration).map {
            SystemClock().now() + .microseconds(-$0.inMicroseconds)
        }
        guard let inDoubt else {
            let outcome = try await DoubtByEvidence(
                queue: queue, campaign: campaign, config: installation.config()
            ).settle(
                evidence.filter { $0 != "mailbox" }.map(FilePath.absolute),
                looksIntoMailbox: evidence.contains("mailbox"),
                DoubtByEvidence.Selection(keys: keys ?? [], before: before))
            return try EvidenceReport.print(outcome, campaign: name, json: json)
        }
        let known = try keys.map { try queue.inDoubt(campaign.id, among: $0) }
        let count = try queue.settleInDoubt(campaign.id, as: inDoubt, emails: keys, before: before)
        if json {
            var object = JSONText()
            object.add("campaign", name)
            object.add("decision", inDoubt.rawValue)
            object.add("settled", count)
            object.add("in_doubt", campaign.tallies.inDoubt - count)
            try StandardOutput.print(object.line + "\n")
        }
        try report(inDoubt, count, keys: keys, known: known, left: campaign.tallies.inDoubt - count)
    }

    /// Whom it is about, normalised; nil for everybody.
    /// - Throws: `Failure`: 64 for `--email`, 65 for a line of the file.
    private func keys() throws -> [String]? {
        guard !email.isEmpty || emailsFrom != nil else { return nil }
        var keys = try email.map { text in
            do { return try Mailbox.key(of: text) } catch {
                throw Failure(.usage, "--email: \(text): " + told("\(error)"))
            }
        }
        if let file = emailsFrom {
            let before = keys.count
            try AddressFile.read(file) { line in
                switch line {
                case .bad(let reason, let number): throw Failure(.badData, "\(file):\(number): \(reason)")
                case .address(let text, let number):
                    do { keys.append(try Mailbox.key(of: text)) } catch {
                        throw Failure(.badData, "\(file):\(number): \(text): " + told("\(error)"))
                    }
                }
            }
            if keys.count == before { throw Failure(.badData, tr("{0} holds no address.", file)) }
        }
        return Array(Set(keys))
    }

    private func report(
        _ decision: DoubtDecision, _ count: Int, keys: [String]?, known: Set<String>?, left: Int
    ) throws {
        if let keys, let known {
            let strangers = keys.filter { !known.contains($0) }.sorted()
            if known.isEmpty {
                throw Failure(
                    .badData, tr("None of these is in doubt in {0}.", name),
                    next: tr("To see who is: outpost recipients {0} --state in_doubt", name))
            }
            if !strangers.isEmpty {
                Notice.line(
                    tr(
                        "{0} of the addresses are not in doubt here and were left alone: {1}",
                        NumberText.count(strangers.count),
                        strangers.prefix(5).joined(separator: ", ") + (strangers.count > 5 ? ", …" : "")))
            }
        }
        guard count > 0 else {
            return Notice.line(
                olderThan.map { tr("Nobody here is in doubt for longer than {0}.", $0) }
                    ?? tr("Nobody in {0} is in doubt.", name))
        }
        let people = NumberText.count(count)
        switch decision {
        case .resend: Notice.line(tr("{0} people go back into the queue. To send: outpost send {1}", people, name))
        case .sent: Notice.line(tr("{0} people count as sent.", people))
        case .failed: Notice.line(tr("{0} people count as failed.", people))
        }
        if left > 0 { Notice.line(tr("{0} stay in doubt.", NumberText.count(left))) }
    }
}
