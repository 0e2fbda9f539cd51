import Clock
import Mail
import Queue

/// One recipient's message made from the folder as it is now, outside the queue.
struct SampleMessage {
    let plan: MessagePlan
    let person: String
    let fields: String

    /// The first recipient of the list, or the one with this address.
    /// - Throws: `Failure` (66 for an address that is not in the list, 65 for a list without one), `ContentError`, `CSVError`.
    init(_ file: CampaignFile, account: AccountSettings?, of address: String?) throws {
        var rows = try RecipientRows(path: file.recipients)
        let (content, stored) = try file.content(account: account)
        plan = try FrozenMessage.plan(content, columns: rows.columns, folder: file.folder) { hash in
            stored.first { $0.hash == hash }?.bytes
        }
        let wanted = try address.map { text in
            do { return try Mailbox.key(of: text) } catch { throw Failure(.usage, "\(text): " + told("\(error)")) }
        }
        while let row = try rows.next() {
            guard case .good(let person) = row else { continue }
            if let wanted, person.key != wanted { continue }
            self.person = person.email
            fields = person.fields
            return
        }
        throw Failure(
            address == nil ? .badData : .notFound,
            address.map { tr("{0} is not in {1}.", $0, file.recipients) }
                ?? tr("{0} holds no recipients.", file.recipients))
    }

    /// What goes out, to the recipient or to somebody else.
    func input(to address: String? = nil) -> RenderInput {
        let now = SystemClock().now()
        let domain = plan.envelopeFrom.split(separator: "@").last.map(String.init) ?? "localhost"
        return RenderInput(
            email: address ?? person, fields: fields,
            messageID: "<sample.\(String(now.microseconds, radix: 36))@\(domain)>", date: now)
    }
}
