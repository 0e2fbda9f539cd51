import Queue
import Sender

extension Config {
    /// Of the last attempts so many are looked at.
    private static let lookedAt = 300

    /// The reply rules for `likelyRetries`, to be read once a command; nil where no `[[retry]]` asks for them.
    /// - Throws: `Failure` (78) for a reply rule that cannot be read.
    func retryClassifier() throws -> ReplyClassifier? {
        retries.isEmpty ? nil : ReplyClassifier(rules: try ReplyRules.load(folder: FilePath.parent(path)))
    }

    /// By which waits those will be tried again who are put off: in the shares in which those were who were put off lately,
    /// by the `[[retry]]` for their domain and kind of refusal. While nobody was, the campaign's usual ones.
    /// - Parameter classifier: as `retryClassifier()` made it; it is asked every other second while a campaign is sent.
    /// - Throws: `QueueError`.
    func likelyRetries(_ campaign: Campaign, in queue: Queue, by classifier: ReplyClassifier?) throws -> [RetryShare] {
        let account = accounts.first { $0.name == campaign.account }
        let usual = [RetryShare(waits: usualWaits(account, campaign: campaign.name))]
        guard let account, let classifier, !retries.isEmpty else { return usual }
        let putOff = try queue.latestAttempts(campaign.id, limit: Self.lookedAt).filter { $0.outcome == .deferred }
        guard !putOff.isEmpty else { return usual }
        var votes: [String: Int] = [:]
        for attempt in putOff {
            let domain = attempt.email.split(separator: "@").last.map { $0.lowercased() } ?? ""
            let verdict = classifier.verdict(on: attempt, host: account.host)
            votes[retry(account, campaign: campaign.name, domain: domain, verdict).waits, default: 0] += 1
        }
        // The most frequent first, and in one order whatever the dictionary's.
        return votes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { waits, count in
            RetryShare(waits: DurationText.waits(waits) ?? [], share: Double(count) / Double(putOff.count))
        }
    }
}

extension ReplyClassifier {
    /// What an answer in the log means; nil for one that is none (a lost connection), and for consent.
    /// - Parameter host: the account's server; nil takes the one that answered.
    func verdict(on attempt: AttemptRecord, host: String?) -> Verdict? {
        guard let code = attempt.code, code >= 400 else { return nil }
        let server = attempt.server.split(separator: ":").dropLast().joined(separator: ":")
        return judge(
            Reply(code: code, enhanced: attempt.enhanced, text: attempt.reply ?? ""),
            host: host ?? (server.isEmpty ? attempt.server : server), at: .rcpt)
    }
}
