import Clock
import Mail
import Queue

/// A campaign folder looked through before anything is sent: every message rendered once.
struct Review {
    /// Errors stop a send or lose somebody; warnings are for a person to judge.
    private(set) var errors: [String] = []
    private(set) var warnings: [String] = []
    private(set) var people = 0
    private(set) var rejected = 0
    private(set) var duplicates = 0
    private(set) var smallest = Int.max
    private(set) var largest = 0
    private(set) var bytes = 0
    private(set) var attachmentSize = 0
    private var unlisted = 0

    /// Findings named one by one; the rest is counted.
    private static let named = 10
    /// Servers commonly refuse more, and readers on the road curse it.
    private static let largeMessage = 10_000_000

    /// - Throws: `Failure`, `CSVError` when the folder cannot be looked through at all.
    init(_ file: CampaignFile, account: AccountSettings) throws {
        var rows = try RecipientRows(path: file.recipients)
        let (content, stored) = try file.content(account: account)
        let plan: MessagePlan
        do {
            plan = try FrozenMessage.plan(content, columns: rows.columns, folder: file.folder) { hash in
                stored.first { $0.hash == hash }?.bytes
            }
        } catch let error as ContentError {
            errors = error.faults.map { told($0.description) }
            return
        }
        attachmentSize = plan.attachmentSize
        let placeholders = Self.hasPlaceholders(content)
        // Hashes, not addresses: enough to count duplicates, and a tenth of the memory.
        var keys: Set<Int> = []
        var seen: [UInt64: (line: Int, fields: String)] = [:]
        let date = SystemClock().now()
        while let row = try rows.next() {
            switch row {
            case .rejected(let line, let reason, _):
                rejected += 1
                warn(tr("line {0}: {1}", "\(line)", told(reason)))
            case .good(let person):
                guard keys.insert(person.key.hashValue).inserted else {
                    duplicates += 1
                    continue
                }
                people += 1
                do {
                    let message = try plan.render(
                        RenderInput(
                            email: person.email, fields: person.fields, messageID: "check@outpost.invalid", date: date))
                    measure(message.size)
                    if placeholders, person.fields.utf8.count < 4096 { alike(person, message.hash, &seen) }
                } catch { fail(tr("line {0}: {1}", "\(person.line)", told("\(error)"))) }
            }
        }
        conclude(file)
    }

    private mutating func measure(_ size: Int) {
        smallest = min(smallest, size)
        largest = max(largest, size)
        bytes += size
    }

    /// Two rows that differ should not read the same when the message has placeholders (LESSONS: one name to everybody).
    private mutating func alike(
        _ person: ImportRow, _ hash: UInt64, _ seen: inout [UInt64: (line: Int, fields: String)]
    ) {
        guard let other = seen[hash] else {
            // A sample is enough to find a template that says the same to all, and keeps memory flat.
            if seen.count < 100_000 { seen[hash] = (person.line, person.fields) }
            return
        }
        if other.fields != person.fields {
            warn(tr("lines {0} and {1} differ and get the very same message", "\(other.line)", "\(person.line)"))
        }
    }

    private mutating func conclude(_ file: CampaignFile) {
        if people == 0, errors.isEmpty { errors.append(tr("{0} holds no recipients.", file.recipients)) }
        if largest > Self.largeMessage {
            warn(
                tr("the largest message has {0}; many servers refuse more than 10 to 50 MB", NumberText.bytes(largest)))
        }
        if file.unsubscribe == nil {
            warn(tr("no unsubscribe link; large providers want one in mail to many (unsubscribe = { url = … })"))
        }
        if unlisted > 0 { warnings.append(tr("and {0} more", "\(unlisted)")) }
    }

    private mutating func warn(_ text: String) {
        if warnings.count < Self.named { warnings.append(text) } else { unlisted += 1 }
    }

    private mutating func fail(_ text: String) {
        if errors.count < Self.named { errors.append(text) } else { unlisted += 1 }
    }

    private static func hasPlaceholders(_ content: CampaignContent) -> Bool {
        [content.subject, content.text, content.html, content.markdown].contains { $0?.contains("{{") ?? false }
    }
}
