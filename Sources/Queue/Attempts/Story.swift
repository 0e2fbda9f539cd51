import Clock
import GRDB

/// What the queue knows of one address in one campaign.
public struct Story: Sendable {
    public let campaign: Campaign
    public let recipient: RecipientRecord
    /// Oldest first.
    public let attempts: [AttemptRecord]
    /// What was decided about those in doubt, by attempt.
    public let verdicts: [Int64: DoubtVerdict]
    /// Somebody's orders about the campaign's recipients (retry, settle, recovery), oldest first; as many as the last
    /// hundred events hold.
    public let orders: [EventRecord]
    /// The last order to pause, resume or cancel the campaign.
    public let campaignOrder: EventRecord?
    /// Live processes that send the campaign.
    public let runners: [RunnerRecord]
}

extension Queue {
    /// One address's way through every campaign that has it, newest campaign first.
    /// - Parameter key: the address, normalised.
    public func stories(key: String) throws -> [Story] {
        try recipients(key: key).compactMap { name, recipient in
            guard let campaign = try campaign(named: name) else { return nil }
            let orders = try events(campaign.id, limit: 100).filter {
                ["retry", "settle", "recovery"].contains($0.kind)
            }
            let attempts = try attempts(recipient: recipient.id)
            return Story(
                campaign: campaign, recipient: recipient, attempts: attempts, verdicts: try verdicts(of: attempts),
                orders: orders.sorted { $0.id < $1.id }, campaignOrder: try lastOrder(campaign.id),
                runners: try runners(campaign.id))
        }
    }

    /// One look-up by primary key for each attempt that ended in doubt.
    private func verdicts(of attempts: [AttemptRecord]) throws -> [Int64: DoubtVerdict] {
        try read { db, _ in
            var found: [Int64: DoubtVerdict] = [:]
            for attempt in attempts where attempt.outcome == .inDoubt {
                let row = try Row.fetchOne(
                    db, sql: "SELECT decision, at, evidence FROM decision WHERE attempt = ?", arguments: [attempt.id])
                guard let row, let decision = DoubtDecision(code: row[0]) else { continue }
                found[attempt.id] = DoubtVerdict(
                    decision: decision, at: Timestamp(microseconds: row[1]), stored: row[2])
            }
            return found
        }
    }

    /// Addresses of any campaign that begin as `key` does, for whoever mistyped one: its neighbours in the index.
    /// - Parameter limit: at most so many a campaign and side.
    public func neighbours(of key: String, limit: Int) throws -> [String] {
        try read { db, _ in
            var found: Set<String> = []
            // Two short walks over recipient_key a campaign.
            for campaign in try Int64.fetchAll(db, sql: "SELECT id FROM campaign ORDER BY id DESC LIMIT 100") {
                let head = String(key.prefix(2))
                for (sql, bound) in [
                    ("key >= ?2 ORDER BY key", key), ("key < ?2 ORDER BY key DESC", key),
                    ("key >= ?2 ORDER BY key", head),
                ] {
                    found.formUnion(
                        try String.fetchAll(
                            db, sql: "SELECT key FROM recipient_key WHERE campaign = ?1 AND \(sql) LIMIT ?3",
                            arguments: [campaign, bound, limit]))
                }
            }
            return found.sorted()
        }
    }
}
