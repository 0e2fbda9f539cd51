import Dispatch
import GRDB
import Synchronization
import Testing

@testable import Queue

@Suite struct LeaseNumberTests {
    private func numbers(_ queue: Queue) throws -> [Int64] {
        try queue.read { db, _ in try Int64.fetchAll(db, sql: "SELECT id FROM lease ORDER BY id") }
    }

    @Test("a lease gets a number that no lease had before, though that one is deleted or never came to the disk")
    func neverTwice() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 20)
        let runner = try await bed.runner(campaign)
        let first = try await runner.lease(2).recipients
        #expect(try numbers(bed.queue) == [1])
        // Its row goes with the lease that comes next.
        _ = try await runner.exchange(settle: [], begin: first.map(\.request))
        _ = try await runner.lease(2)
        #expect(try numbers(bed.queue) == [2])
        let journal = try bed.queue.journal()
        let charges = Charges(
            campaign: campaign, runner: runner.id, account: "qq", source: "default", keys: [], domainLimits: [])
        await #expect(throws: (any Error).self) {
            try await journal.write { commit in
                _ = try commit.insertLease(charges, fresh: false, first: 9, last: 9)
                try commit.db.execute(sql: "INSERT INTO recipient (id) VALUES (NULL)")
            }
        }
        _ = try await runner.lease(2)
        #expect(try numbers(bed.queue) == [2, 4])
    }

    @Test("a process deletes no other's lease, though that has the number of one it thought to have")
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
