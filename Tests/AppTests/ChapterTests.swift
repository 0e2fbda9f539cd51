import Clock
import Foundation
import Queue
import Sender
import Testing

@testable import outpost

@Suite("What explain tells of one recipient")
struct ChapterTests {
    private let clock = ManualClock()
    private let queue: Queue
    private let campaign: Int64
    private let folder = NSTemporaryDirectory() + "chapter-\(UUID().uuidString)"

    init() throws {
        queue = try Queue.open(at: folder + "/queue.sqlite3", access: .create, clock: clock)
        campaign = try queue.create(
            CampaignDraft(name: "c", account: "a", columns: ["email"], content: [], contentHash: "h")
        ).id
        let importer = try queue.importer(for: campaign)
        let email = "a@example.com"
        try importer.add(ImportRow(email: email, key: email, domain: "example.com", fields: email, line: 2))
        _ = try importer.finish()
    }

    private func attempt(_ outcome: AttemptOutcome, doubt: DoubtPolicy = .hold) async throws {
        let runner = try await queue.startRunner(campaign, account: "a", source: "default", limits: [], doubt: doubt)
        let leased = try #require(try await runner.lease(1).recipients.first)
        let request = BeginRequest(
            recipient: leased.id, server: "smtp.example.com:465", messageID: "<1@x>", domain: "example.com")
        guard case .begun(let attempt)? = try await runner.exchange(settle: [], begin: [request]).first else {
            Issue.record("not begun")
            return
        }
        _ = try await runner.exchange(
            settle: [Settlement(attempt: attempt, outcome: outcome, code: 250, enhanced: "2.0.0", reply: "queued")],
            begin: [])
        try await runner.stop()
    }

    private func chapter() throws -> StoryChapter {
        StoryChapter(
            try #require(try queue.stories(key: "a@example.com").first), host: nil, retry: nil, isListed: false,
            full: [],
            ReplyClassifier(rules: []), now: clock.now())
    }

    @Test("once retention has taken the texts out, it says so, and the log has null for them")
    func retired() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await attempt(.sent)
        let fresh = try chapter()
        #expect(fresh.sentences[1].contains("to smtp.example.com:465. The server took it: 250 2.0.0 queued"))
        #expect(LogCommand.json(fresh.story.attempts[0]).line.contains("\"retired\":false"))
        clock.advance(.seconds(8 * 86_400))
        let sweep = queue.sweep(.standard, limits: [])
        while try await sweep.step() {}
        let old = try chapter()
        #expect(
            old.sentences[1].hasSuffix(
                "over account a and source default. The server took it (250 2.0.0). Server and answer are no longer kept ([retention])."
            ), "\(old.sentences[1])")
        let line = LogCommand.json(old.story.attempts[0]).line
        for part in ["\"server\":null", "\"message_id\":null", "\"reply\":null", "\"tls\":null", "\"retired\":true"] {
            #expect(line.contains(part), "\(line)")
        }
        #expect(old.story.recipient.messageID == nil)
    }

    @Test("by which policy a doubt was decided, and when")
    func policy() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await attempt(.inDoubt, doubt: .assumeSent)
        let chapter = try chapter()
        #expect(
            chapter.sentences[1].contains("that this counts as sent, by the policy assume-sent."),
            "\(chapter.sentences)")
        #expect(chapter.sentences.last == "It is done: a recipient is sent a campaign once.")
        #expect(chapter.json.line.contains("\"decision\":\"sent\",\"evidence\":null,\"policy\":\"assume-sent\""))
    }
}
