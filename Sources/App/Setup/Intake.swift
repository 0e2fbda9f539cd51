import Mail
import Queue

/// Brings a campaign folder into the queue: the message frozen, its people stored. Doing it again adds what is new.
struct Intake {
    /// What came in.
    struct Outcome {
        var campaign: Campaign
        var counts: ImportCounts
        /// The first rejected rows, and where all of them are written; nil when there are none.
        var rejects: [String]
        var rejectsPath: String?
        /// Why they could not be written down; nil when they could.
        var rejectsFault: String?
        var isNew: Bool
        var acceptedChange: Bool
    }

    let file: CampaignFile
    let config: Config
    let account: AccountSettings

    /// - Throws: `Failure`.
    init(_ file: CampaignFile, config: Config) throws {
        self.file = file
        self.config = config
        account = try config.account(named: file.account, in: file)
        try file.requireTighter(than: config.limits(for: account))
    }

    /// - Parameter accept: asked when the message changed after sending began; false leaves all as it was.
    /// - Throws: `Failure`: 65 when no row is a recipient, or a change was not accepted; `ContentError`, `CSVError`,
    ///   `QueueError`.
    func store(in queue: Queue, accept: @escaping () -> Bool) throws -> Outcome {
        var existing = try queue.campaign(named: file.name)
        if existing?.state == .cancelled {
            throw Failure(
                .usage, tr("The campaign \"{0}\" was cancelled.", file.name),
                next: tr("To begin anew, give it another name in campaign.toml."))
        }
        let stored = existing.flatMap { $0.total > 0 ? $0.columns : nil }
        var rows = try RecipientRows(path: file.recipients, stored: stored)
        let draft = try file.draft(account: account, columns: rows.columns)
        var rejects = RejectsFile(beside: file.recipients)
        // The first recipient is looked for before anything is stored: a list without one leaves no campaign behind.
        var chosen: ChosenFiles?
        if file.attachments.contains(where: { $0.contains("{{") }) {
            chosen = try ChosenFiles(
                try file.content(account: account).content, columns: rows.columns, campaign: file.name,
                folder: file.folder, accept: accept)
        }
        let first = try Self.nextGood(&rows, &rejects, chosen)
        guard let first else {
            rejects.finish()
            throw Self.noRecipients(file, rejects)
        }
        var accepted = false
        var created: Campaign?
        if existing == nil {
            do {
                created = try queue.create(draft)
            } catch QueueError.campaignExists {
                existing = try Installation.campaign(file.name, in: queue)  // another process was quicker
            }
        }
        if let existing { accepted = try refreeze(existing, draft, in: queue, accept: accept) }
        guard let campaign = created ?? existing else { throw QueueError.noSuchCampaign(file.name) }
        let importer = try queue.importer(for: campaign.id)
        let started = existing?.startedAt != nil
        var next: ImportRow? = first
        while let row = next {
            try chosen?.note(row, in: queue, started: started)
            try importer.add(row)
            next = try Self.nextGood(&rows, &rejects, chosen)
        }
        try chosen?.flush(queue)
        var counts = try importer.finish()
        rejects.finish()
        counts.rejected = rejects.count
        counts.in += rejects.count
        let (path, fault) = (rejects.path, rejects.fault)
        return Outcome(
            campaign: try Installation.campaign(file.name, in: queue), counts: counts, rejects: rejects.first,
            rejectsPath: rejects.count > 0 && fault == nil ? path : nil,
            rejectsFault: fault.map { tr("Cannot write {0}: {1}.", path, $0) }, isNew: existing == nil,
            acceptedChange: accepted)
    }

    private static func nextGood(_ rows: inout RecipientRows, _ rejects: inout RejectsFile, _ chosen: ChosenFiles?)
        throws
        -> ImportRow?
    {
        while let row = try rows.next() {
            switch row {
            case .good(let good):
                guard let reason = chosen?.fault(good) else { return good }
                rejects.add(line: good.line, reason: reason, raw: good.fields.replacing("\u{1F}", with: ","))
            case .rejected(let line, let reason, let raw): rejects.add(line: line, reason: reason, raw: raw)
            }
        }
        return nil
    }

    private static func noRecipients(_ file: CampaignFile, _ rejects: borrowing RejectsFile) -> Failure {
        guard rejects.count > 0 else {
            return Failure(
                .badData, tr("{0} holds no recipients.", file.recipients),
                next: tr("Write one address a row under the column email."))
        }
        return Failure(
            .badData,
            tr("None of the {0} rows of {1} is a recipient; nothing was stored.", "\(rejects.count)", file.recipients),
            next: rejects.first.joined(separator: "\n  "))
    }

    /// Brings what the queue holds up to what the folder says; whether a change of a running campaign was accepted.
    private func refreeze(_ campaign: Campaign, _ draft: CampaignDraft, in queue: Queue, accept: () -> Bool) throws
        -> Bool
    {
        let isSame =
            campaign.contentHash == draft.contentHash && campaign.limits == draft.limits
            && campaign.schedule == draft.schedule
            && campaign.account == draft.account && campaign.folder == draft.folder && campaign.columns == draft.columns
        if isSame { return false }
        let changed = campaign.contentHash != draft.contentHash && campaign.startedAt != nil
        if changed, !accept() {
            throw Failure(
                .badData,
                tr("The message of \"{0}\" changed after sending began; nothing was sent or lost.", file.name),
                next: tr(
                    "To send the new one to whoever is left: --accept-changes. To go on with the old one, put it back.")
            )
        }
        try queue.freeze(draft, for: campaign.id)
        return changed
    }
}
