import Clock
import Mail
import Queue

/// Every message still to be sent of a campaign in the queue, rendered once and thrown away.
struct Rehearsal {
    private(set) var people = 0
    private(set) var bytes = 0
    private(set) var errors: [String] = []

    /// - Throws: `QueueError`.
    init(_ campaign: Campaign, _ plan: MessagePlan, in queue: Queue) throws {
        let date = SystemClock().now()
        for state in [RecipientState.pending, .deferred] {
            var last: Int64 = 0
            while true {
                let page = try queue.recipients(campaign.id, state: state, after: last, limit: 1000)
                for person in page {
                    people += 1
                    do {
                        bytes += try plan.render(
                            RenderInput(
                                email: person.email, fields: person.fields, messageID: "check@outpost.invalid",
                                date: date)
                        ).size
                    } catch  where errors.count < 10 {
                        errors.append("\(person.email): " + told("\(error)"))
                    }
                }
                guard let end = page.last, page.count == 1000 else { break }
                last = end.id
            }
        }
    }
}
