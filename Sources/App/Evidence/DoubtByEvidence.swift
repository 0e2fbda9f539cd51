import Mail
import Queue

/// Settles those in doubt of whom a log, a mailbox or a report knows more.
struct DoubtByEvidence {
    /// What was decided of one recipient.
    struct Decision: Equatable {
        var email: String
        var finding: Evidence.Finding?
    }

    let queue: Queue
    let campaign: Campaign

    /// - Parameter only: normalised addresses; empty means everybody in doubt.
    /// - Throws: `Failure` (66) for a file that cannot be read, `QueueError`.
    func settle(_ paths: [String], only: [String]) throws -> [Decision] {
        let doubtful = try inDoubt(only)
        var evidence = Evidence(messageIDs: Set(doubtful.compactMap(\.messageID)))
        try EvidenceFiles.read(paths, into: &evidence)
        var decisions: [Decision] = []
        var keys: [DoubtDecision: [String]] = [:]
        for recipient in doubtful {
            let finding = recipient.messageID.flatMap { evidence.findings[$0] }
            decisions.append(Decision(email: recipient.email, finding: finding))
            guard let finding else { continue }
            let decision: DoubtDecision = if case .accepted = finding { .sent } else { .failed }
            keys[decision, default: []].append(try Mailbox.key(of: recipient.email))
        }
        for (decision, emails) in keys { _ = try queue.settleInDoubt(campaign.id, as: decision, emails: emails) }
        return decisions
    }

    private func inDoubt(_ only: [String]) throws -> [RecipientRecord] {
        var all: [RecipientRecord] = []
        var after: Int64 = 0
        while true {
            let page = try queue.recipients(campaign.id, state: .inDoubt, after: after, limit: 1000)
            guard let last = page.last else { break }
            all += page
            after = last.id
        }
        guard !only.isEmpty else { return all }
        let wanted = Set(only)
        return try all.filter { wanted.contains(try Mailbox.key(of: $0.email)) }
    }
}

/// The words for it.
enum EvidenceReport {
    static func print(_ decisions: [DoubtByEvidence.Decision]) throws {
        var output = StandardOutput()
        var (sent, failed, open) = (0, 0, 0)
        for decision in decisions {
            switch decision.finding {
            case .accepted(let origin):
                sent += 1
                try output.line(
                    tr("{0}: accepted, says {1}", OutsideText.plain(decision.email), OutsideText.plain(origin)))
            case .failed(let status):
                failed += 1
                try output.line(tr("{0}: failed: {1}", OutsideText.plain(decision.email), OutsideText.plain(status)))
            case nil: open += 1
            }
        }
        try output.flush()
        Notice.line(tr("By this evidence {0} count as sent and {1} as failed; {2} stay in doubt.", sent, failed, open))
    }
}
