import Clock
import Dispatch
import GRDB
import Synchronization
import Testing

@testable import Queue

/// What stands in `lease`, by what runners do at once and by what of it fails.
@Suite struct LeaseRowTests {
    private func numbers(_ queue: Queue) throws -> [Int64] {
        try queue.read { db, _ in try Int64.fetchAll(db, sql: "SELECT id FROM lease ORDER BY id") }
    }

    @Test("a lease's row goes in the commit that begins its last recipient, or puts the last one off")
    func emptied() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 20)
        let runner = try await bed.runner(campaign)
        let first = try await runner.lease(2).recipients
        let second = try await runner.lease(2).recipients
        _ = try await runner.exchange(settle: [], begin: [first[0].request])
        #expect(try numbers(bed.queue) == [1, 2])
        _ = try await runner.exchange(settle: [], begin: [first[1].request])
        #expect(try numbers(bed.queue) == [2])
        for one in second { try await runner.postpone(one.id, until: bed.clock.now() + .seconds(9)) }
        #expect(try numbers(bed.queue) == [])
    }

    @Test("who was put off and is leased anew stays in the newer lease, whatever becomes of the older one")
    func anew() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 3)
        let runner = try await bed.runner(campaign)
        let first = try await runner.lease(3).recipients
        try await runner.postpone(first[0].id, until: bed.clock.now())
        #expect(try await runner.lease(3).recipients.map(\.id) == [first[0].id])
        try await runner.release([first[1].id])
        let stored = Set(try bed.queue.leases(campaign).map(\.range))
        #expect(stored == [first[0].id...first[0].id, first[2].id...first[2].id])
        _ = try await runner.exchange(settle: [], begin: [first[0].request, first[2].request])
        #expect(try bed.queue.leases(campaign).isEmpty)
    }

    @Test("who is given back, leased anew and begun in one commit leaves no row (history 1493214318)")
    func atOnce() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 3)
        let runner = try await bed.runner(campaign)
        let one = try await runner.lease(1).recipients[0]
        let journal = try bed.queue.journal()
        let hold = JournalHold(journal)
        defer { hold.end() }
        let release = Task { try await runner.release([one.id]) }
        while journal.waitingCount < 1 { await Task.yield() }
        let lease = Task { try await runner.lease(1).recipients.map(\.id) }
        while journal.waitingCount < 2 { await Task.yield() }
        let begin = Task { try await runner.exchange(settle: [], begin: [one.request])[0].attempt }
        while journal.waitingCount < 3 { await Task.yield() }
        hold.end()
        try await release.value
        #expect(try await lease.value == [one.id])
        #expect(try await begin.value != nil)
        _ = try await runner.status(RunnerStatus())
        #expect(try bed.queue.leases(campaign).isEmpty)
    }

    @Test("a runner deletes no other's lease, though that has the number of one it thought to have")
    func processes() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 20)
        let one = try await bed.runner(campaign)
        let other = try await Queue.open(at: bed.path, access: .readWrite, clock: bed.clock).startRunner(
            campaign, account: "qq", source: "default", limits: [], doubt: .hold)
        _ = try await one.lease(2)
        _ = try await other.lease(2)
        #expect(try numbers(bed.queue) == [1, 2])
        let number = try bed.queue.writeNow { commit in
            try commit.deleteLeases([1, 2], of: one.id)
            return try Int64.fetchAll(commit.db, sql: "SELECT id FROM lease")
        }
        #expect(number == [2])
    }

    @Test("a lease made while its runner does not know yet that a release failed is given back like any other")
    func meanwhile() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 20)
        let runner = try await bed.runner(campaign)
        let first = try await runner.lease(4).recipients
        let journal = try bed.queue.journal()
        // A release, and what makes its commit fail.
        let hold = JournalHold(journal)
        defer { hold.end() }
        let brake = Brake()
        let release = Task(executorPreference: brake) { try await runner.release([first[0].id]) }
        while journal.waitingCount == 0 { await Task.yield() }
        brake.pull()
        let broken = Task {
            try await journal.write { try $0.db.execute(sql: "INSERT INTO recipient (id) VALUES (NULL)") }
        }
        while journal.waitingCount == 1 { await Task.yield() }
        hold.end()
        await #expect(throws: (any Error).self) { try await broken.value }
        // Others go on, before the release hears of it.
        let second = try await runner.lease(2).recipients
        brake.release()
        await #expect(throws: (any Error).self) { try await release.value }
        _ = try await runner.exchange(settle: [], begin: second.map(\.request))
        _ = try await runner.status(RunnerStatus())
        #expect(try bed.queue.leases(campaign).map(\.range) == [first[0].id...first[3].id])
        try await runner.release(first.map(\.id))
        #expect(try bed.queue.leases(campaign).isEmpty)
    }

    @Test("two releases that fail in one commit leave everybody in the lease that is on the disk", arguments: [0, 1])
    func together(_ late: Int) async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 20)
        let runner = try await bed.runner(campaign)
        let first = try await runner.lease(4).recipients
        let journal = try bed.queue.journal()
        let hold = JournalHold(journal)
        defer { hold.end() }
        let brakes = [Brake(), Brake()]
        var releases: [Task<Void, any Error>] = []
        for (recipient, brake) in zip(first, brakes) {
            let waiting = journal.waitingCount
            releases.append(Task(executorPreference: brake) { try await runner.release([recipient.id]) })
            while journal.waitingCount == waiting { await Task.yield() }
        }
        brakes[late].pull()
        let broken = Task {
            try await journal.write { try $0.db.execute(sql: "INSERT INTO recipient (id) VALUES (NULL)") }
        }
        while journal.waitingCount == 2 { await Task.yield() }
        hold.end()
        await #expect(throws: (any Error).self) { try await broken.value }
        await #expect(throws: (any Error).self) { try await releases[1 - late].value }
        brakes[late].release()
        await #expect(throws: (any Error).self) { try await releases[late].value }
        for one in [0, 2, 3] {
            _ = try await runner.exchange(settle: [], begin: [first[one].request])
            _ = try await runner.status(RunnerStatus())
            #expect(try bed.queue.leases(campaign).map(\.range) == [first[0].id...first[3].id])
        }
        try await runner.release([first[1].id])
        #expect(try bed.queue.leases(campaign).isEmpty)
    }
}

/// Runs a task's steps, until it is pulled: from then on they wait.
private final class Brake: TaskExecutor {
    private let queue = DispatchQueue(label: "brake")
    /// Steps that wait; nil while none has to.
    private let waiting = Mutex<[UnownedJob]?>(nil)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let waits = waiting.withLock { waiting in
            waiting?.append(job)
            return waiting != nil
        }
        if !waits { run(job) }
    }

    func pull() { waiting.withLock { $0 = $0 ?? [] } }

    func release() {
        let jobs = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting ?? []
        }
        for job in jobs { run(job) }
    }

    private func run(_ job: UnownedJob) {
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
