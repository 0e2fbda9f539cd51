import Clock
import Foundation
import GRDB
import Testing

@testable import Queue

@Suite struct CampaignTests {
    @Test("orders lead where they must, and every other pair is refused")
    func transitions() {
        let legal: [CampaignState: [CampaignOrder: CampaignState]] = [
            .draft: [.start: .sending, .cancel: .cancelled, .refill: .draft],
            .sending: [
                .start: .sending, .pause: .paused, .resume: .sending, .cancel: .cancelled, .exhaust: .finished,
                .refill: .sending,
            ],
            .paused: [
                .pause: .paused, .resume: .sending, .cancel: .cancelled, .exhaust: .finished, .refill: .paused,
            ],
            .finished: [.start: .finished, .exhaust: .finished, .refill: .sending],
            .cancelled: [.cancel: .cancelled],
        ]
        for state in CampaignState.allCases {
            for order in CampaignOrder.allCases {
                let expected = legal[state]?[order]
                if let expected {
                    #expect((try? state.after(order)) == expected)
                } else {
                    #expect(throws: QueueError.illegalTransition(from: state, order: order)) { try state.after(order) }
                }
            }
        }
    }

    @Test("states and outcomes are the contract's words, and survive being stored")
    func words() {
        #expect(
            RecipientState.allCases.map(\.rawValue) == [
                "pending", "sending", "sent", "deferred", "failed", "suppressed", "in_doubt", "cancelled",
            ])
        for state in RecipientState.allCases { #expect(RecipientState(code: state.code) == state) }
        for state in CampaignState.allCases { #expect(CampaignState(code: state.code) == state) }
        for outcome in AttemptOutcome.allCases { #expect(AttemptOutcome(code: outcome.code) == outcome) }
        for scope in LimitScope.allCases { #expect(LimitScope(code: scope.code) == scope) }
    }

    @Test("what was frozen comes back byte for byte")
    func stored() throws {
        let bed = try Bed()
        let limits = [Limit(scope: .domain, key: "qq.com", count: 5, per: .seconds(60))]
        let draft = CampaignDraft(
            name: "春天", account: "qq", folder: "/f", columns: ["email", "名字", ""], content: [0, 255, 10],
            contentHash: "h", limits: limits, attachments: [StoredAttachment(hash: "x", bytes: [0, 1, 2])])
        let id = try bed.queue.create(draft).id
        let back = try #require(try bed.queue.campaign(named: "春天"))
        #expect(back.id == id && back.state == .draft && back.total == 0 && back.startedAt == nil)
        #expect(back.columns == draft.columns)
        #expect(back.content == draft.content)
        #expect(back.limits == limits)
        #expect(back.createdAt == bed.clock.now())
        #expect(try bed.queue.attachment(hash: "x") == [0, 1, 2])
        #expect(try bed.queue.attachment(hash: "y") == nil)
        #expect(throws: QueueError.campaignExists("春天")) { try bed.queue.create(draft) }
        #expect(try bed.queue.campaigns().map(\.name) == ["春天"])
    }

    @Test("an accepted change replaces the content, but not the columns of stored recipients")
    func freeze() throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 1)
        var draft = CampaignDraft(
            name: "spring", account: "other", columns: ["email", "name"], content: [9], contentHash: "new")
        try bed.queue.freeze(draft, for: id)
        #expect(try bed.queue.campaign(id: id)?.content == [9])
        #expect(try bed.queue.campaign(id: id)?.account == "other")
        draft.columns = ["name", "email"]
        draft.contentHash = "worse"
        #expect(throws: QueueError.columnsChanged(was: ["email", "name"], now: ["name", "email"])) {
            try bed.queue.freeze(draft, for: id)
        }
        #expect(try bed.queue.campaign(id: id)?.contentHash == "new")
    }

