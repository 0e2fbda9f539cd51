import Clock

@testable import Queue

extension Step {
    /// Whose step it is; nil for a command's.
    var runner: Int64? {
        switch self {
        case .lease(let runner, _), .exchange(let runner, _, _), .postpone(let runner, _, _),
            .release(let runner, _),
            .heartbeat(let runner), .stop(let runner):
            runner
        default: nil
        }
    }
}

extension CrashHistory {
    /// The next step: mostly what a sender does, at times what it must not.
    func draw() -> Step {
        let runner = machine.members.keys.sorted().randomElement(using: &random)
        let campaign = Int64.random(in: 1...2, using: &random)
        if machine.members.isEmpty, Int.random(in: 0..<10, using: &random) < 8 { return start() }
        if Int.random(in: 0..<5, using: &random) == 0, let batch = batch() { return batch }
        guard let runner, Int.random(in: 0..<10, using: &random) < 8 else { return command(campaign) }
        let held = machine.members[runner]?.held ?? []
        let open = model.open(runner)
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<4: return .lease(runner: runner, count: Int.random(in: 1...5, using: &random))
        case 4: return .heartbeat(runner: runner)
        case 5 where Int.random(in: 0..<3, using: &random) == 0: return .stop(runner: runner)
        case 6 where !held.isEmpty:
            let some = held.map(\.id).filter { _ in Bool.random(using: &random) }
            return .release(runner: runner, recipients: some.filter { machine.leased[$0] == runner })
        case 7:
            let mine = held.map(\.id).filter { machine.leased[$0] == runner }
            guard let one = mine.randomElement(using: &random) else { break }
            return .postpone(runner: runner, recipient: one, until: later())
        case 8 where !open.isEmpty && Int.random(in: 0..<4, using: &random) == 0:
            // With messages in flight: they are settled into a campaign that is over.
            return .order(campaign: model.runners[runner]?.campaign ?? campaign, .cancel)
        default: break
        }
        if held.isEmpty, open.isEmpty { return .lease(runner: runner, count: 3) }
        var begin = held.map(\.id).filter { _ in Int.random(in: 0..<3, using: &random) > 0 }
        if Int.random(in: 0..<20, using: &random) == 0 {
            // Somebody it was never given.
            begin.append(Int64.random(in: 1...12, using: &random))
            begin = Array(Set(begin)).sorted()
        }
        var settle = open.filter { _ in Int.random(in: 0..<3, using: &random) > 0 }.map(settlement)
        if Int.random(in: 0..<25, using: &random) == 0 {
            settle.append(settlement(Int64.random(in: 1...8, using: &random)))
            var met: Set<Int64> = []
            settle = settle.filter { met.insert($0.attempt).inserted }
        }
        return .exchange(runner: runner, settle: settle, begin: begin)
    }

    /// - Parameter refused: of a campaign that cannot be sent now, or that there is not.
    func start(refused: Bool = false) -> Step {
        let halted = model.campaigns.filter { $0.value == .paused || $0.value == .cancelled }.keys.sorted()
        return .start(
            campaign: refused
                ? (halted + [3]).randomElement(using: &random) ?? 3 : Int64.random(in: 1...2, using: &random),
            plan: Int.random(in: 0..<Step.plans.count, using: &random),
            policy: DoubtPolicy.allCases.randomElement(using: &random) ?? .hold)
    }

    func later() -> Timestamp {
        clock.now() + .seconds([-5, 0, 1, 20, 100].randomElement(using: &random) ?? 1)
    }

    func settlement(_ attempt: Int64) -> Settlement {
        let outcome =
            [AttemptOutcome.sent, .sent, .deferred, .deferred, .failed, .inDoubt, .aborted].randomElement(
                using: &random) ?? .sent
        return Settlement(
            attempt: attempt, outcome: outcome, code: 250, reply: "said", bytes: 7,
            retryAt: (outcome == .deferred || outcome == .inDoubt) && Int.random(in: 0..<4, using: &random) > 0
                ? later() : nil,
            countsAsAttempt: Bool.random(using: &random),
            suppress: outcome == .failed && Bool.random(using: &random) ? "no such user" : nil)
    }

    private func command(_ campaign: Int64) -> Step {
        let keys = CrashMachine.Template.keys
        let policy = DoubtPolicy.allCases.randomElement(using: &random) ?? .hold
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<6 where machine.members.count < 3:
            return start()
        case 9, 10:
            let some = (0..<Int.random(in: 1...4, using: &random)).compactMap { _ in
                keys.randomElement(using: &random)
            }
            return .fill(campaign: campaign, keys: some)
        case 11, 12:
            let all: [Set<RecipientState>] = [
                [.failed], [.deferred], [.inDoubt], [.failed, .inDoubt, .deferred],
            ]
            return .retry(campaign: campaign, states: all.randomElement(using: &random) ?? [.failed])
        case 13, 14:
            let decision = DoubtDecision.allCases.randomElement(using: &random) ?? .sent
            let some = Bool.random(using: &random) ? nil : [keys.randomElement(using: &random) ?? ""]
            return .decide(campaign: campaign, decision, keys: some)
        case 15: return .order(campaign: campaign, .pause)
        case 16:
            return .order(
                campaign: campaign, Int.random(in: 0..<6, using: &random) == 0 ? .cancel : .resume)
        case 17:
            let one = keys.randomElement(using: &random) ?? ""
            return .suppress([one, Bool.random(using: &random) ? "*@foxmail.com" : one])
        case 18: return .unsuppress([keys.randomElement(using: &random) ?? "", "*@foxmail.com"])
        case 19: return .recover(policy)
        default: return .order(campaign: campaign, .resume)
        }
    }
}

