import Clock
import Foundation
import GRDB
import Testing

@testable import Queue

@Suite struct RecipientReaderTests {
    /// All rows of a list, page by page from an end, as a person pages through it.
    private func all(_ bed: Bed, _ query: RecipientQuery, backwards: Bool = false, limit: Int = 3) throws -> [String] {
        let reader = try RecipientReader(bed.queue, query)
        var (place, emails): (RecipientPlace?, [String]) = (nil, [])
        for _ in 0..<1_000 {
            let page = try reader.page(from: place, backwards: backwards, limit: limit)
            #expect(page.rows.count <= limit)
            emails += page.rows.map(\.recipient.email)
            guard let next = page.next else { return backwards ? emails.reversed() : emails }
            place = next
        }
        Issue.record("a list without an end")
        return emails
    }

    /// A campaign between two others, some of whose people have been tried.
    private func campaign(_ bed: Bed) async throws -> Int64 {
        _ = try bed.campaign("before", recipients: 7)
        let id = try bed.campaign("it", recipients: 20)
        _ = try bed.campaign("after", recipients: 7)
        let runner = try await bed.runner(id)
        for outcome in [AttemptOutcome.sent, .failed, .deferred, .inDoubt, .failed, .deferred, .inDoubt] {
            let attempt = try #require(try await runner.beginNext().attempt)
            let retry = outcome == .deferred ? bed.clock.now() + .seconds(600 - Int(attempt) * 10) : nil
            _ = try await runner.exchange(
                settle: [
                    Settlement(
                        attempt: attempt, outcome: outcome, code: 450, enhanced: "4.2.0",
                        reply: "Mailbox \(attempt) of p1",
                        retryAt: retry)
                ], begin: [])
        }
        _ = try await runner.beginNext()
        return id
    }

    @Test(
        "a list read in pages is the list, whole and in one order, from either end",
        arguments: [nil] + RecipientState.allCases)
    func lists(_ state: RecipientState?) async throws {
        let bed = try Bed()
        let id = try await campaign(bed)
        let query = RecipientQuery(campaign: id, state: state)
        let whole = try bed.queue.recipients(id, state: state, after: 0, limit: 100).map(\.email)
        let paged = try all(bed, query)
        #expect(paged.sorted() == whole.sorted())
        #expect(try all(bed, query, backwards: true) == paged)
        #expect(try all(bed, query, limit: 1) == paged)
        if state != .deferred, state != .pending { #expect(paged == whole) }
    }

    @Test("deferred ones come in the order in which they are due")
    func due() async throws {
        let bed = try Bed()
        let id = try await campaign(bed)
        #expect(try all(bed, RecipientQuery(campaign: id, state: .deferred)) == ["p5@example.com", "p2@example.com"])
    }

    @Test(
        "a search gives those with it in the address, then those with it in the last answer, newest first, nobody twice"
    )
    func search() async throws {
        let bed = try Bed()
        let id = try await campaign(bed)
        for limit in [1, 3, 100] {
            let found = try all(bed, RecipientQuery(campaign: id, text: "p1"), limit: limit)
            #expect(Array(found.prefix(11)) == ["p1@example.com"] + (10..<20).map { "p\($0)@example.com" })
            #expect(
                Array(found.dropFirst(11)) == [
                    "p6@example.com", "p5@example.com", "p4@example.com", "p3@example.com", "p2@example.com",
                    "p0@example.com",
                ])
            #expect(try all(bed, RecipientQuery(campaign: id, text: "p1"), backwards: true, limit: limit) == found)
        }
        #expect(
            try all(bed, RecipientQuery(campaign: id, state: .inDoubt, text: "MAILBOX")) == [
                "p6@example.com", "p3@example.com",
            ])
        #expect(try all(bed, RecipientQuery(campaign: id, text: "nowhere")) == [])
        #expect(throws: QueueError.self) { try RecipientReader(bed.queue, RecipientQuery(campaign: id, text: "\u{1}")) }
    }

    @Test("a page with the last answer's code and time; rows asked for by id are as they stand now")
    func rows() async throws {
        let bed = try Bed()
        let id = try await campaign(bed)
        let page = try RecipientReader(bed.queue, RecipientQuery(campaign: id, state: .inDoubt)).page(limit: 10)
        let first = try #require(page.rows.first?.recipient)
        #expect(first.code == 450)
        #expect(first.enhanced == "4.2.0")
        #expect(first.answered != nil)
        _ = try bed.queue.settleInDoubt(id, as: .sent, emails: [first.email])
        let other = try bed.queue.recipients(1, state: nil, after: 0, limit: 1)[0]
        #expect(try bed.queue.recipients(id, ids: [first.id, other.id]).map(\.state) == [.sent])
    }

    @Test("what a search throws while the index catches up ends it, and the next one has it all")
    func cancelled() throws {
        struct Enough: Error {}
        let bed = try Bed()
        let id = try bed.campaign(recipients: 5)
        let query = RecipientQuery(campaign: id, text: "p3")
        #expect(throws: Enough.self) { try RecipientReader(bed.queue, query) { _ in throw Enough() } }
        #expect(try all(bed, query) == ["p3@example.com"])
    }

    @Test("no list scans, and none but those in flight are sorted", arguments: [nil] + RecipientState.allCases)
    func plans(_ state: RecipientState?) throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 5)
        try bed.queue.read { db, _ in
            for backwards in [false, true] {
                let (sql, bounds) = try RecipientReader.list(state, backwards, db, id, nil)
                for row in try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + sql, arguments: bounds.arguments) {
                    let detail: String = row["detail"]
                    #expect(!detail.hasPrefix("SCAN") || detail.contains("runner"), "\(detail) in \(sql)")
                    #expect(!detail.contains("TEMP B-TREE") || state == .sending, "\(detail) in \(sql)")
                }
            }
            for sql in RecipientReader.looks {
                let statement = try db.makeStatement(sql: "EXPLAIN QUERY PLAN " + sql)
                statement.setUncheckedArguments([1, 1])
                for row in try Row.fetchAll(statement) {
                    let detail: String = row["detail"]
                    #expect(!detail.hasPrefix("SCAN") || detail.contains("CONSTANT"), "\(detail) in \(sql)")
                }
            }
        }
    }
}
