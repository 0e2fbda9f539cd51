import Clock
import Foundation
import GRDB
import Testing

@testable import Queue

@Suite struct SearchTests {
    private func found(_ bed: Bed, _ text: String, _ id: Int64, state: RecipientState? = nil) throws -> [String] {
        var emails: [String] = []
        try bed.queue.searchRecipients(text, campaign: id, state: state) { emails += $0.map(\.email) }
        return emails
    }

    private func log(_ bed: Bed, _ text: String, _ id: Int64? = nil) throws -> [Int64] {
        var ids: [Int64] = []
        try bed.queue.searchAttempts(text, campaign: id) { ids += $0.map(\.id) }
        return ids
    }

    private func settle(_ runner: Runner, _ outcome: AttemptOutcome, _ reply: String) async throws {
        let attempt = try #require(try await runner.beginNext().attempt)
        _ = try await runner.exchange(
            settle: [Settlement(attempt: attempt, outcome: outcome, code: 550, reply: reply)], begin: [])
    }

    @Test("addresses are found by any part of them, in their campaign, large and small letters alike")
    func addresses() async throws {
        let bed = try Bed()
        let id = try bed.campaign()
        let importer = try bed.queue.importer(for: id)
        for (line, email) in ["Anna.Lee@qq.com", "bob@vip.qq.com", "用户@例子.公司", "o'neil\"x@a.example"].enumerated() {
            try importer.add(bed.row(email, line: line + 2))
        }
        _ = try importer.finish()
        let other = try bed.campaign("other", recipients: 3, domain: "qq.com")
        #expect(try found(bed, "qq.com", id) == ["Anna.Lee@qq.com", "bob@vip.qq.com"])
        #expect(try found(bed, "anna.lee", id) == ["Anna.Lee@qq.com"])
        #expect(try found(bed, "NNA", id) == ["Anna.Lee@qq.com"])
        #expect(try found(bed, "例子", id) == ["用户@例子.公司"])
        #expect(try found(bed, "司", id) == ["用户@例子.公司"])
        #expect(try found(bed, "m", id) == ["Anna.Lee@qq.com", "bob@vip.qq.com", "o'neil\"x@a.example"])
        #expect(try found(bed, "l\"x", id) == ["o'neil\"x@a.example"])
        #expect(try found(bed, "p1@", other) == ["p1@qq.com"])
        #expect(try found(bed, "p1@", id) == [])
        #expect(try found(bed, "* OR x", id) == [])
        #expect(throws: QueueError.self) { try found(bed, "", id) }
    }

    @Test("replies are found as soon as they are settled, those that were in flight at the last search too")
    func replies() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 5)
        let runner = try await bed.runner(id)
        let open = try #require(try await runner.beginNext().attempt)
        try await settle(runner, .failed, "No such user here")
        try await settle(runner, .failed, "发送频率过高，请稍后再试")
        #expect(try log(bed, "NO SUCH") == [2])
        #expect(try log(bed, "频率") == [3])
        #expect(try log(bed, "mailbox full") == [])
        _ = try await runner.exchange(
            settle: [Settlement(attempt: open, outcome: .failed, reply: "Mailbox full")], begin: [])
        #expect(try log(bed, "mailbox full") == [1])
        #expect(try log(bed, "mailbox full", id + 1) == [])
        #expect(try log(bed, "p1@example.com") == [2])
        // A hit by address and by reply is one line; a search of recipients looks at the last answer.
        #expect(try log(bed, "e") == [1, 2, 3])
        #expect(try found(bed, "mailbox", id) == ["p0@example.com"])
        let failed = try found(bed, "example", id, state: .failed)
        #expect(failed == ["p0@example.com", "p1@example.com", "p2@example.com"])
    }

    @Test("what retention dropped is found no more, and a queue set back is indexed anew")
    func changes() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 3)
        let runner = try await bed.runner(id)
        let backup = bed.folder + "/backup"
        try bed.queue.backup(to: backup)
        try await settle(runner, .sent, "Queued as ABC")
        #expect(try log(bed, "queued as") == [1])
        bed.clock.advance(.seconds(8 * 86_400))
        try bed.queue.sweep(.standard, limits: []).finish()
        #expect(try log(bed, "queued as") == [])
        try await runner.stop()

        let place = bed.folder + "/back"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: backup, toPath: place + "/queue.sqlite3")
        for suffix in ["-search", "-search-wal"] where FileManager.default.fileExists(atPath: bed.path + suffix) {
            try FileManager.default.copyItem(atPath: bed.path + suffix, toPath: place + "/queue.sqlite3" + suffix)
        }
        let restored = try Queue.open(at: place + "/queue.sqlite3", access: .readWrite, clock: bed.clock)
        try restored.claim()
        let next = try await restored.startRunner(id, account: "qq", source: "default", limits: [], doubt: .hold)
        try await settle(next, .sent, "Another answer")
        var ids: [Int64] = []
        try restored.searchAttempts("another", campaign: nil) { ids += $0.map(\.id) }
        #expect(ids == [1])
    }

    @Test("the index is its owner's alone, can be deleted, and is not written by sending")
    func file() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 3)
        #expect(!FileManager.default.fileExists(atPath: bed.path + "-search"))
        #expect(try found(bed, "p1", id) == ["p1@example.com"])
        let mode = try FileManager.default.attributesOfItem(atPath: bed.path + "-search")[.posixPermissions] as? Int
        #expect(mode == 0o600)
        for suffix in ["-search", "-search-wal", "-search-shm"] {
            try? FileManager.default.removeItem(atPath: bed.path + suffix)
        }
        #expect(try found(bed, "p1", id) == ["p1@example.com"])
        let reader = try Queue.open(at: bed.path, access: .readOnly, clock: bed.clock)
        var emails: [String] = []
        try reader.searchRecipients("p2", campaign: id, state: nil) { emails += $0.map(\.email) }
        #expect(emails == ["p2@example.com"])
    }

    @Test("many pages come in order, and more than one batch is taken in")
    func many() throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 21_500)
        var numbers: [Int64] = []
        var taken = 0
        try bed.queue.searchRecipients("example", campaign: id, state: nil, progress: { taken = $0 }) {
            numbers += $0.map(\.id)
        }
        #expect(taken == 21_500)
        #expect(numbers.count == 21_500 && numbers == numbers.sorted())
        #expect(try found(bed, "p21499@", id) == ["p21499@example.com"])
    }
}