    @Test("an import counts new, known, duplicate and suppressed rows, and again only known ones")
    func importing() throws {
        let bed = try Bed()
        let id = try bed.campaign()
        let now = bed.clock.now()
        _ = try bed.queue.suppress([
            Suppression(key: "bad@example.com", reason: "complaint", since: now, by: "user"),
            Suppression(key: "*@spam.example", reason: "trap", since: now, by: "user"),
        ])
        let emails = [
            "A@example.com", "b@example.com", "a@EXAMPLE.com", "bad@example.com", "x@spam.example", "bad@example.com",
        ]
        func run() throws -> ImportCounts {
            let importer = try bed.queue.importer(for: id)
            for (line, email) in emails.enumerated() { try importer.add(bed.row(email, line: line + 2)) }
            return try importer.finish()
        }
        var expected = ImportCounts()
        expected.in = 6
        expected.new = 2
        expected.duplicate = 2
        expected.suppressed = 2
        #expect(try run() == expected)
        var again = ImportCounts()
        again.in = 6
        again.known = 6
        #expect(try run() == again)
        let stored = try bed.queue.recipients(id, state: nil, after: 0, limit: 10)
        #expect(stored.map(\.email) == ["A@example.com", "b@example.com", "bad@example.com", "x@spam.example"])
        #expect(stored.map(\.line) == [2, 3, 5, 6])
        #expect(stored.map(\.domain) == ["example.com", "example.com", "example.com", "spam.example"])
        let campaign = try #require(try bed.queue.campaign(id: id))
        #expect(campaign.total == 4 && campaign.tallies.suppressed == 2 && campaign.tallies.pending == 2)
        #expect(try bed.queue.verify(deep: true) == [])
    }

    @Test("an import over several batches counts a duplicate in another batch")
    func largeImport() throws {
        let bed = try Bed()
        let id = try bed.campaign()
        let counts = try bed.fill(id, Array(0..<40_000) + [0, 39_999])
        #expect(counts.new == 40_000 && counts.duplicate == 2 && counts.in == 40_002)
        #expect(try bed.tallies(id).pending == 40_000)
        // By key the second one would be p10.
        let first = try bed.queue.recipients(id, state: nil, after: 0, limit: 12)
        #expect(first.map(\.email) == (0..<12).map { "p\($0)@example.com" } && first.map(\.line) == Array(2..<14))
        #expect(try bed.queue.verify(deep: true) == [])
        let again = try bed.fill(id, [40_000, 7, 40_001, 40_000])
        #expect(again.new == 2 && again.known == 1 && again.duplicate == 1)
    }

    @Test("verify finds an address that leads to somebody else, and one that is missing")
    func strayAddress() throws {
        let bed = try Bed()
        _ = try bed.campaign(recipients: 3)
        func checks(deep: Bool) throws -> [String] { try bed.queue.verify(deep: deep).map(\.check) }
        try bed.queue.writeNow {
            try $0.db.execute(sql: "UPDATE recipient_key SET id = 99 WHERE key = 'p1@example.com'")
        }
        #expect(try checks(deep: false) == [] && checks(deep: true) == ["addresses"])
        try bed.queue.writeNow { try $0.db.execute(sql: "DELETE FROM recipient_key WHERE id = 99") }
        #expect(try checks(deep: false) == ["addresses"])
    }

