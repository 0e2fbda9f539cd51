import Dispatch
import Queue
import Synchronization

/// Reads people on a thread of its own, so that neither keys nor figures wait for a search.
///
/// A search for a newer question ends the one that runs, at its next page or batch of the index.
final class PeopleDesk: Sendable {
    /// The list that was asked for last, used on the desk's own queue only.
    private struct Open {
        var query: PeopleQuery
        var ticket: Int
        var reader: RecipientReader
    }
    private struct Outdated: Error {}

    private let source: any ConsoleSource
    private let inbox: Inbox
    private let queue = DispatchQueue(label: "console.people")
    private let open = Mutex<Open?>(nil)
    /// The newest question about a list.
    private let wanted = Atomic<Int>(0)

    /// How long to wait for the next letter, in milliseconds: what is not finished is seldom worth a search.
    private static let pause = 60

    init(source: any ConsoleSource, inbox: Inbox) {
        self.source = source
        self.inbox = inbox
    }

    /// What runs ends soon, and nothing more is answered.
    func stop() { wanted.store(.max, ordering: .relaxed) }

    func answer(_ request: PeopleRequest) {
        switch request {
        case .page(let ticket, let query, let place, let backwards, let isTyped):
            wanted.store(ticket, ordering: .relaxed)
            let work: @Sendable () -> Void = { [self] in
                list(ticket, query) { reader in
                    let page = try reader.page(from: place, backwards: backwards, limit: PeopleList.page)
                    return .page(ticket, rows: page.rows.map(PersonRow.init), next: page.next, backwards: backwards)
                }
            }
            if isTyped {
                queue.asyncAfter(deadline: .now() + .milliseconds(Self.pause), execute: work)
            } else {
                queue.async(execute: work)
            }
        case .again(let ticket, let query, let limit):
            queue.async { [self] in
                list(ticket, query) { reader in
                    let page = try reader.page(limit: limit)
                    return .again(ticket, rows: page.rows.map(PersonRow.init), next: page.next)
                }
            }
        case .rows(let ticket, let campaign, let ids):
            queue.async { [self] in
                guard ticket == wanted.load(ordering: .relaxed),
                    let found = try? source.people(campaign, ids: ids)
                else { return }
                // Where a row stands in its list is known to the screen.
                inbox.post(.people(.rows(ticket, found.map { PersonRow($0, at: nil) })))
            }
        case .story(_, let email):
            queue.async { [self] in
                do {
                    inbox.post(.people(.story(email: email, try source.story(email))))
                } catch {
                    inbox.post(.people(.failed(nil, told("\(error)"))))
                }
            }
        }
    }

    /// Answers a question about a list with the reader that is open for it; the index catches up once a list.
    private func list(_ ticket: Int, _ query: PeopleQuery, _ body: (RecipientReader) throws -> PeopleAnswer) {
        do {
            try check(ticket)
            let answer = try open.withLock { open in
                if open?.ticket != ticket || open?.query != query {
                    open = nil
                    let reader = try source.people(query) { taken in
                        try check(ticket)
                        inbox.post(.people(.progress(ticket, taken)))
                    }
                    open = Open(query: query, ticket: ticket, reader: reader)
                }
                guard let reader = open?.reader else { throw Outdated() }
                return try body(reader)
            }
            try check(ticket)
            inbox.post(.people(answer))
        } catch is Outdated {
            return
        } catch {
            inbox.post(.people(.failed(ticket, told("\(error)".firstLine))))
        }
    }

    private func check(_ ticket: Int) throws {
        if wanted.load(ordering: .relaxed) != ticket { throw Outdated() }
    }
}

extension PersonRow {
    init(_ line: (place: RecipientPlace, recipient: RecipientRecord)) { self.init(line.recipient, at: line.place) }

    init(_ record: RecipientRecord, at place: RecipientPlace?) {
        let words = record.code == nil ? record.reply.map(told) : record.reply
        var reply = [record.code.map(String.init), record.enhanced, words].compactMap(\.self).joined(
            separator: " ")
        if let doubt = record.doubt {
            let why = doubt.cause == .processEnded ? tr("the sending process ended before the answer") : reply
            reply = "\(why) (\(doubt.server))"
        }
        self.init(
            id: record.id, place: place, email: record.email, state: record.state, tries: record.attempts,
            next: record.nextAttempt, answered: record.answered, reply: reply)
    }
}
