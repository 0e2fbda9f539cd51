import Clock
import Foundation
import GRDB
import Testing

@testable import Queue

struct CrashFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// A machine with a disk and two processes, each with the queue open; it can be lost at any instant.
final class CrashMachine {
    /// A queue with two drafts and a few people, from which every history begins.
    struct Template: Sendable {
        var bytes: [UInt8]
        static let keys = (0..<8).map { "p\($0)@\(["qq.com", "foxmail.com", "b.example"][$0 % 3])" }
        static let start = ManualClock().now()

        init() throws {
            let folder = CrashMachine.parent() + "/crash-template-" + UUID().uuidString
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try Self.fill(folder + "/queue.sqlite3")
            bytes = Array(FileManager.default.contents(atPath: folder + "/queue.sqlite3") ?? Data())
        }

        private static func fill(_ path: String) throws {
            let queue = try Queue.open(at: path, access: .create, clock: ManualClock())
            for name in ["spring", "autumn"] {
                let campaign = try queue.create(
                    CampaignDraft(
                        name: name, account: "qq", columns: ["email"], content: [1], contentHash: "a")
                ).id
                let importer = try queue.importer(for: campaign)
                for key in keys.prefix(campaign == 1 ? 4 : 2) { try importer.add(CrashMachine.row(key)) }
                _ = try importer.finish()
            }
            try queue.journal().betweenCommits { pool in
                try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
            }
        }

        func model(_ moment: QueueModel.Moment) -> QueueModel {
            var model = QueueModel(moment)
            model.campaigns = [1: .draft, 2: .draft]
            for (id, campaign) in [(1, 1), (2, 1), (3, 1), (4, 1), (5, 2), (6, 2)] as [(Int64, Int64)] {
                let key = Self.keys[Int(id - (campaign == 1 ? 1 : 5))]
                model.recipients[id] = QueueModel.Recipient(campaign: campaign, key: key)
            }
            return model
        }
    }

    /// A runner as its process holds it.
    struct Member {
        var process: Int
        var runner: Runner
        /// Leased, and not begun as far as it knows.
        var held: [LeasedRecipient] = []
    }

    let clock: ManualClock
    private(set) var folder: String
    private(set) var disk: CrashDisk
    private(set) var queues: [Queue] = []
    var members: [Int64: Member] = [:]
    /// Which live runner a recipient is leased to, until somebody begins it.
    var leased: [Int64: Int64] = [:]
    /// Begun by a runner that did not have it leased, as no sender does: it stays in the lease of the one who had.
    private(set) var disturbed: Set<Int64> = []

    init(_ template: Template, clock: ManualClock) throws {
        self.clock = clock
        (folder, disk) = try Self.make(template.bytes, log: [], identity: nil)
        try open()
    }

    deinit { leave() }

    /// Memory rather than a disk where there is such a folder: what a sync costs is not the question here.
    static func parent() -> String {
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NSTemporaryDirectory()
    }

    static func row(_ key: String) -> ImportRow {
        ImportRow(email: key, key: key, domain: QueueModel.domain(key), fields: key, line: 1)
    }

    private static func make(
        _ database: [UInt8], log: [UInt8], identity: Identity?
    ) throws -> (String, CrashDisk) {
        let folder = parent() + "/crash-tests-" + UUID().uuidString
        let path = folder + "/queue.sqlite3"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(database).write(to: URL(fileURLWithPath: path))
        if !log.isEmpty { try Data(log).write(to: URL(fileURLWithPath: path + "-wal")) }
        // The machine is the same after the crash: its identity file is the one that belongs to this very file.
        if let identity { try IdentityFile(queue: path).write(identity) }
        return (folder, CrashDisk(folder: folder, database: database, log: log))
    }

    private func open() throws {
        queues = try (0..<2).map { _ in
            try Queue.open(at: folder + "/queue.sqlite3", access: .readWrite, clock: clock)
        }
    }

    private func leave() {
        disk.unwatch()
        members = [:]
        leased = [:]
        disturbed = []
        queues = []
        try? FileManager.default.removeItem(atPath: folder)
    }

    var identity: Identity? { (try? IdentityFile(queue: folder + "/queue.sqlite3").read())?.identity }

    /// All processes end here, with the files as `image` has them.
    func crash(_ image: CrashImage, identity: Identity?) throws {
        leave()
        (folder, disk) = try Self.make(image.database, log: image.log, identity: identity)
        try open()
    }

    /// Opens what a crash would have left, looks at it, and throws it away.
    static func look(_ image: CrashImage, deeply: Bool, clock: ManualClock) throws -> (
        text: String, findings: [Finding]
    ) {
        let (folder, disk) = try make(image.database, log: image.log, identity: nil)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        disk.unwatch()
        let queue = try Queue.open(at: folder + "/queue.sqlite3", access: .readWrite, clock: clock)
        return (try queue.text(), deeply ? try queue.findings() : [])
    }

    /// One process ends; the other goes on.
    func lose(_ process: Int) throws {
        // Their numbers alone: a copy of the members would keep the runners alive.
        for id in members.keys.filter({ members[$0]?.process == process }) { drop(id) }
        queues[process] = try Queue.open(
            at: folder + "/queue.sqlite3", access: .readWrite, clock: clock)
    }

    /// A runner's last reference goes, and its lock with it.
    func drop(_ id: Int64) {
        members[id] = nil
        leased = leased.filter { $0.value != id }
        // The Journal's thread may hold its answer, and the lock in it, an instant longer than the one who got it.
        var patience = 10_000
        while patience > 0, (try? RunnerLock.isHeld(id, queue: folder + "/queue.sqlite3")) == true {
            usleep(100)
            patience -= 1
        }
    }

