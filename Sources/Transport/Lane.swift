import CSystem
import Dispatch
import Glibc
import Synchronization

/// A serial Dispatch queue that runs the actors living on it and tells their sockets' readiness.
///
/// One epoll descriptor holds every socket of the lane; a single read source watches that descriptor. A turn of the lane
/// takes what is ready in batches and runs the jobs this makes runnable in the same turn, so that a wait costs no Dispatch
/// call and no `epoll_ctl`. While there is work the turn lingers in `epoll_wait` instead of returning to Dispatch.
///
/// A task that lives on a lane should prefer it (`Task(executorPreference: lane)`): the run time of Swift 6.3 resumes every
/// continuation on the task's preferred executor and only from there goes on to the actor's. Without a preference that is
/// the global pool, and each wait for a socket or for the disk cost a thread's wake-up there and another one back: two and
/// a half such round trips a message.
///
/// `@unchecked Sendable`: everything mutable is either behind `inbox`'s lock, or touched on `queue` only.
public final class Lane: SerialExecutor, TaskExecutor, @unchecked Sendable {
    /// How long a turn stays in `epoll_wait` before the thread goes back to Dispatch, in milliseconds.
    private static let linger: Int32 = 2
    /// Rounds of one turn, after which other blocks of the queue get their chance.
    private static let roundsPerTurn = 512
    private static let batch = 64
    /// How often deadlines are looked at, in nanoseconds.
    private static let tick: UInt64 = 100_000_000
    private static let bellToken = UInt64.max

    /// Jobs from other threads, and what must be done so that the lane sees them.
    private struct Inbox {
        enum Lane { case idle, scheduled, running, asleep }
        var jobs: [UnownedJob] = []
        var lane = Lane.idle
    }
    private enum Call { case nothing, schedule, ring }

    let queue: DispatchQueue
    private let epoll: Int32
    private let bell: Int32
    private let readiness: any DispatchSourceRead
    private let timer: any DispatchSourceTimer
    private let inbox = Guarded(Inbox())
    /// The thread that is in `turn()`, 0 when none is. Only that thread can find itself here, so relaxed order will do.
    private let owner = Atomic<UInt>(0)

    private var local: [UnownedJob] = []
    private var batchOfJobs: [UnownedJob] = []
    private var events = [epoll_event](repeating: epoll_event(), count: Lane.batch)
    private var watches: [Watch?] = []
    private var vacant: [Int] = []
    private var generation: UInt32 = 0
    private var deadlines = 0
    private var nextSweep: UInt64 = 0
    private var armed: UInt64?
    private var sleepers = Sleepers()

    public init(label: String = "outpost.lane") {
        queue = DispatchQueue(label: label)
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        bell = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        precondition(epoll >= 0 && bell >= 0, "no descriptor is left for a lane (ulimit -n)")
        signal(SIGPIPE, SIG_IGN)
        CSystem_watch_level(epoll, bell, Lane.bellToken)
        readiness = DispatchSource.makeReadSource(fileDescriptor: epoll, queue: queue)
        timer = DispatchSource.makeTimerSource(queue: queue)
        readiness.setEventHandler { [weak self] in self?.turn() }
        timer.setEventHandler { [weak self] in
            self?.armed = nil
            self?.turn()
        }
        let (epoll, bell) = (epoll, bell)
        readiness.setCancelHandler {
            close(epoll)
            close(bell)
        }
        timer.schedule(deadline: .distantFuture)
        readiness.activate()
        timer.activate()
    }

    deinit {
        readiness.cancel()
        timer.cancel()
    }

    /// A lane for each core, or `count` of them.
    public static func pool(count: Int) -> [Lane] {
        (0..<max(1, count)).map { Lane(label: "outpost.lane.\($0)") }
    }