extension QueueModel {
    /// What is wrong with a lease; nil when nothing is. `leases` are those that were stored before it; without them,
    /// how many it should have got is not asked.
    func objection(
        to answer: LeaseAnswer, runner: Int64, count: Int, leases: [Queue.StoredLease]?
    ) -> String? {
        guard let campaign = runners[runner]?.campaign else { return "a lease without a runner" }
        let state = campaigns[campaign] ?? .draft
        if answer.state != state { return "the lease says the campaign is \(answer.state)" }
        if answer.tallies != tallies(campaign) { return "the lease says \(answer.tallies)" }
        guard state == .sending else {
            return answer.recipients.isEmpty ? nil : "leased while \(state)"
        }
        let waiting = of(campaign, [.pending, .deferred])
        let free = free(campaign, leases ?? [])
        let got = answer.recipients.map(\.id)
        if Set(got).count != got.count || !free.isSuperset(of: got) {
            return "leased \(got) of \(free.sorted())"
        }
        guard leases != nil else { return misread(answer) }
        if got.count != min(count, free.count) { return "leased \(got) of \(free.sorted()), asked for \(count)" }
        if got.isEmpty {
            let next = waiting.compactMap { recipients[$0]?.due }.filter { $0 > now }.min().map(wallTime)
            if answer.nextDue != next {
                return "the next is said to be due \(String(describing: answer.nextDue))"
            }
        }
        return misread(answer)
    }

    /// Who can be leased.
    func free(_ campaign: Int64, _ leases: [Queue.StoredLease]) -> Set<Int64> {
        let free = of(campaign, [.pending, .deferred]).filter { id in
            let due = recipients[id]?.due ?? 0
            return due <= now && !leases.contains { $0.range.contains(id) && ($0.fresh ? due == 0 : true) }
        }
        return Set(free)
    }

    private func misread(_ answer: LeaseAnswer) -> String? {
        for recipient in answer.recipients {
            let doubted = attempts.values.contains {
                $0.recipient == recipient.id && $0.outcome == .inDoubt
            }
            let row = recipients[recipient.id]
            if recipient.email != row?.key || recipient.attempts != row?.attempts
                || recipient.inDoubtBefore != doubted
            {
                return "leased as \(recipient)"
            }
        }
        return nil
    }
}
