import Clock
import Foundation
import GRDB
import Testing

@testable import Queue

@Suite struct QueueFileTests {
    @Test("a new queue is its owner's alone, and durable by default")
    func fresh() throws {
        let bed = try Bed()
        _ = try bed.campaign()
        func mode(_ path: String) throws -> Int {
            try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
        }
        #expect(try mode(bed.folder) == 0o700)
        for suffix in ["", "-wal", "-shm"] { #expect(try mode(bed.path + suffix) == 0o600) }
        try bed.queue.journal().betweenCommits { pool in
            try pool.writeWithoutTransaction { db in
                #expect(try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2)
                #expect(try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal")
                #expect(try Int.fetchOne(db, sql: "PRAGMA foreign_keys") == 1)
                #expect(try Int.fetchOne(db, sql: "PRAGMA wal_autocheckpoint") == 4_000)
                let tables = try Row.fetchAll(
                    db, sql: "SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
                for table in tables where !(table[0] as String).hasPrefix("sqlite") && table[0] != "grdb_migrations" {
                    #expect(table[1] == 1, "\(table)")
                }
            }
        }
    }

    @Test("what cannot be opened says why")
    func refusals() throws {
        let bed = try Bed()
        let missing = bed.folder + "/none/queue.sqlite3"
        for access in [Queue.Access.readOnly, .readWrite] {
            #expect(throws: QueueError.missing(path: missing)) { try Queue.open(at: missing, access: access) }
        }
        let text = bed.folder + "/text"
        try Data(repeating: 65, count: 5_000).write(to: URL(fileURLWithPath: text))
        for access in [Queue.Access.readOnly, .readWrite, .create] {
            #expect(throws: QueueError.notAQueue(path: text)) { try Queue.open(at: text, access: access) }
        }
        let foreign = bed.folder + "/foreign"
        try DatabaseQueue(path: foreign).write { try $0.execute(sql: "CREATE TABLE recipe (id)") }
        for access in [Queue.Access.readOnly, .readWrite, .create] {
            #expect(throws: QueueError.notAQueue(path: foreign)) { try Queue.open(at: foreign, access: access) }
        }
        // A file that another process has just made, and whose first table is still to come, is no queue yet.
        let fresh = bed.folder + "/fresh"
        try Data().write(to: URL(fileURLWithPath: fresh))
        for sql in ["PRAGMA user_version = 0", "CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)"] {
            try DatabaseQueue(path: fresh).write { try $0.execute(sql: sql) }
            #expect(throws: QueueError.missing(path: fresh)) { try Queue.open(at: fresh, access: .readOnly) }
        }
        #expect(try Queue.open(at: fresh, access: .create).campaigns().isEmpty)
        #expect(try Queue.open(at: fresh, access: .readOnly).campaigns().isEmpty)
        let file = bed.folder + "/text/queue.sqlite3"
        #expect(throws: QueueError.self) { try Queue.open(at: file, access: .create) }
        for error in [QueueError.missing(path: "p"), .notAQueue(path: "p"), .full(path: "p"), .locked(path: "p")] {
            #expect(error.description.contains("p") && error.description.hasSuffix("."))
        }
    }

    @Test("a queue of a newer version is refused")
    func newer() throws {
        let bed = try Bed()
        try bed.queue.writeNow { try $0.db.execute(sql: "INSERT INTO grdb_migrations VALUES ('9 future')") }
        for access in [Queue.Access.readOnly, .readWrite, .create] {
            #expect(throws: QueueError.newer(path: bed.path)) { try Queue.open(at: bed.path, access: access) }
        }
    }

    @Test("a reader works beside a writer, sees each commit, and cannot write")
    func readOnly() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 3)
        let reader = try Queue.open(at: bed.path, access: .readOnly, clock: bed.clock)
        let before = try reader.changeCounter()
        #expect(try reader.changeCounter() == before)
        let runner = try await bed.runner(id)
        _ = try await runner.beginNext()
        #expect(try reader.campaign(id: id)?.tallies.sending == 1)
        #expect(try reader.changeCounter() != before)
        let own = try bed.queue.changeCounter()
        _ = try await runner.beginNext()
        #expect(try bed.queue.changeCounter() != own)
        #expect(throws: QueueError.readOnly(path: bed.path)) { try reader.pause(id, reason: "") }
        #expect(try reader.runners(id).count == 1)
    }

