import Clock
import Foundation
import GRDB
import Testing

@testable import Queue

/// Lost, copied, restored and moved queues: what is refused, and what a claim makes of the caps.
@Suite struct ClaimTests {
    private let limits = [
        Limit(scope: .source, count: 5, per: .seconds(3_600)),
        Limit(scope: .account, count: 100, per: .seconds(86_400)),
    ]

    /// A queue from which something was sent.
    private func used(_ count: Int = 2) async throws -> (Bed, Int64) {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 20)
        try await send(count, bed, id)
        return (bed, id)
    }

    private func send(_ count: Int, _ bed: Bed, _ id: Int64) async throws {
        let runner = try await bed.runner(id, limits: limits)
        for _ in 0..<count {
            try await runner.settle(try #require(try await runner.beginNext().attempt), .sent)
        }
        try await runner.stop()
    }

    private func open(_ path: String, _ bed: Bed) throws -> Queue {
        try Queue.open(at: path, access: .readWrite, clock: bed.clock)
    }

    private func runner(_ queue: Queue, _ id: Int64) async throws -> Runner {
        try await queue.startRunner(id, account: "qq", source: "default", limits: limits, doubt: .hold)
    }

    /// A new folder in the bed's.
    private func folder(_ bed: Bed, _ name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: bed.folder + "/" + name, withIntermediateDirectories: true)
        return bed.folder + "/\(name)/queue.sqlite3"
    }

    /// Written over what is there, as `cat a > b` and `rsync --inplace` do it.
    private func overwrite(_ path: String, with bytes: Data) throws {
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.truncate(atOffset: 0)
        try file.write(contentsOf: bytes)
        try file.close()
    }

    private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    @Test("a copy that a killed process's rows lie in is whole as long as the original has begun nothing more")
    func killed() async throws {
        let (bed, id) = try await used()
        var killed: Runner? = try await bed.runner(id, limits: limits)
        #expect(try await killed?.beginNext().attempt != nil)
        let path = try folder(bed, "copy")
        for suffix in ["", "-wal", "-identity"] where FileManager.default.fileExists(atPath: bed.path + suffix) {
            try FileManager.default.copyItem(atPath: bed.path + suffix, toPath: path + suffix)
        }
        let copy = try open(path, bed)
        // As long as it lives, it may send at any moment.
        #expect(try copy.claimTerms().objection != nil && !copy.claimTerms().isWhole)
        killed = nil
        try await bed.untilRunners(are: 0)
        #expect(try copy.claimTerms().isWhole)
        try await send(1, bed, id)
        #expect(try !copy.claimTerms().isWhole)
    }

    // MARK: Lost

    @Test(
        "a queue file that is missing or empty beside the identity of one that had sent is not begun anew",
        arguments: [true, false])
    func lost(isMissing: Bool) async throws {
        let (bed, id) = try await used()
        let identity = try bytes(bed.path + "-identity")
        // Not the same file emptied: this process still has that open.
        try FileManager.default.removeItem(atPath: bed.path)
        if !isMissing { try Data().write(to: URL(fileURLWithPath: bed.path)) }
        for access in [Queue.Access.create, .readWrite, .readOnly] {
            #expect(throws: QueueError.lost(path: bed.path)) { try Queue.open(at: bed.path, access: access) }
        }
        #expect(FileManager.default.fileExists(atPath: bed.path) == !isMissing)
        #expect(try bytes(bed.path + "-identity") == identity)
        // Begun anew all the same, it has to be claimed, and nothing is known of the caps.
        let anew = try Queue.open(at: bed.path, access: .create, clock: bed.clock, beginsAnew: true)
        #expect(try anew.campaigns().isEmpty && id == 1)
        #expect(try bytes(bed.path + "-identity") == identity)
        #expect(try anew.claimObjection() != nil)
        try anew.claim()
        #expect(try anew.claimObjection() == nil)
        #expect(try anew.limitUse(limits, account: "qq", source: "default", domains: nil).map(\.used) == [5, 100])
    }

    @Test("one from which nothing was sent may be thrown away")
    func unsent() throws {
        let bed = try Bed()
        _ = try bed.campaign(recipients: 3)
        for suffix in ["", "-wal", "-shm"] { try FileManager.default.removeItem(atPath: bed.path + suffix) }
        #expect(throws: QueueError.missing(path: bed.path)) { try Queue.open(at: bed.path, access: .readWrite) }
        let anew = try Queue.open(at: bed.path, access: .create, clock: bed.clock)
        #expect(try anew.claimObjection() == nil)
    }

    // MARK: Caps

    @Test("a claim counts every cap as used up, until its window has passed")
    func fills() async throws {
        let (bed, id) = try await used()
        let path = try folder(bed, "restored")
        try bed.queue.backup(to: path)
        bed.clock.advance(.seconds(60))
        try await send(3, bed, id)
        bed.clock.advance(.seconds(60))
        let queue = try open(path, bed)
        let terms = try queue.claimTerms()
        #expect(terms.objection != nil && !terms.isWhole && terms.people == 18)
        #expect(terms.known.map { $0 + .seconds(120) } == bed.clock.now())
        try queue.claim()
        let claimed = bed.clock.now()
        #expect(try queue.claimTerms().held == claimed)

        let uses = try queue.limitUse(limits, account: "qq", source: "default", domains: nil)
        #expect(uses.map(\.used) == [5, 100])
        #expect(uses.map(\.unknownUntil) == [claimed + .seconds(3_600), claimed + .seconds(86_400)])
        #expect(uses.map(\.nextFree) == uses.map(\.unknownUntil))
        let campaign = try #require(try queue.campaign(id: id))
        let next = try queue.nextBegin(
            campaign, from: claimed, limits: limits, account: "qq", source: "default", window: nil, isEven: false,
            domain: nil)
        #expect(next == claimed + .seconds(86_400))

        let runner = try await runner(queue, id)
        func refusal() async throws -> (Int, Timestamp)? {
            if case .claimed(let limit, _, let until) = try await runner.beginNext() {
                (limit.count, until)
            } else {
                nil
            }
        }
        let first = try #require(try await refusal())
        #expect(first.0 == 5 && first.1 == claimed + .seconds(3_600))
        bed.clock.advance(.seconds(3_600))
        let second = try #require(try await refusal())
        #expect(second.0 == 100 && second.1 == claimed + .seconds(86_400))
        bed.clock.advance(.seconds(82_799))
        #expect(try await refusal()?.0 == 100)
        bed.clock.advance(.seconds(1))
        for _ in 0..<5 { try await runner.settle(try #require(try await runner.beginNext().attempt), .sent) }
        // From then on the ledger alone counts.
        #expect(try await runner.beginNext().cappedUntil == bed.clock.now() + .seconds(3_600))
        try await runner.stop()
        #expect(try queue.verify(deep: true) == [])
        let proof = try queue.prove(limits.map { HeldLimit($0) })
        #expect(proof.findings == [])
        #expect(proof.claims.map(\.fillsCaps) == [true] && proof.claims[0].known == terms.known)
        #expect(proof.caps.first { $0.held.limit.count == 100 }?.slackMicroseconds == 0)
    }

    @Test("with fresh caps the ledger counts as it stands, and the proof says so")
    func fresh() async throws {
        let (bed, id) = try await used()
        let path = try folder(bed, "restored")
        try bed.queue.backup(to: path)
        try await send(1, bed, id)
        let queue = try open(path, bed)
        try queue.claim()
        #expect(try queue.claimTerms().held != nil)
        // Also afterwards.
        try queue.claim(freshCaps: true)
        #expect(try queue.claimTerms().held == nil)
        let runner = try await runner(queue, id)
        for _ in 0..<3 { try await runner.settle(try #require(try await runner.beginNext().attempt), .sent) }
        #expect(try await runner.beginNext().cappedUntil != nil)
        try await runner.stop()
        let held = limits.map { HeldLimit($0) }
        #expect(try queue.prove(held).findings == [])
        #expect(try queue.prove(held).claims.map(\.fillsCaps) == [true, false])
        // Had the caps been full, what was sent since would have passed them.
        try queue.writeNow { try $0.db.execute(sql: "UPDATE claim SET fills = 1") }
        #expect(try queue.prove(held).findings.map(\.check) == ["caps", "caps"])
    }

    @Test("a copy of what has sent nothing since is whole: its caps hold as they are stored", arguments: [false, true])
    func whole(sendsOn: Bool) async throws {
        let (bed, id) = try await used()
        var copies: [Queue] = []
        for name in ["copy", "backup"] {
            let path = try folder(bed, name)
            if name == "backup" {
                try bed.queue.backup(to: path)
            } else {
                for suffix in ["", "-wal", "-identity"] {
                    try FileManager.default.copyItem(atPath: bed.path + suffix, toPath: path + suffix)
                }
            }
            copies.append(try open(path, bed))
        }
        if sendsOn { try await send(1, bed, id) }
        for copy in copies {
            #expect(try copy.claimTerms().objection != nil)
            #expect(try copy.claimTerms().isWhole == !sendsOn)
            try copy.claim()
            let runner = try await runner(copy, id)
            #expect(try await (runner.beginNext().attempt != nil) == !sendsOn)
            try await runner.stop()
            #expect(try copy.prove([]).claims.isEmpty == !sendsOn)
        }
    }

    @Test("a copy made while a process sends is not known to be whole before that has ended")
    func whileSending() async throws {
        let (bed, id) = try await used()
        let runner = try await bed.runner(id, limits: limits)
        let path = try folder(bed, "backup")
        try bed.queue.backup(to: path)
        #expect(try !open(path, bed).claimTerms().isWhole)
        try await runner.stop()
        #expect(try open(path, bed).claimTerms().isWhole)
    }

    // MARK: Which file it is

    @Test("a snapshot written over the same files is told; what happens to a file in daily life is not")
    func overwritten() async throws {
        let (bed, id) = try await used()
        try #require(FileSystem.birth(bed.path) != nil, "this file system does not keep births")
        let (old, oldIdentity) = (try bytes(bed.path), try bytes(bed.path + "-identity"))
        for path in [bed.path, bed.path + "-identity"] {
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: path)
            link(path, path + ".backup")
            unlink(path + ".backup")
        }
        #expect(rename(bed.folder, bed.folder + ".away") == 0 && rename(bed.folder + ".away", bed.folder) == 0)
        #expect(try bed.queue.claimObjection() == nil)

        try await send(1, bed, id)
        #expect(try bed.queue.claimObjection() == nil)
        try overwrite(bed.path + "-identity", with: oldIdentity)
        #expect(try bed.queue.claimObjection()?.contains("written over") == true)
        #expect(try !bed.queue.claimTerms().isWhole)
        try bed.queue.claim()
        #expect(try bed.queue.claimObjection() == nil)

        // A new file that by chance gets the number of the old one.
        let line = try String(contentsOfFile: bed.path + "-identity", encoding: .utf8)
        var words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        words[3] = String(try #require(Int64(words[3])) - 1)
        words[4...] = ["0", "-\n" + bed.path + "\n"]
        try words.joined(separator: " ").write(toFile: bed.path + "-identity", atomically: true, encoding: .utf8)
        #expect(try bed.queue.claimObjection()?.contains("another file") == true)
        #expect(!old.isEmpty)
    }

    @Test("an identity file that cannot be read is not taken for one that is missing")
    func unreadable() async throws {
        let (bed, id) = try await used()
        try FileManager.default.removeItem(atPath: bed.path + "-identity")
        try FileManager.default.createDirectory(atPath: bed.path + "-identity", withIntermediateDirectories: true)
        await #expect {
            _ = try await bed.runner(id)
        } throws: {
            if case .unreadable(bed.path + "-identity", _) = $0 as? QueueError { true } else { false }
        }
        #expect(throws: QueueError.self) { try bed.queue.claim() }
    }

    @Test("what root writes beside a queue belongs to the queue's owner", .enabled(if: geteuid() == 0))
    func owner() async throws {
        let (bed, id) = try await used()
        for suffix in ["-identity", "-runners"] { unlink(bed.path + suffix) }
        #expect(chown(bed.path, 65_534, 65_534) == 0)
        try bed.queue.claim(freshCaps: true)
        try await send(1, bed, id)
        for suffix in ["-identity", "-runners"] {
            let owner = try FileManager.default.attributesOfItem(atPath: bed.path + suffix)[.ownerAccountID] as? Int
            #expect(owner == 65_534, "\(suffix)")
        }
    }

    @Test("a queue whose file goes away under a runner begins nothing more", arguments: [true, false])
    func goes(isDeleted: Bool) async throws {
        let (bed, id) = try await used()
        let runner = try await bed.runner(id, limits: limits)
        #expect(try await runner.beginNext().attempt != nil)
        if isDeleted { unlink(bed.path) } else { rename(bed.path, bed.path + ".away") }
        if !isDeleted { try Data("x".utf8).write(to: URL(fileURLWithPath: bed.path)) }
        await #expect(throws: QueueError.replaced(path: bed.path)) { _ = try await runner.beginNext() }
        await #expect(throws: QueueError.replaced(path: bed.path)) { _ = try await runner.status(RunnerStatus()) }
    }
}