    // MARK: Executor

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if owner.load(ordering: .relaxed) == UInt(pthread_self()) {
            local.append(job)
            return
        }
        let call: Call = inbox.withLock {
            $0.jobs.append(job)
            switch $0.lane {
            case .idle:
                $0.lane = .scheduled
                return .schedule
            case .asleep:
                $0.lane = .running
                return .ring
            case .scheduled, .running: return .nothing
            }
        }
        switch call {
        case .nothing: break
        case .schedule: queue.async { self.turn() }
        case .ring: eventfd_write(bell, 1)
        }
    }

    public func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }

    private func turn() {
        owner.store(UInt(pthread_self()), ordering: .relaxed)
        for _ in 0..<Lane.roundsPerTurn {
            let ready = poll()
            for index in 0..<ready { deliver(events[index]) }
            wakeWhoIsDue()
            if !runJobs() && ready == 0 { break }
        }
        owner.store(0, ordering: .relaxed)
        let now = Lane.now()
        let more = inbox.withLock {
            let more = !$0.jobs.isEmpty || !local.isEmpty
            $0.lane = more ? .scheduled : .idle
            return more
        }
        if more { queue.async { self.turn() } }
        arm(now)
    }

    /// Waits in `epoll_wait` only when there is nothing else to do.
    private func poll() -> Int {
        var wait: Int32 = 0
        if local.isEmpty {
            let mayWait = inbox.withLock {
                $0.lane = $0.jobs.isEmpty ? .asleep : .running
                return $0.jobs.isEmpty
            }
            if mayWait {
                wait = Lane.linger
                if let due = sleepers.earliest {
                    let now = Lane.now()
                    wait = min(wait, due <= now ? 0 : Int32(min((due - now) / 1_000_000 + 1, 1000)))
                }
            }
        }
        return max(0, Int(epoll_wait(epoll, &events, Int32(Lane.batch), wait)))
    }

    /// Runs what was runnable when called; what that makes runnable waits for the next round, after the sockets' turn.
    private func runJobs() -> Bool {
        inbox.withLock {
            $0.lane = .running
            if !$0.jobs.isEmpty {
                local.append(contentsOf: $0.jobs)
                $0.jobs.removeAll(keepingCapacity: true)
            }
        }
        guard !local.isEmpty else { return false }
        swap(&local, &batchOfJobs)
        let (serial, preferred) = (asUnownedSerialExecutor(), asUnownedTaskExecutor())
        for job in batchOfJobs { job.runSynchronously(isolatedTo: serial, taskExecutor: preferred) }
        batchOfJobs.removeAll(keepingCapacity: true)
        return true
    }

    // MARK: Sockets

    private func deliver(_ event: epoll_event) {
        let token = event.data.u64
        if token == Lane.bellToken {
            var count: eventfd_t = 0
            eventfd_read(bell, &count)
            return
        }
        let slot = Int(token & 0xffff_ffff)
        // The slot may have been given to another socket since this event was gathered.
        guard slot < watches.count, let watch = watches[slot], watch.generation == UInt32(token >> 32) else { return }
        watch.note(events: event.events)
    }

    /// Begins to watch a non-blocking socket, once for its whole life (edge-triggered).
    func watch(_ descriptor: Int32) throws -> Watch {
        generation &+= 1
        let slot = vacant.popLast() ?? watches.count
        let watch = Watch(lane: self, slot: slot, generation: generation)
        if slot == watches.count { watches.append(watch) } else { watches[slot] = watch }
        guard CSystem_watch(epoll, descriptor, UInt64(generation) << 32 | UInt64(slot)) == 0 else {
            let code = errno
            retire(slot)
            throw TransportError(.system(code), "cannot watch a socket: \(systemText(code))")
        }
        return watch
    }

    private func retire(_ slot: Int) {
        watches[slot] = nil
        vacant.append(slot)
    }

    /// Ends the watch. May be called anywhere, for a connection may be released anywhere.
    func forget(_ slot: Int) {
        if owner.load(ordering: .relaxed) == UInt(pthread_self()) {
            retire(slot)
        } else {
            queue.async { self.retire(slot) }
        }
    }

    // MARK: Time

    /// Monotonic nanoseconds.
    static func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }

    static func deadline(after timeout: Duration) -> UInt64 {
        let microseconds = timeout.components.seconds.multipliedReportingOverflow(by: 1_000_000)
        if microseconds.overflow || timeout.components.seconds > 1_000_000_000 { return .max }
        let nanoseconds =
            timeout.components.seconds * 1_000_000_000 + timeout.components.attoseconds / 1_000_000_000
        return now() + UInt64(max(0, nanoseconds))
    }

    func deadlineBegins() { deadlines += 1 }
    func deadlineEnds() { deadlines -= 1 }

    private func wakeWhoIsDue() {
        guard deadlines > 0 || !sleepers.isEmpty else { return }
        let now = Lane.now()
        sleepers.wake(at: now)
        guard deadlines > 0, now >= nextSweep else { return }
        nextSweep = now + Lane.tick
        for watch in watches { watch?.expire(at: now) }
    }

    /// One timer serves all deadlines and sleeps of the lane; it runs only while somebody waits.
    private func arm(_ now: UInt64) {
        var wanted: UInt64?
        if deadlines > 0 { wanted = max(nextSweep, now + 1_000_000) }
        if let due = sleepers.earliest { wanted = min(wanted ?? .max, due) }
        guard let wanted else { return }
        if let armed, armed <= wanted { return }
        armed = wanted
        timer.schedule(deadline: DispatchTime(uptimeNanoseconds: wanted), leeway: .milliseconds(1))
    }

    /// Suspends the calling actor, which must live on this lane. Precise to about two milliseconds; not cancellable.
    public func sleep(for duration: Duration) async {
        let due = Lane.deadline(after: duration)
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            if owner.load(ordering: .relaxed) == UInt(pthread_self()) {
                sleepers.insert(continuation, due: due)
            } else {
                queue.async {
                    self.sleepers.insert(continuation, due: due)
                    self.turn()
                }
            }
        }
    }
}

/// Who sleeps on a lane, the earliest last.
private struct Sleepers {
    private var entries: [(due: UInt64, continuation: UnsafeContinuation<Void, Never>)] = []

    var isEmpty: Bool { entries.isEmpty }
    var earliest: UInt64? { entries.last?.due }

    mutating func insert(_ continuation: UnsafeContinuation<Void, Never>, due: UInt64) {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].due > due { low = middle + 1 } else { high = middle }
        }
        entries.insert((due, continuation), at: low)
    }

    mutating func wake(at now: UInt64) {
        while let last = entries.last, last.due <= now {
            entries.removeLast()
            last.continuation.resume()
        }
    }
}