    // MARK: Steps

    /// Does it on the process named, or the one whose runner it is; answers in the words of `QueueModel.apply`.
    func perform(_ step: Step, on process: Int) async -> String {
        do {
            if let work = work(step, on: process) { return try take(try await work(), of: step, on: process) }
            return try answer(step, on: process)
        } catch {
            return "\(error)"
        }
    }

    private func answer(_ step: Step, on process: Int) throws -> String {
        let queue = queues[process]
        switch step {
        case .fill(let campaign, let keys):
            let importer = try queue.importer(for: campaign)
            for key in keys { try importer.add(Self.row(key)) }
            return "\(try importer.finish())"
        case .retry(let campaign, let states): return "\(try queue.retry(campaign, states: states))"
        case .decide(let campaign, let decision, let keys):
            return "\(try queue.settleInDoubt(campaign, as: decision, emails: keys))"
        case .order(let campaign, let order):
            switch order {
            case .pause: try queue.pause(campaign, reason: "test")
            case .resume: try queue.resume(campaign)
            default: try queue.cancel(campaign)
            }
            return "done"
        case .suppress(let keys):
            return
                "\(try queue.suppress(keys.map { Suppression(key: $0, reason: "", since: clock.now(), by: "") }))"
        case .unsuppress(let keys): return "\(try queue.unsuppress(keys))"
        case .recover(let policy):
            let recovery = try queue.recoverDead(policy)
            return "\(recovery.runners) \(recovery.inDoubt)"
        default: return "no such step"
        }
    }

    /// What came of a runner's step, before the machine has taken it in.
    enum Reply: Sendable {
        case words(String)
        case began([BeginAnswer])
        case leased(LeaseAnswer)
        case started(Runner)
    }

    /// A step that waits for the Journal, as a piece of work of its own; nil for one that blocks, as commands do.
    func work(_ step: Step, on process: Int) -> (@Sendable () async throws -> Reply)? {
        if case .start(let campaign, let plan, let policy) = step {
            let queue = queues[process]
            let (source, limits) = Step.plans[plan]
            return {
                .started(
                    try await queue.startRunner(
                        campaign, account: "qq", source: source, limits: limits, doubt: policy))
            }
        }
        guard let id = step.runner else { return nil }
        guard let runner = members[id]?.runner else { return { .words("no runner") } }
        switch step {
        case .exchange(_, let settle, let begin):
            let requests = begin.map { request($0, id) }
            return { .began(try await runner.exchange(settle: settle, begin: requests)) }
        case .lease(_, let count): return { .leased(try await runner.lease(count)) }
        case .postpone(_, let recipient, let until):
            return {
                try await runner.postpone(recipient, until: until)
                return .words("done")
            }
        case .release(_, let recipients):
            return {
                try await runner.release(recipients)
                return .words("done")
            }
        case .heartbeat: return { .words(try await runner.status(RunnerStatus()).state.rawValue) }
        case .stop:
            return {
                try await runner.stop()
                return .words("done")
            }
        default: return nil
        }
    }

    /// Takes in what came of a step; answers in the words of `QueueModel.apply`.
    func take(_ reply: Reply, of step: Step, on process: Int) throws -> String {
        switch (step, reply) {
        case (.start, .started(let runner)):
            members[runner.id] = Member(process: process, runner: runner)
            return "\(runner.id) \(runner.recovered.runners) \(runner.recovered.inDoubt)"
        case (.exchange(let id, _, let begin), .began(let answers)):
            for (recipient, answer) in zip(begin, answers) {
                switch answer {
                case .begun, .suppressed:
                    if leased[recipient] != id { disturbed.insert(recipient) }
                    leased[recipient] = nil
                case .gone: if leased[recipient] == id { leased[recipient] = nil }
                default: continue
                }
                members[id]?.held.removeAll { $0.id == recipient }
            }
            return answers.map(\.words).joined(separator: ", ")
        case (.lease(let id, _), .leased(let answer)):
            for recipient in answer.recipients {
                if let other = leased[recipient.id] {
                    throw CrashFailure("recipient \(recipient.id) is leased to \(other) already")
                }
                leased[recipient.id] = id
            }
            members[id]?.held += answer.recipients
            return "leased"
        case (.postpone(let id, let recipient, _), .words(let words)):
            members[id]?.held.removeAll { $0.id == recipient }
            if leased[recipient] == id { leased[recipient] = nil }
            return words
        case (.release(let id, let recipients), .words(let words)):
            members[id]?.held.removeAll { recipients.contains($0.id) }
            for recipient in recipients where leased[recipient] == id { leased[recipient] = nil }
            return words
        case (.stop(let id), .words(let words)):
            drop(id)
            return words
        case (_, .words(let words)): return words
        default: return "no such step"
        }
    }

    private func request(_ recipient: Int64, _ id: Int64) -> BeginRequest {
        let key = keyOf(recipient)
        return BeginRequest(
            recipient: recipient, server: "smtp.qq.com:465", messageID: "<\(id).\(recipient)@x>",
            domain: QueueModel.domain(key))
    }

    /// The addresses as the model has them; set before each step.
    var keyOf: (Int64) -> String = { _ in "" }
}

extension BeginAnswer {
    /// In the words of `QueueModel.apply`.
    var words: String {
        switch self {
        case .begun(let attempt): "begun \(attempt)"
        case .capped(_, let key, let until): "capped \(key) \(until.microseconds)"
        case .gone: "gone"
        case .suppressed: "suppressed"
        case .halted(let state): "halted \(state.rawValue)"
        default: "\(self)"
        }
    }
}
