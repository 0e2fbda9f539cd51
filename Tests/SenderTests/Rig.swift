import Clock
import Foundation
import Mail
import PostOffice
import Queue
import Sender
import Synchronization
import Testing

/// A post office on loopback, a queue on disk, and a campaign in it.
final class Rig: Sendable {
    let folder: String
    let office: PostOffice
    let queue: Queue
    let campaign: Campaign
    let plan: MessagePlan

    init(
        _ script: String = "", people: Int = 20, domain: String = "test.example",
        _ change: (inout PostOfficeOptions) -> Void = { _ in }
    ) throws {
        folder = NSTemporaryDirectory() + "outpost-sender-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var options = PostOfficeOptions()
        options.script = try Script(script)
        options.log = folder + "/office.log"
        options.anchorFile = folder + "/ca.pem"
        change(&options)
        office = try PostOffice(options)
        office.start()
        queue = try Queue.open(at: folder + "/home/queue.sqlite3", access: .create)
        let content = CampaignContent(
            from: "Shop <shop@example.com>", subject: "Hello {{name}}", text: "Dear {{name}},\n\n.leading dot\n")
        plan = try MessagePlan(content, columns: ["email", "name"])
        campaign = try queue.create(
            CampaignDraft(
                name: "c", account: "a", columns: ["email", "name"], content: content.encoded(),
                contentHash: content.hash))
        let importer = try queue.importer(for: campaign.id)
        for index in 0..<people {
            let email = "p\(index)@\(domain)"
            try importer.add(
                ImportRow(email: email, key: email, domain: domain, fields: "\(email)\u{1F}名字\(index)", line: index + 2)
            )
        }
        _ = try importer.finish()
    }

    deinit {
        office.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func account(_ change: (inout Account) -> Void = { _ in }) -> Account {
        var account = Account(
            name: "a", host: "127.0.0.1", port: office.port, tls: .none, sessions: 3,
            retry: RetrySchedule([.milliseconds(50), .milliseconds(50)]),
            timeouts: Timeouts(connect: .seconds(5), reply: .seconds(5), final: .seconds(5)))
        account.limits = [Limit(scope: .source, count: 1_000_000, per: .seconds(1))]
        change(&account)
        return account
    }

    func send(
        _ options: SendOptions = SendOptions(wait: true), rules: [ReplyRule] = [],
        _ change: (inout Account) -> Void = { _ in }
    ) async throws -> Ending {
        try await Dispatcher(
            queue: queue, campaign: campaign, account: account(change), plan: plan,
            classifier: ReplyClassifier(rules: rules), options: options
        ).run()
    }

    var tallies: Tallies { get throws { try queue.campaign(id: campaign.id)!.tallies } }
    var log: [AttemptRecord] { get throws { try queue.attempts(campaign.id, after: 0, limit: 100_000) } }

    /// What the post office wrote down.
    func events() throws -> [[String: Any]] {
        let text = try String(contentsOfFile: folder + "/office.log", encoding: .utf8)
        return try text.split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
    }

    /// Recipients of messages the post office took, one entry a time.
    func accepted() throws -> [String] {
        try events().filter { $0["event"] as? String == "accepted" }.compactMap { $0["to"] as? String }
    }
}