    @Test("a campaign finishes with its last recipient, and new rows open it again")
    func finishes() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 2)
        let runner = try await bed.runner(id)
        #expect(try bed.queue.campaign(id: id)?.state == .sending)
        #expect(try bed.queue.campaign(id: id)?.startedAt == bed.clock.now())
        try await runner.settle(try #require(try await runner.beginNext().attempt), .sent)
        try await runner.settle(try #require(try await runner.beginNext().attempt), .inDoubt)
        #expect(try bed.queue.campaign(id: id)?.state == .sending)
        bed.clock.advance(.seconds(5))
        #expect(try bed.queue.settleInDoubt(id, as: .failed, emails: nil) == 1)
        let finished = try #require(try bed.queue.campaign(id: id))
        #expect(finished.state == .finished && finished.finishedAt == bed.clock.now())
        #expect(try await runner.status(RunnerStatus()).state == .finished)
        try bed.fill(id, 0..<2)
        #expect(try bed.queue.campaign(id: id)?.state == .finished)
        try bed.fill(id, 0..<3)
        let open = try #require(try bed.queue.campaign(id: id))
        #expect(open.state == .sending && open.finishedAt == nil)
        try await runner.settle(try #require(try await runner.beginNext().attempt), .failed)
        #expect(try bed.queue.retry(id, states: [.failed]) == 2)
        #expect(try bed.tallies(id).pending == 2)
        #expect(throws: QueueError.self) { try bed.queue.retry(id, states: [.sent]) }
        #expect(try bed.queue.verify(deep: true) == [])
    }

    @Test("a campaign without recipients is finished as soon as it starts")
    func empty() async throws {
        let bed = try Bed()
        let id = try bed.campaign()
        let runner = try await bed.runner(id)
        #expect(try await runner.lease(1).state == .finished)
    }

    @Test("a pause is obeyed by the next begin, what is in flight is settled, and a resume goes on")
    func pause() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 3)
        let runner = try await bed.runner(id)
        let leased = try await runner.lease(3).recipients
        let open = try #require(try await runner.exchange(settle: [], begin: [leased[0].request])[0].attempt)
        let other = try Queue.open(at: bed.path, access: .readWrite, clock: bed.clock)
        try other.pause(id, reason: "lunch")
        let answers = try await runner.exchange(
            settle: [Settlement(attempt: open, outcome: .sent)], begin: [leased[1].request])
        #expect(answers[0].halted == .paused)
        #expect(try await runner.status(RunnerStatus()).state == .paused)
        #expect(try bed.queue.campaign(id: id)?.reason == "lunch")
        await #expect(throws: QueueError.halted(.paused)) { _ = try await bed.runner(id) }
        try other.resume(id)
        #expect(try await runner.exchange(settle: [], begin: [leased[1].request])[0].attempt != nil)
        #expect(try bed.queue.campaign(id: id)?.reason == "")
    }

    @Test("an order is kept with its reason and with who gave it, and what was stored without a name has none")
    func orderedBy() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 3)
        try await bed.runner(id).stop()
        #expect(try bed.queue.lastOrder(id) == nil)
        try bed.queue.pause(id, reason: "lunch", by: "ann@desk")
        let pause = try #require(try bed.queue.lastOrder(id))
        #expect(pause.kind == "pause" && pause.by == "ann@desk" && pause.text == "lunch")
        #expect(pause.at == bed.clock.now())
        #expect(try bed.queue.campaign(id: id)?.reason == "lunch")
        bed.clock.advance(.seconds(10))
        try bed.queue.resume(id, by: "bob@shop")
        try await bed.runner(id).record("Something else.", kind: "note")
        #expect(try bed.queue.lastOrder(id).map { [$0.kind, $0.by, $0.text] } == ["resume", "bob@shop", "By order."])
        bed.clock.advance(.seconds(10))
        try bed.queue.cancel(id)
        #expect(try bed.queue.lastOrder(id).map { [$0.kind, $0.by] } == ["cancel", ""])
        let told = try #require(try bed.queue.spells(id)).spells.map(\.cause)
        #expect(told.contains(WaitCause(.paused, "lunch (ann@desk)")), "\(told)")
    }

    @Test("cancelling ends what waits; a message in flight is settled, but not tried again")
    func cancel() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 5)
        let runner = try await bed.runner(id)
        let one = try #require(try await runner.beginNext().attempt)
        let two = try #require(try await runner.beginNext().attempt)
        try await runner.settle(try #require(try await runner.beginNext().attempt), .deferred)
        try bed.queue.cancel(id, reason: "wrong list")
        #expect(try bed.tallies(id).cancelled == 3)
        _ = try await runner.exchange(
            settle: [Settlement(attempt: one, outcome: .sent), Settlement(attempt: two, outcome: .deferred)], begin: [])
        let tallies = try bed.tallies(id)
        #expect(tallies.cancelled == 4 && tallies.sent == 1 && tallies.total == 5)
        #expect(throws: QueueError.illegalTransition(from: .cancelled, order: .refill)) {
            try bed.queue.importer(for: id)
        }
        #expect(throws: QueueError.illegalTransition(from: .cancelled, order: .resume)) { try bed.queue.resume(id) }
        #expect(try bed.queue.verify(deep: true) == [])
    }

    @Test("an address suppressed after the import is not sent to", arguments: ["p0@example.com", "*@example.com"])
    func suppressedAtBegin(_ key: String) async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 1)
        let runner = try await bed.runner(id, limits: [Limit(scope: .source, count: 1, per: .seconds(60))])
        let entry = Suppression(key: key, reason: "asked", since: bed.clock.now(), by: "user")
        #expect(try bed.queue.suppress([entry, entry]) == 1)
        #expect(try await runner.beginNext().isSuppressed)
        #expect(try bed.queue.campaign(id: id)?.state == .finished)
        #expect(try bed.tallies(id).suppressed == 1)
        #expect(try bed.queue.attempts(nil, after: 0, limit: 1).isEmpty)
        #expect(try bed.queue.suppressions(after: "", limit: 5) == [entry])
        #expect(try bed.queue.unsuppress([key, "other"]) == 1)
        #expect(try bed.queue.isSuppressed(key: "p0@example.com") == nil)
    }
}
