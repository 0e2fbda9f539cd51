import Clock
import Mail
import Queue
import Transport

/// One session's life: take, render, begin, hand over, settle, again. It runs on a lane's serial queue and awaits
/// the queue's commits; outcomes of one round and beginnings of the next ride in the same commit.
actor Worker {
    /// The most messages one session begins in one commit.
    static let largestBatch = 16
    /// What a session hands over between two commits, microseconds, if it is no more than `largestBatch`. On a disk that syncs
    /// at once the commits would otherwise be so many that writing the same pages again cost more than the messages.
    private static let stretch: Int64 = 50_000
    /// No more is begun together than the caps let go in so many microseconds, or while the disk syncs.
    private static let period: Int64 = 10_000

    private let number: Int
    private let lane: Lane
    private let run: RunContext
    private var session: Session?
    private var prepared: [Prepared] = []
    private var settled: [Settlement] = []
    private var batch = 1
    /// Begun while what was before them was on its way; they go next.
    private var ahead: [(Prepared, Int64)] = []
    /// The server takes so long for a message that the commit of the next one fits in.
    private var isSlow = false
    /// How long the last commit took, microseconds.
    private var commit: Int64 = 0
    /// What the queue threw while something was on its way.
    private var fault: (any Error)?
    private var losses: [Int64: Int] = [:]
    private var random = Jitter()

    nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

    init(_ number: Int, on lane: Lane, _ run: RunContext) {
        self.number = number
        self.lane = lane
        self.run = run
    }

    /// Works until the gate says stop.
    /// - Throws: what the queue throws: then nothing is known to be on disk, and nothing more is sent.
    func work() async throws {
        var failure: (any Error)?
        do {
            while true {
                if !ahead.isEmpty {
                    try await deliverAhead()
                    continue
                }
                switch run.gate.permission(number) {
                case .stop: break
                case .hold(let reason):
                    try await park(reason)
                    continue
                case .go:
                    try await turn()
                    continue
                }
                break
            }
            try await flush()
            run.feed.giveBack(prepared.map(\.recipient.id))
        } catch {
            failure = error
            run.gate.stop(.interrupted)
        }
        await leave(politely: failure == nil)
        if let failure { throw failure }
    }

    /// Ends the session. A function of its own, whose entry goes to the lane: after the `do` above the optimiser of Swift
    /// 6.3 leaves that out, and a socket that is read off its lane misses its wake-up.
    @inline(never)
    private func leave(politely: Bool) async {
        prepared.removeAll()
        run.gate.show(number, "off")
        if politely { await session?.quit() } else { session?.close() }
        session = nil
        run.gate.leave(number)
    }

    private func turn() async throws {
        if let opening = run.runner.nextOpening() {
            try await park(.closed(until: opening))
            return
        }
        if prepared.isEmpty {
            switch try await run.feed.take(batch) {
            case .recipients(let recipients): prepared = recipients.map(prepare)
            case .none where !settled.isEmpty:
                try await flush()  // what was just settled may be due at once, or be the last there was
                return
            case .none(let nextDue, let unsettled):
                if let nextDue {
                    try await park(.retry(until: nextDue))
                } else {
                    try await park(unsettled == 0 ? .nothing : .others(until: run.clock.now() + .milliseconds(500)))
                }
                return
            }
        }
        if session == nil {
            try await flush()
            await connect()
        }
        guard let session else { return }
        if run.account.pace == .even, let reason = run.paceWait() {
            try await park(reason)
            return
        }
        try await exchangeAndDeliver(over: session)
    }

    private func exchangeAndDeliver(over session: Session) async throws {
        let allowed = run.gate.reserve(min(batch, prepared.count))
        if allowed == 0 {
            run.gate.stop(.limitReached)
            return
        }
        run.gate.show(number, "commit")
        let (begun, waiting) = try await begin(allowed)
        if !begun.isEmpty { try await deliver(begun, over: session) }
        if let waiting, ahead.isEmpty { try await park(waiting) }
    }

    /// Settles what is over and begins the first `count` that are prepared. Answers those begun, and what others wait for.
    private func begin(_ count: Int) async throws -> (begun: [(Prepared, Int64)], waiting: WaitReason?) {
        let asked = run.ticks()
        let recorded = settled
        settled.removeAll(keepingCapacity: true)
        let answers = try await run.runner.exchange(settle: recorded, begin: prepared[..<count].map(\.request))
        run.gate.count(recorded)
        commit = run.ticks() - asked
        var batchNow: [(Prepared, Int64)] = []
        var kept: [Prepared] = []
        var waiting: WaitReason?
        for (item, answer) in zip(prepared[..<count], answers) {
            switch answer {
            case .begun(let attempt):
                batchNow.append((item, attempt))
                if run.account.pace == .even { run.gate.paced(until: nil) }
            case .gone, .suppressed: break
            case .halted(let state):
                kept.append(item)
                run.halted(state)
            case .closed(let until):
                kept.append(item)
                waiting = .closed(until: until)
            case .unready:
                kept.append(item)
                run.destinations?.unready(item.request.domain)
                waiting = .history(until: run.clock.now() + .milliseconds(100))
            case .paced(let until):
                kept.append(item)
                run.gate.paced(until: until)
                waiting = .pace(until: until)
            case .capped(let limit, _, let until), .claimed(let limit, _, let until):
                if limit.scope == .domain {
                    try await run.runner.postpone(item.recipient.id, until: until)
                } else {
                    kept.append(item)
                    waiting = WaitReason(full: answer)
                }
            }
        }
        run.gate.giveBack(count - batchNow.count)
        prepared = kept + prepared[count...]
        return (batchNow, waiting)
    }

    private func deliverAhead() async throws {
        let items = ahead
        ahead.removeAll()
        guard let session, !run.gate.isHalted else { return abandon(items) }
        try await deliver(items, over: session)
    }

    /// They were begun and do not leave: the attempts are settled, and who took them lets go of them.
    private func abandon(_ items: [(Prepared, Int64)]) {
        if let open = session, open.envelopeIsOut {
            open.close()  // a transaction nobody will finish
            session = nil
        }
        for (item, attempt) in items {
            settled.append(judge(.untouched, attempt, item.recipient, bytes: 0, tls: nil).settlement)
        }
    }

    private func judge(
        _ delivery: Delivery, _ attempt: Int64, _ recipient: LeasedRecipient, bytes: Int, tls: String?
    ) -> Judgement {
        run.judge.judge(
            delivery, attempt: attempt, domain: recipient.domain, attempts: recipient.attempts,
            losses: losses[recipient.id] ?? 0, bytes: bytes, tls: tls, now: run.clock.now(),
            jitter: Double.random(in: 0..<1, using: &random))
    }

    /// How many to begin while `count` are on their way. Where a commit is short beside the server's answer it is not waited
    /// for; no more are open at once than are begun together elsewhere, so a tight cap leaves one.
    private func lookAhead(_ count: Int, over session: Session) -> Int {
        guard isSlow, run.account.pace != .even, session.messages + count < run.account.messagesPerSession,
            run.runner.nextOpening() == nil, case .go = run.gate.permission(number)
        else { return 0 }
        if prepared.isEmpty { prepareAhead() }
        return max(0, min(batch, prepared.count, run.largestBatch(period: Worker.period) - count))
    }

    private func beginAhead(_ count: Int) async -> RenderedMessage? {
        do { ahead = try await begin(count).begun } catch { fault = error }
        guard !run.gate.isHalted, case .success(let message)? = ahead.first?.0.message else { return nil }
        return message
    }

    private func deliver(_ items: [(Prepared, Int64)], over session: Session) async throws {
        run.gate.show(number, "send")
        var sendable: [Begun] = []
        for (item, attempt) in items {
            switch item.message {
            case .success(let message):
                sendable.append(Begun(attempt: attempt, recipient: item.recipient, message: message))
            case .failure(let fault):
                settled.append(
                    Settlement(
                        attempt: attempt, outcome: .failed, reply: "the message could not be written: \(fault.words)"))
            }
        }
        guard !sendable.isEmpty else { return }
        let tls = session.tlsVersion
        let begun = run.ticks()
        var consequence = Judgement.Consequence.none
        var judged: [Settlement?] = Array(repeating: nil, count: sendable.count)
        func judge(_ index: Int, _ delivery: Delivery) -> Judgement {
            let item = sendable[index]
            if case .lost = delivery { losses[item.recipient.id, default: 0] += 1 }
            let judgement = self.judge(
                delivery, item.attempt, item.recipient, bytes: item.message.size, tls: tls)
            run.observe?(judgement.settlement, .microseconds(run.ticks() - begun))
            return judgement
        }
        let gate = run.gate
        let following = run.gate.reserve(lookAhead(sendable.count, over: session))
        let next =
            following == 0 ? nil : Task(executorPreference: lane) { [self] in await beginAhead(following) }
        let results = await session.deliver(
            sendable.map(\.message),
            stop: { index, delivery in
                let judgement = judge(index, delivery)
                judged[index] = judgement.settlement
                consequence = judgement.consequence
                // Whoever pauses does not wait for what was begun and has not left; it goes back.
                return consequence != .none || gate.isHalted
            }, idle: prepareAhead, following: next)
        _ = await next?.value
        var lost = false
        for (index, result) in results.enumerated() where judged[index] == nil {
            let judgement = judge(index, result)
            judged[index] = judgement.settlement
            if judgement.consequence != .none {
                consequence = judgement.consequence
                lost = true
            }
        }
        settled += judged.compactMap { $0 }
        run.gate.show(number, "wait", delivered: sendable.count)
        adapt(run.ticks() - begun, messages: sendable.count)
        // Refusals that will pause the campaign shall find as little as may be under way.
        if settled.suffix(sendable.count).count(where: { $0.outcome == .failed }) * 2 > sendable.count { batch = 1 }
        await act(on: consequence, lost: lost)
        if let fault { throw fault }
        if self.session == nil {
            abandon(ahead)
            ahead.removeAll()
        }
        if self.session != nil, session.messages >= run.account.messagesPerSession {
            await session.quit()
            self.session = nil
        }
    }

    private func act(on consequence: Judgement.Consequence, lost: Bool) async {
        switch consequence {
        case .none:
            run.gate.opened()
            return
        case .reconnect:
            // One dropped answer is no reason to slow down; the second in a row is.
            let error = settled.last?.reply ?? ""
            let setback = run.gate.failed(opening: false)
            if let pause = setback.pause, lost || pause > .milliseconds(500) {
                run.gate.hold(.reconnect(until: run.clock.now() + pause, error: error))
            }
            if let rest = setback.rest { await run.record(rest: rest, rule: "default.trial", reply: error) }
        case .rest(let time, let rule, let reply, let attempt):
            await run.rest(for: time, rule: rule, reply: reply, attempt: attempt)
        case .loginRefused(let reply):
            run.gate.stop(.loginRefused(reply))
        }
        session?.close()
        session = nil
    }

    private func connect() async {
        run.gate.show(number, "connect")
        do {
            let gate = run.gate
            session = try await run.route.open(on: lane) { gate.isStopped }
            if session != nil { run.gate.opened() }
        } catch let error as SessionError {
            await failed(error)
        } catch {
            run.gate.stop(.unreachable("\(error)"))
        }
    }

    private func failed(_ error: SessionError) async {
        switch error {
        case .login(let reply): run.gate.stop(.loginRefused(reply.line))
        case .unprotected: run.gate.stop(.unreachable("\(error)"))
        case .connection(let cause) where cause.isLasting && !(run.gate.stays && cause.isOfTheNetwork):
            run.gate.stop(.unreachable("\(error)"))
        case .refused(let stage, let reply):
            let verdict = run.judge.classifier.judge(reply, host: run.account.host, at: stage)
            if verdict.action == .login {
                run.gate.stop(.loginRefused(reply.line))
            } else if let rest = run.judge.rest(verdict, reply) {
                await run.rest(for: rest, rule: verdict.rule, reply: reply.line, attempt: nil)
            } else {
                await backOff(error)
            }
        case .connection, .garbage: await backOff(error)
        }
    }

    private func backOff(_ error: SessionError) async {
        let setback = run.gate.failed(opening: true)
        if let pause = setback.pause {
            run.gate.hold(.reconnect(until: run.clock.now() + pause, error: "\(error)"))
        } else {
            run.gate.stop(.unreachable("\(error)"))
        }
        if let rest = setback.rest { await run.record(rest: rest, rule: "default.trial", reply: "\(error)") }
    }

    private func park(_ reason: WaitReason) async throws {
        try await flush()
        if let open = session, reason.until.map({ $0 - run.clock.now() > run.account.timeouts.idle }) ?? true {
            await open.quit()
            session = nil
        }
        run.gate.show(number, session == nil ? "off" : "wait")
        await run.gate.park(number, reason)
    }

    /// Writes down what is settled, when nothing is begun with it.
    private func flush() async throws {
        guard !settled.isEmpty else { return }
        let recorded = settled
        settled.removeAll(keepingCapacity: true)
        _ = try await run.runner.exchange(settle: recorded, begin: [])
        run.gate.count(recorded)
        if recorded.contains(where: { [.aborted, .deferred, .inDoubt].contains($0.outcome) }) { run.gate.changed() }
    }

    /// Renders the next messages while the last one's answer is on its way: two for each that leaves, so that a batch
    /// may grow.
    private func prepareAhead() {
        for _ in 0..<2 where prepared.count < batch {
            guard let next = run.feed.takeNow() else { return }
            prepared.append(prepare(next))
        }
    }

    private func prepare(_ recipient: LeasedRecipient) -> Prepared {
        let id = run.messageID(of: recipient.id)
        let request = BeginRequest(
            recipient: recipient.id, server: run.account.server, messageID: id, domain: recipient.domain)
        do {
            let message = try run.plan.render(
                RenderInput(email: recipient.email, fields: recipient.fields, messageID: id, date: run.clock.now()))
            return Prepared(recipient: recipient, request: request, message: .success(message))
        } catch {
            return Prepared(
                recipient: recipient, request: request, message: .failure(RenderingFault(words: "\(error)")))
        }
    }

    /// Begins more messages a commit when they are handed over faster than the disk syncs, fewer when they are not; a
    /// crash can leave in doubt what was begun, so a tight cap keeps it at one.
    private func adapt(_ delivery: Int64, messages: Int) {
        isSlow = delivery > Int64(messages) * max(Worker.period, commit * 2)
        let most = run.largestBatch(period: max(commit, Worker.period))
        let stretch = max(commit, Worker.stretch)
        if isSlow || delivery > stretch * 3 { batch -= 1 } else if delivery < stretch { batch += 1 }
        batch = max(1, min(batch, most))
    }
}
