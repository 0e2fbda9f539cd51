import Clock
import Dispatch
import IMAP
import Mail
import Queue

/// Settles those in doubt of whom a log, a mailbox or a report knows more.
struct DoubtByEvidence: Sendable {
    /// What was decided of one recipient.
    struct Decision: Equatable {
        var email: String
        var finding: Evidence.Finding?
    }

    /// Which of a campaign's doubts.
    struct Selection: Sendable {
        /// Normalised addresses; empty means everybody.
        var keys: [String] = []
        /// In doubt since then or earlier, and since then or later.
        var before: Timestamp?
        var after: Timestamp?
    }

    /// One in doubt.
    private struct Candidate {
        var recipient: Int64
        var email: String
        var messageID: String
        var doubt: Doubt
    }

    let queue: Queue
    let campaign: Campaign
    let config: Config

    /// What was decided, and what a person should know of how.
    typealias Outcome = (decisions: [Decision], notes: [String])

    /// - Parameters:
    ///   - paths: files and folders to read.
    ///   - looksIntoMailbox: ask the account's own mailbox too.
    /// - Throws: `Failure` (66 for a file that cannot be read, 78 for a mailbox that is not set up), `IMAPError`,
    ///   `QueueError`.
    func settle(_ paths: [String], looksIntoMailbox: Bool, _ selection: Selection) async throws -> Outcome {
        let doubtful = try candidates(selection)
        guard !doubtful.isEmpty else { return ([], []) }
        var accounts: [(IMAPServer, String?, MailboxSettings, name: String)] = []
        if looksIntoMailbox {
            for name in Set(doubtful.map(\.doubt.account)).sorted() {
                let settings = try config.account(named: name)
                let (server, mailbox) = try config.mailbox(of: settings)
                let password = server.user == nil ? nil : try await mailbox.password?.read(account: name)
                accounts.append((server, password, mailbox, name))
            }
        }
        return try await onOwnThread { [accounts] in
            var evidence = Evidence(messageIDs: Set(doubtful.map(\.messageID)))
            try EvidenceFiles.read(paths, into: &evidence)
            var notes: [String] = []
            var decisions = accounts.isEmpty ? try store(doubtful, evidence) : []
            for (server, password, settings, name) in accounts {
                let mailbox = try IMAPMailbox(server, password: password)
                defer { mailbox.close() }
                var look = try MailboxEvidence(mailbox, sent: settings.sent)
                let mine = doubtful.filter { $0.doubt.account == name }
                for start in stride(from: 0, to: mine.count, by: MailboxEvidence.batch) {
                    let some = Array(mine[start..<min(start + MailboxEvidence.batch, mine.count)])
                    try look.look(
                        for: some.map { MailboxEvidence.Wanted(messageID: $0.messageID, since: $0.doubt.began) },
                        &evidence)
                    decisions += try store(some, evidence)
                }
                notes += look.notes
            }
            return (decisions, notes)
        }
    }

    /// Reading files and mailboxes blocks; the cooperative pool must not.
    private func onOwnThread<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "outpost.evidence").async { continuation.resume(with: Result(catching: work)) }
        }
    }

    private func store(_ doubtful: [Candidate], _ evidence: Evidence) throws -> [Decision] {
        var settlements: [DoubtSettlement] = []
        let decisions = doubtful.map { candidate in
            let finding = evidence.findings[candidate.messageID]
            if let finding {
                settlements.append(
                    DoubtSettlement(
                        recipient: candidate.recipient, attempt: candidate.doubt.attempt, decision: finding.decision,
                        evidence: finding.record))
            }
            return Decision(email: candidate.email, finding: finding)
        }
        if !settlements.isEmpty { _ = try queue.settleInDoubt(campaign.id, by: settlements) }
        return decisions
    }

    private func candidates(_ selection: Selection) throws -> [Candidate] {
        let wanted = Set(selection.keys)
        var all: [Candidate] = []
        var after: Int64 = 0
        while true {
            let page = try queue.recipients(campaign.id, state: .inDoubt, after: after, limit: 1000)
            guard let last = page.last else { return all }
            after = last.id
            for recipient in page {
                guard let doubt = recipient.doubt, let id = recipient.messageID,
                    selection.before.map({ doubt.since <= $0 }) ?? true,
                    selection.after.map({ doubt.since >= $0 }) ?? true,
                    try wanted.isEmpty || wanted.contains(Mailbox.key(of: recipient.email))
                else { continue }
                all.append(Candidate(recipient: recipient.id, email: recipient.email, messageID: id, doubt: doubt))
            }
        }
    }
}

extension Evidence.Finding {
    var decision: DoubtDecision { if case .accepted = self { .sent } else { .failed } }

    /// As it is kept with the decision.
    var record: String {
        switch self {
        case .accepted(let source): source
        case .failed(let source, let status): status.isEmpty ? source : "\(source) (\(status))"
        }
    }
}

extension Config {
    /// The mailbox of an account, as it is connected to.
    /// - Throws: `Failure` (78).
    func mailbox(of account: AccountSettings) throws -> (IMAPServer, MailboxSettings) {
        guard let mailbox = account.mailbox else {
            throw Failure(
                .configuration, tr("Account \"{0}\" names no mailbox to look into.", account.name),
                next: tr("Write into its [[account]]: mailbox = { host = \"imap.example.com\" }"))
        }
        if let file = account.caFile, !FilePath.exists(file) {
            throw Failure(.configuration, tr("Account \"{0}\": ca_file: there is no file {1}.", account.name, file))
        }
        let security: IMAPServer.Security =
            switch mailbox.tls {
            case .implicit: .implicit
            case .starttls: .starttls
            case .none: .none
            }
        return (
            IMAPServer(
                host: mailbox.host, port: mailbox.port, security: security, authority: account.caFile,
                user: mailbox.user, usesToken: account.auth == .xoauth2), mailbox
        )
    }
}
