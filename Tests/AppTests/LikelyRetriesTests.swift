import Clock
import Foundation
import Queue
import Testing

@testable import outpost

@Suite("waits that a forecast reckons with")
struct LikelyRetriesTests {
    private static let config = """
        [[account]]
        name = "qq"
        preset = "qq"
        user = "someone@qq.com"
        password_env = "NONE"
        from = "someone@qq.com"
        retry = "1m"
        [[retry]]
        reply = "greylisted"
        waits = "7m*3"
        [[retry]]
        scope = "domain"
        key = "slow.example"
        waits = "2h, 4h"
        """

    /// Answers so many of each domain with a text, in turn, and says by which waits the forecast goes, and in which shares.
    private func waits(_ answers: [(domain: String, reply: String?, count: Int)]) async throws -> [RetryShare] {
        let folder = NSTemporaryDirectory() + "likely-waits-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let queue = try Queue.open(at: folder + "/queue.sqlite3", access: .create)
        let campaign = try queue.create(
            CampaignDraft(name: "spring", account: "qq", columns: ["email"], content: [1], contentHash: "1"))
        let importer = try queue.importer(for: campaign.id)
        var replies: [String: String] = [:]
        for (index, answer) in answers.enumerated() {
            for number in 0..<answer.count {
                let email = "p\(index)-\(number)@\(answer.domain)"
                replies[email] = answer.reply
                try importer.add(
                    ImportRow(email: email, key: email, domain: answer.domain, fields: email, line: number + 2))
            }
        }
        _ = try importer.finish()
        let runner = try await queue.startRunner(
            campaign.id, account: "qq", source: "default", limits: [], doubt: .hold)
        for recipient in try await runner.lease(100).recipients {
            let begun = try await runner.exchange(
                settle: [],
                begin: [
                    BeginRequest(
                        recipient: recipient.id, server: "smtp.qq.com:465", messageID: "<\(recipient.id)@x>",
                        domain: recipient.domain)
                ])
            guard case .begun(let attempt) = begun[0] else { throw Failure(.internalError, "\(begun)") }
            let reply = replies[recipient.email]
            _ = try await runner.exchange(
                settle: [
                    Settlement(
                        attempt: attempt, outcome: reply == nil ? .sent : .deferred, code: reply == nil ? 250 : 450,
                        reply: reply ?? "ok", retryAt: SystemClock().now() + .seconds(3600))
                ], begin: [])
        }
        try await runner.stop()
        let config = try Config(
            TOMLFile(text: Self.config, path: folder + "/config.toml"), presets: PresetCatalogue(folder: ""))
        let stored = try #require(try queue.campaign(named: "spring"))
        let classifier = try config.retryClassifier()
        let likely = try config.likelyRetries(stored, in: queue, by: classifier)
        #expect(try config.pacing(for: stored, in: queue, by: classifier).retries == likely)
        #expect(try config.likelyRetries(stored, in: queue, by: nil) == [RetryShare(waits: [.seconds(60)])])
        return likely
    }

    @Test("while nobody was put off, the account's")
    func usual() async throws {
        #expect(try await waits([("a.example", nil, 3)]) == [RetryShare(waits: [.seconds(60)])])
    }

    @Test("in the shares in which those wait who were put off: by kind of refusal, by domain, or as usual")
    func shares() async throws {
        let grey = "Greylisted, please try again later"
        let greylisted = Array(repeating: Duration.seconds(420), count: 3)
        #expect(
            try await waits([("a.example", grey, 3), ("a.example", "Try later", 1), ("b.example", nil, 9)])
                == [RetryShare(waits: greylisted, share: 0.75), RetryShare(waits: [.seconds(60)], share: 0.25)])
        let slow = RetryShare(waits: [.seconds(7_200), .seconds(14_400)], share: 0.6)
        #expect(
            try await waits([("a.example", grey, 2), ("slow.example", "Try later", 3)])
                == [slow, RetryShare(waits: greylisted, share: 0.4)])
    }
}
