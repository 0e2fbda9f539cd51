import Clock
import Dispatch
import Glibc
import Queue
import Synchronization

/// One kill: a campaign, a post office that holds the worker at a step, the worker killed there, another one that goes on.
struct DrillTrial {
    let step: DrillStep
    let round: Int
    let home: String
    let queue: Queue
    let login: (user: String, password: String)
    /// How often this step of this round was begun before.
    var repetition = 0

    /// Somebody else ended a worker: the step shows nothing, and is done again.
    struct Disturbance: Error {
        var signal: Int32
    }

    struct Result {
        var verdict: Reckoning.Verdict
        var killed: Bool
        /// Microseconds from the start of the second worker to the first message taken.
        var first: Int64?
    }

    var campaign: String {
        "\(step.rawValue)-\(round + 1)" + (repetition == 0 ? "" : "-\(repetition + 1)")
    }
    /// A worker that takes longer has gone astray, in seconds.
    private static let patience = 90

    /// - Throws: `Failure` when a worker behaves as none may, `Disturbance`, and what the queue throws.
    func run() throws -> Result {
        let load = LoadCampaign(name: campaign, account: "drill", size: step.size)
        let stored = try load.create(in: queue)
        try LoadCampaign.add(0..<step.people, to: stored, in: queue)
        let watch = DrillWatch(people: step.people)
        let office = try PostOfficeProcess(in: home, tls: "starttls", script: step.script, login: login) {
            watch.take($0)
        }
        defer { office.stop() }
        try configure(port: office.port)

        let killed = try kill(stored, watch)
        let start = SystemClock().now().microseconds
        watch.restart(at: start)
        let worker = try self.worker()
        let code = try ending(of: worker)
        guard code == ExitStatus.done.rawValue || code == ExitStatus.workLeft.rawValue else {
            throw Failure(
                .internalError, tr("The worker that was to go on with {0} ended with {1}.", campaign, code),
                next: (try? FilePath.read(log)).map { String(decoding: $0.suffix(2000), as: UTF8.self) })
        }
        office.stop()
        let standings = try self.standings(stored)
        let (reckoning, first) = watch.findings()
        return Result(
            verdict: reckoning.verdict(complete: true) { standings[$0] }, killed: killed,
            first: first.map { $0 - start })
    }

    /// How a worker ended that nobody here has ended.
    private func ending(of worker: ChildProcess) throws -> Int32 {
        guard let code = worker.wait(atMost: Self.patience) else {
            throw Failure(
                .internalError, tr("A worker of {0} did not end within {1} s.", campaign, Self.patience),
                next: (try? FilePath.read(log)).map { String(decoding: $0.suffix(2000), as: UTF8.self) })
        }
        let number = code - 128
        // Those that come from outside; a worker that crashes ends by others.
        if [SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT].contains(number) { throw Disturbance(signal: number) }
        return code
    }

    private var log: String { home + "/worker.err" }

    /// The real program, as a script would run it.
    private func worker() throws -> ChildProcess {
        try ChildProcess(
            [
                "--home", home, "send", campaign, "--wait", "--yes", "--in-doubt", "hold", "--progress", "none",
            ], stdout: .file(log), stderr: .file(log), ownSession: true)
    }

    /// Starts a worker and kills it at the step. False: it had ended before.
    private func kill(_ stored: Campaign, _ watch: DrillWatch) throws -> Bool {
        let moment = step.moment(round: round)
        let worker: ChildProcess
        let target = Target()
        switch moment {
        case .entered:
            worker = try self.worker()
            let deadline = DispatchTime.now() + .seconds(Self.patience)
            while try queue.runners(stored.id).isEmpty, worker.ending() == nil, DispatchTime.now() < deadline {
                usleep(500)
            }
            target.found(worker.process)
            target.signal(SIGKILL)
        case .after(let kind, let count, let wait):
            watch.arm(kind, count: count) {
                usleep(wait)
                target.signal(SIGKILL)
            }
            worker = try self.worker()
            target.found(worker.process)
        case .frozen(let kind, let wait):
            watch.arm(kind, count: 1) {
                usleep(wait)
                target.signal(SIGSTOP)
                watch.arm(.accepted, count: 1, since: SystemClock().now().microseconds) { target.signal(SIGKILL) }
            }
            worker = try self.worker()
            target.found(worker.process)
        }
        defer {
            watch.disarm()
            target.forget()
        }
        do {
            _ = try ending(of: worker)
            return false
        } catch let end as Disturbance where end.signal == SIGKILL && target.isKilled {
            return true
        }
    }

