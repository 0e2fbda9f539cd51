import Clock
import Mail
import Queue
import Transport

/// Sends one campaign over one account from this process, until nothing may be sent now.
public final class Dispatcher: Sendable {
    private let queue: Queue
    private let campaign: Campaign
    private let account: Account
    private let plan: MessagePlan
    private let classifier: ReplyClassifier
    private let options: SendOptions
    private let clock: any WallClock
    private let gate: Gate

    /// - Parameters:
    ///   - campaign: as the queue has it; its content must be what `plan` was made of.
    ///   - account: with its limits; the campaign's own limits are added to them.
    public init(
        queue: Queue, campaign: Campaign, account: Account, plan: MessagePlan, classifier: ReplyClassifier,
        options: SendOptions, clock: any WallClock = SystemClock()
    ) {
        self.queue = queue
        self.campaign = campaign
        self.account = account
        self.plan = plan
        self.classifier = classifier
        self.options = options
        self.clock = clock
        gate = Gate(workers: account.sessions, options: options, clock: clock)
    }

    /// Begins no new message; those in flight finish, and `run` returns `.interrupted`.
    public func drain() { gate.stop(.interrupted) }

    /// Runs the campaign.
    /// - Parameter progress: called about five times a second, and once at the end.
    /// - Throws: `QueueError` when the queue cannot be written: nothing is sent any more then.
    public func run(progress: @escaping @Sendable (Progress) -> Void = { _ in }) async throws -> Ending {
        guard clock.now() >= .earliestSane else { return .wrongClock }
        let limits = account.limits + campaign.limits
        let runner = try await queue.startRunner(
            campaign.id, account: account.name, source: account.sourceKey, limits: limits, doubt: options.doubt,
            tries: account.retry.waits.count, arising: options.arising,
            refusals: account.refusals, window: account.window, isEven: account.pace == .even,
            sharesMX: options.resolver != nil,
            goesOn: { [gate] in !gate.isStopped })
        do {
            let ending = try await run(runner, limits, progress)
            try await runner.stop()
            return ending
        } catch {
            try? await runner.stop()
            throw error
        }
    }

    private func run(
        _ runner: Runner, _ limits: [Limit], _ progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> Ending {
        let feed = Feed(runner, batch: max(16, account.sessions * 2), clock: clock)
        let destinations = destinations(runner, limits, feed)
        feed.destinations = destinations
        let context = RunContext(
            account: account, plan: plan, judge: Judge(account: account, classifier: classifier), runner: runner,
            feed: feed, destinations: destinations, gate: gate, route: try Route(account),
            clock: clock, limits: runner.limits,
            messageIDStem: String(campaign.createdAt.microseconds, radix: 36) + "." + String(campaign.id, radix: 36),
            messageIDDomain: String(plan.envelopeFrom.split(separator: "@").last ?? "localhost"),
            observe: options.observe)
        // What is in force from before holds from the first message on.
        gate.obey(try await runner.status(RunnerStatus(), route: context.routeName).rest, isFirst: true)
        try await destinations?.begin()
        let lanes = Lane.pool(count: min(options.lanes, account.sessions))
        let next = NextMessage(queue, campaign, account)
        let watch = Task { await Monitor(context, next, progress).watch() }
        let failure: (any Error)? = await withTaskGroup(of: (any Error)?.self) { group in
            for number in 0..<account.sessions {
                let lane = lanes[number % lanes.count]
                let worker = Worker(number, on: lane, context)
                group.addTask(executorPreference: lane) {
                    do {
                        try await worker.work()
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            var first: (any Error)?
            for await error in group where first == nil { first = error }
            return first
        }
        watch.cancel()
        let gone = await watch.value
        if let failure = failure ?? gone { throw failure }
        try await runner.release(context.feed.drain())
        return try await conclude(runner.id, next)
    }

    private func destinations(_ runner: Runner, _ limits: [Limit], _ feed: Feed) -> Destinations? {
        guard limits.contains(where: { $0.scope == .domain || $0.scope == .campaign }) else { return nil }
        let resolver = limits.contains { $0.scope == .domain } ? options.resolver : nil
        return Destinations(runner, resolver, gate: gate, clock: clock, patience: options.lookUpPatience) {
            [weak feed] in feed?.release($0)
        }
    }

    /// What “nothing is left to take” means is the queue's to say.
    private func conclude(_ runner: Int64, _ next: NextMessage) async throws -> Ending {
        let ending = gate.ending ?? .finished
        if let reason = ending.reason { return Ending(try await next.foreseen(reason)) ?? ending }
        let id = campaign.id
        guard case .finished = ending, let now = try await next.read({ try $0.campaign(id: id) }) else { return ending }
        switch now.state {
        case .paused: return .paused
        case .cancelled: return .cancelled
        case .draft, .sending, .finished: break
        }
        let open = now.tallies.pending + now.tallies.sending + now.tallies.deferred
        if open > 0 {
            let others = try await next.read { try $0.runners(id).contains { $0.id != runner } }
            return others ? .others(open) : .waiting(until: clock.now())
        }
        return now.tallies.inDoubt > 0 ? .inDoubt(now.tallies.inDoubt) : .finished
    }
}