    @Test("a queue cut off at any moment opens, adds up, and leaves doubt only where a message was in flight")
    func crashes() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 300)
        let limits = [Limit(scope: .source, count: 1_000, per: .seconds(60))]
        let runner = try await bed.runner(id, limits: limits)
        let lanes = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<6 {
                    group.addTask {
                        var settle: [Settlement] = []
                        while true {
                            let next = try await runner.lease(2).recipients
                            if next.isEmpty, settle.isEmpty { return }
                            let answers = try await runner.exchange(settle: settle, begin: next.map(\.request))
                            let outcomes: [AttemptOutcome] = [.sent, .failed, .sent, .aborted, .sent, .inDoubt]
                            settle = answers.compactMap(\.attempt).map {
                                Settlement(attempt: $0, outcome: outcomes[(Int($0) + lane) % 6])
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        var seen = 0
        for _ in 0..<12 {
            // Between two commits; what a commit has half written, SQLite's own checksums leave out.
            let copy = try bed.queue.journal().betweenCommits { _ in try bed.crashedCopy() }
            #expect(try copy.verify(deep: true) == [])
            let before = try #require(try copy.campaign(id: id)).tallies
            #expect(before.total == 300)
            #expect(try copy.recoverDead(.hold).inDoubt == before.sending)
            let after = try #require(try copy.campaign(id: id)).tallies
            #expect(after.inDoubt == before.inDoubt + before.sending)
            #expect(after.sending == 0 && after.sent == before.sent && after.pending == before.pending)
            #expect(try copy.verify(deep: true) == [])
            seen += before.sending
            try await Task.sleep(for: .milliseconds(5))
        }
        try await lanes.value
        #expect(seen > 0)
        #expect(try bed.queue.verify(deep: true) == [])
        // A lane that ends while another's last one comes back as aborted leaves it; there are six lanes.
        #expect(try bed.tallies(id).pending < 6)
    }

    @Test("a copy, a restored backup and a queue without its identity file do not send until claimed")
    func claim() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 3)
        let early = bed.folder + "/early"
        try bed.queue.backup(to: early)
        try await bed.runner(id).stop()
        let backup = bed.folder + "/backup"
        try bed.queue.backup(to: backup)
        #expect(throws: QueueError.self) { try bed.queue.backup(to: backup) }
        try await bed.runner(id).stop()

        func refuses(_ queue: Queue) async {
            #expect((try? queue.claimObjection()) != nil)
            await #expect {
                _ = try await queue.startRunner(id, account: "qq", source: "default", limits: [], doubt: .hold)
            } throws: {
                if case .unclaimed = $0 as? QueueError { true } else { false }
            }
        }
        // A backup somewhere else, and the same with the identity file beside it.
        let copy = try Queue.open(at: backup, access: .readWrite, clock: bed.clock)
        await refuses(copy)
        try FileManager.default.copyItem(atPath: bed.path + "-identity", toPath: backup + "-identity")
        await refuses(copy)
        // A backup that was made before anything was sent, put in the queue's place.
        let place = bed.folder + "/place"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: early, toPath: place + "/queue.sqlite3")
        try FileManager.default.copyItem(atPath: bed.path + "-identity", toPath: place + "/queue.sqlite3-identity")
        await refuses(try Queue.open(at: place + "/queue.sqlite3", access: .readWrite, clock: bed.clock))

        try copy.claim()
        #expect(try copy.claimObjection() == nil)
        try await copy.startRunner(id, account: "qq", source: "default", limits: [], doubt: .hold).stop()
        #expect(try bed.queue.claimObjection() == nil)
        try await bed.runner(id).stop()
    }

    /// A queue in a folder of its own from which something was sent, with a backup of it made meanwhile; closed.
    private func sent(in folder: String) async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let queue = try Queue.open(at: folder + "/queue.sqlite3", access: .create)
        let draft = CampaignDraft(
            name: "a", account: "qq", folder: "/", columns: ["email"], content: [], contentHash: "")
        let runner = try await queue.startRunner(
            queue.create(draft).id, account: "qq", source: "default", limits: [], doubt: .hold)
        try queue.backup(to: folder + "/backup")
        try await runner.stop()
    }

    /// The log goes with the last reference, which the thread of the last commit may hold for a moment more.
    private func untilClosed(_ folder: String) async throws {
        for _ in 0..<1000 where FileManager.default.fileExists(atPath: folder + "/queue.sqlite3-wal") {
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func objection(_ folder: String) throws -> String? {
        try Queue.open(at: folder + "/queue.sqlite3", access: .readOnly).claimObjection()
    }

    @Test("a backup written over the queue is told from it, though no other runner began meanwhile")
    func backupInPlace() async throws {
        let bed = try Bed()
        let folder = bed.folder + "/a"
        try await sent(in: folder)
        try await untilClosed(folder)
        #expect(try objection(folder) == nil)
        // The same inode, the same generation.
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: folder + "/queue.sqlite3"))
        try file.truncate(atOffset: 0)
        try file.write(contentsOf: Data(contentsOf: URL(fileURLWithPath: folder + "/backup")))
        try file.close()
        #expect(try objection(folder) != nil)
        try Queue.open(at: folder + "/queue.sqlite3", access: .readWrite).claim()
        #expect(try objection(folder) == nil)
    }

    @Test("a copy is told from its original before anything was sent from either")
    func unsent() throws {
        let bed = try Bed()
        _ = try bed.campaign(recipients: 1)
        let folder = bed.folder + "/copy"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for suffix in ["", "-wal", "-identity"] {
            try FileManager.default.copyItem(atPath: bed.path + suffix, toPath: folder + "/queue.sqlite3" + suffix)
        }
        #expect(try objection(folder)?.contains(bed.path) == true)
        #expect(try bed.queue.claimObjection() == nil)
    }

    @Test("a moved queue does not send until claimed, and says where it came from")
    func moved() async throws {
        let bed = try Bed()
        try await sent(in: bed.folder + "/a")
        try await untilClosed(bed.folder + "/a")
        try FileManager.default.moveItem(atPath: bed.folder + "/a", toPath: bed.folder + "/b")
        #expect(try objection(bed.folder + "/b")?.contains(bed.folder + "/a/queue.sqlite3") == true)
        // Another way to the same place is none.
        try FileManager.default.moveItem(atPath: bed.folder + "/b", toPath: bed.folder + "/a")
        try FileManager.default.createSymbolicLink(
            atPath: bed.folder + "/link", withDestinationPath: bed.folder + "/a")
        #expect(try objection(bed.folder + "/link") == nil)
        // An identity file of before place and births were kept: nothing is known of a move.
        let identity = try String(contentsOfFile: bed.folder + "/a/queue.sqlite3-identity", encoding: .utf8)
        try identity.split(separator: " ").prefix(3).joined(separator: " ").appending("\n").write(
            toFile: bed.folder + "/a/queue.sqlite3-identity", atomically: true, encoding: .utf8)
        try FileManager.default.moveItem(atPath: bed.folder + "/a", toPath: bed.folder + "/c")
        #expect(try objection(bed.folder + "/c") == nil)
    }

    @Test("file systems whose locks do not hold are told from local ones")
    func fileSystems() {
        #expect(FileSystem.networkKind(magic: 0x6969, mounts: { nil }) == "NFS")
        #expect(FileSystem.networkKind(magic: 0xFF53_4D42, mounts: { nil }) == "SMB")
        #expect(FileSystem.networkKind(magic: 0x6573_5546, mounts: { "fuse.sshfs" }) == "fuse.sshfs")
        #expect(FileSystem.networkKind(magic: 0x6573_5546, mounts: { "fuseblk" }) == nil)
        #expect(FileSystem.networkKind(magic: 0xEF53, mounts: { nil }) == nil)
        #expect(FileSystem.networkKind(NSTemporaryDirectory()) == nil)
    }
}