    private func configure(port: UInt16) throws {
        try FilePath.replace(home + "/password", with: Array((login.password + "\n").utf8))
        try FilePath.replace(
            home + "/config.toml",
            with: Array(
                """
                [[account]]
                name = "drill"
                host = "127.0.0.1"
                port = \(port)
                tls = "starttls"
                ca_file = "\(FilePath.name(PostOfficeProcess.authority(home)))"
                user = "\(login.user)"
                password_file = "password"
                from = "Outpost <load@load.example>"
                sessions = 4
                retry = "1s*9"

                [[limit]]
                scope = "source"
                count = 1000000
                per = "1h"

                """.utf8))
    }

    private func standings(_ campaign: Campaign) throws -> [Int: Reckoning.Standing] {
        var standings: [Int: Reckoning.Standing] = [:]
        for recipient in try queue.recipients(campaign.id, state: nil, after: 0, limit: step.people + 1) {
            guard let number = LoadCampaign.number(in: recipient.email.utf8) else { continue }
            standings[number] = Reckoning.Standing(state: recipient.state, begun: recipient.messageID != nil)
        }
        return standings
    }
}

/// The process to be killed, which may be known only after the moment to kill it has come.
private final class Target: Sendable {
    private let state = Mutex<(process: pid_t?, signals: [Int32], isKilled: Bool)>((nil, [], false))

    /// Whether it was killed from here.
    var isKilled: Bool { state.withLock { $0.isKilled } }

    func found(_ process: pid_t) {
        let due = state.withLock { state in
            state.process = process
            return state.signals
        }
        for number in due { kill(process, number) }
    }

    /// It has ended: its number may soon be another's.
    func forget() { state.withLock { $0.process = nil } }

    func signal(_ number: Int32) {
        let process = state.withLock { state in
            if state.process == nil { state.signals.append(number) }
            if number == SIGKILL { state.isKilled = true }
            return state.process
        }
        if let process { kill(process, number) }
    }
}

/// Counts what the post office takes, and acts at once when an event comes that was waited for.
final class DrillWatch: Sendable {
    private struct Trigger {
        var kind: PostOfficeEvent.Kind
        var left: Int
        var since: Int64
        var action: @Sendable () -> Void
    }
    private struct State {
        var reckoning: Reckoning
        var trigger: Trigger?
        var start: Int64?
        /// The first connection after the restart; those before it are the dead worker's.
        var session: Int?
        var first: Int64?
    }
    private let state: Mutex<State>

    init(people: Int) { state = Mutex(State(reckoning: Reckoning(people: people))) }

    /// Calls `action` at the `count`th event of a kind that happened after `since` (microseconds).
    func arm(_ kind: PostOfficeEvent.Kind, count: Int, since: Int64 = 0, action: @escaping @Sendable () -> Void) {
        state.withLock { $0.trigger = Trigger(kind: kind, left: count, since: since, action: action) }
    }

    func disarm() { state.withLock { $0.trigger = nil } }

    /// A new worker starts: the next message taken over a connection of its own is the first one.
    func restart(at time: Int64) { state.withLock { $0.start = time } }

    func take(_ event: PostOfficeEvent) {
        let action: (@Sendable () -> Void)? = state.withLock { state in
            if event.kind == .connect, let start = state.start, state.session == nil, event.time >= start {
                state.session = event.session
            }
            if event.kind == .accepted {
                state.reckoning.take(event.person)
                // The dead worker's messages may still be taken meanwhile.
                if let session = state.session, state.first == nil, event.session >= session {
                    state.first = event.time
                }
            }
            guard let trigger = state.trigger, trigger.kind == event.kind, event.time >= trigger.since else {
                return nil
            }
            guard trigger.left > 1 else {
                state.trigger = nil
                return trigger.action
            }
            state.trigger?.left -= 1
            return nil
        }
        action?()
    }

    func findings() -> (reckoning: Reckoning, first: Int64?) { state.withLock { ($0.reckoning, $0.first) } }
}
