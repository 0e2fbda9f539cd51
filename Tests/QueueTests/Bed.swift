import Clock
import Foundation
import Testing

@testable import Queue

/// A queue in a folder of its own, on a clock that stands still.
final class Bed: Sendable {
    let folder: String
    let clock: ManualClock
    let queue: Queue
    var path: String { folder + "/queue.sqlite3" }

    init(clock: ManualClock = ManualClock()) throws {
        folder = NSTemporaryDirectory() + "queue-tests-" + UUID().uuidString
        self.clock = clock
        queue = try Queue.open(at: folder + "/queue.sqlite3", access: .create, clock: clock)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func campaign(_ name: String = "spring", recipients count: Int = 0, domain: String = "example.com") throws -> Int64
    {
        let campaign = try queue.create(
            CampaignDraft(
                name: name, account: "qq", folder: "/tmp/spring", columns: ["email", "name"], content: [1, 2, 3],
                contentHash: "abc"))
        if count > 0 { _ = try fill(campaign.id, 0..<count, domain: domain) }
        return campaign.id
    }

    @discardableResult
    func fill(_ campaign: Int64, _ numbers: some Sequence<Int>, domain: String = "example.com") throws -> ImportCounts {
        let importer = try queue.importer(for: campaign)
        for number in numbers { try importer.add(row("p\(number)@\(domain)", line: number + 2)) }
        return try importer.finish()
    }

    func row(_ email: String, line: Int = 2) -> ImportRow {
        ImportRow(
            email: email, key: email.lowercased(), domain: String(email.split(separator: "@").last ?? "").lowercased(),
            fields: email + "\u{1F}Name", line: line)
    }

    func runner(
        _ campaign: Int64, limits: [Limit] = [], source: String = "default", doubt: DoubtPolicy = .hold,
        refusals: Double? = nil
    ) async throws -> Runner {
        try await queue.startRunner(
            campaign, account: "qq", source: source, limits: limits, doubt: doubt, refusals: refusals)
    }

    /// A runner whose last reference went is over when the thread that ran its last step has let go of it, too.
    func untilRunners(are count: Int) async throws {
        for _ in 0..<1000 where try queue.runners(nil).count != count { try await Task.sleep(for: .milliseconds(10)) }
    }

    /// The file and its log as they lie there now, opened as after a crash of the whole machine.
    func crashedCopy(clock: ManualClock? = nil) throws -> Queue {
        let copy = folder + "/" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + "/queue.sqlite3" + suffix)
        }
        return try Queue.open(at: copy + "/queue.sqlite3", access: .readWrite, clock: clock ?? self.clock)
    }

    func tallies(_ campaign: Int64) throws -> Tallies { try #require(try queue.campaign(id: campaign)).tallies }
}

extension LeasedRecipient {
    var request: BeginRequest {
        BeginRequest(recipient: id, server: "smtp.qq.com:465", messageID: "<\(id)@example.com>", domain: domain)
    }
}

extension BeginAnswer {
    var attempt: Int64? { if case .begun(let attempt) = self { attempt } else { nil } }
    var isGone: Bool { if case .gone = self { true } else { false } }
    var isSuppressed: Bool { if case .suppressed = self { true } else { false } }
    var halted: CampaignState? { if case .halted(let state) = self { state } else { nil } }
    var cappedUntil: Timestamp? { if case .capped(_, _, let until) = self { until } else { nil } }
}

extension Runner {
    /// Leases one recipient and begins it.
    func beginNext() async throws -> BeginAnswer {
        let leased = try #require(try await lease(1).recipients.first)
        let answer = try #require(try await exchange(settle: [], begin: [leased.request]).first)
        switch answer {
        case .capped, .claimed: try await release([leased.id])
        default: break
        }
        return answer
    }

    func settle(_ attempt: Int64, _ outcome: AttemptOutcome, retryAt: Timestamp? = nil) async throws {
        _ = try await exchange(
            settle: [Settlement(attempt: attempt, outcome: outcome, code: 250, reply: "OK", retryAt: retryAt)],
            begin: [])
    }
}

/// A generator that can be run again: its seed is printed with the failure.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed &+ 0x9E37_79B9_7F4A_7C15 }
    mutating func next() -> UInt64 {
        // splitmix64
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
