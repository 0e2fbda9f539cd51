import Clock
import IMAP
import Queue

/// `[in_doubt] evidence = "mailbox"`: before a campaign is sent on, the account's mailbox is asked about those in doubt,
/// and the policy decides only about those of a dead process whom it does not know.
struct DoubtBeforeSending {
    let queue: Queue
    let campaign: Campaign
    let config: Config
    let policy: DoubtPolicy

    /// A mailbox that cannot be asked stops nothing: then everybody in doubt is held.
    /// - Throws: `Failure` (78) for a mailbox that is not set up, `QueueError`.
    func settle() async throws {
        let start = SystemClock().now()
        _ = try queue.recoverDead(.hold, of: campaign.id)
        guard try Installation.campaign(campaign.name, in: queue).tallies.inDoubt > 0 else { return }
        do {
            let outcome = try await DoubtByEvidence(queue: queue, campaign: campaign, config: config).settle(
                [], looksIntoMailbox: true, DoubtByEvidence.Selection())
            EvidenceReport.summary(outcome)
        } catch let error as IMAPError {
            return Notice.line(
                tr("The mailbox could not be asked, so everybody in doubt is held: {0}", told(error.description)))
        }
        let decision: DoubtDecision
        switch policy {
        case .hold: return
        case .resend: decision = .resend
        case .assumeSent: decision = .sent
        }
        _ = try queue.settleInDoubt(campaign.id, as: decision, emails: nil, after: start)
    }
}
