import Clock
import Mail
import Queue
import Sender

/// One recipient's whole story, over all campaigns.
struct StoryReport {
    let email: String
    let suppression: Suppression?
    let chapters: [StoryChapter]
    private let now: Timestamp

    /// - Throws: `Failure` (66) when no campaign and no list has the address, with what was perhaps meant.
    init(
        _ mailbox: Mailbox, _ queue: Queue?, _ config: Config, _ classifier: ReplyClassifier,
        now: Timestamp = SystemClock().now()
    ) throws {
        guard let queue else {
            throw Failure(
                .notFound, tr("{0} is in no campaign.", mailbox.address),
                next: tr("There are none yet. To write a folder to start from, type: outpost new DIR"))
        }
        email = mailbox.address
        self.now = now
        suppression = try queue.isSuppressed(key: mailbox.key)
        let isListed = suppression != nil
        chapters = try queue.stories(key: mailbox.key).map { story in
            let waits = story.recipient.state == .pending || story.recipient.state == .deferred
            let uses =
                waits
                ? try queue.limitUse(
                    config.limits(for: story.campaign), account: story.campaign.account,
                    source: config.source(for: story.campaign), domains: [story.recipient.domain],
                    campaign: story.campaign.id) : []
            let account = config.accounts.first { $0.name == story.campaign.account }
            return StoryChapter(
                story, host: account?.host,
                retry: account.map { account in
                    { config.retry(account, campaign: story.campaign.name, domain: story.recipient.domain, $0) }
                },
                isListed: isListed, full: uses.filter { $0.used >= $0.count }, classifier, now: now)
        }
        guard chapters.isEmpty, suppression == nil else { return }
        let near = try queue.neighbours(of: mailbox.key, limit: 300)
        let words = near.map { ($0, Suggestion.distance(Array($0.utf8), Array(mailbox.key.utf8))) }
            .filter { $0.1 <= 3 }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.prefix(3).map(\.0)
        throw Failure(
            .notFound, tr("{0} is in no campaign.", mailbox.address),
            next: words.isEmpty ? nil : tr("Did you mean {0}?", words.joined(separator: ", ")))
    }

    var json: JSONText {
        var object = JSONText()
        object.add("email", email)
        object.add(
            "suppressed",
            suppression.map { entry in
                var object = JSONText()
                object.add("key", entry.key)
                object.add("reason", entry.reason)
                object.add("since", entry.since)
                object.add("by", entry.by)
                return object
            })
        object.add("campaigns", chapters.map(\.json))
        return object
    }

    func text() -> String { lines.joined(separator: "\n") + "\n" }

    /// The address, then chapter by chapter; sentences are indented. Nothing in it acts on a terminal.
    var lines: [String] {
        var lines = [email]
        if let suppression {
            let when = TimeText.moment(suppression.since, now: now)
            lines.append(
                suppression.key.hasPrefix("*@")
                    ? tr(
                        "Never mailed: the domain {0} is on the suppression list since {1} ({2}, by {3}).",
                        String(suppression.key.dropFirst(2)), when, suppression.reason, suppression.by)
                    : tr(
                        "Never mailed: it is on the suppression list since {0} ({1}, by {2}).", when,
                        suppression.reason,
                        suppression.by))
        } else {
            lines.append(tr("It is not on the suppression list."))
        }
        for chapter in chapters {
            lines.append("")
            lines.append("\(chapter.story.campaign.name): \(CampaignStatus.word(chapter.story.recipient.state))")
            lines += chapter.sentences.map { "  " + $0 }
        }
        return lines.map(OutsideText.plain)
    }
}
