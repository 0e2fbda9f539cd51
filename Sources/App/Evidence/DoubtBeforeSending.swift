import IMAP
import Queue

/// `[in_doubt] evidence = "mailbox"`: before a campaign is sent on, the account's mailbox is asked about those in doubt,
/// and the policy decides only about those whom it does not know.
struct DoubtBeforeSending {
    let queue: Queue
    let campaign: Campaign
    let config: Config
    let policy: DoubtPolicy

    /// Answers the policy for whoever is left. A mailbox that cannot be asked stops nothing: then everybody is held.
    /// - Throws: `Failure` (78) for a mailbox that is not set up, `QueueError`.
    func settle() async throws -> DoubtPolicy {
        _ = try queue.recoverDead(.hold, of: campaign.id)
        guard try Installation.campaign(campaign.name, in: queue).tallies.inDoubt > 0 else { return policy }
        do {
            let outcome = try await DoubtByEvidence(queue: queue, campaign: campaign, config: config).settle(
                [], looksIntoMailbox: true, DoubtByEvidence.Selection())
            EvidenceReport.summary(outcome)
        } catch let error as IMAPError {
            Notice.line(
                tr("The mailbox could not be asked, so everybody in doubt is held: {0}", told(error.description)))
            return .hold
        }
        return policy
    }
}
