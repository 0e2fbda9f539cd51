import Clock

@testable import Queue

/// One thing done to the queue, with all that it needs.
enum Step: Sendable {
    case fill(campaign: Int64, keys: [String])
    case start(campaign: Int64, plan: Int, policy: DoubtPolicy)
    case lease(runner: Int64, count: Int)
    case exchange(runner: Int64, settle: [Settlement], begin: [Int64])
    case postpone(runner: Int64, recipient: Int64, until: Timestamp)
    case release(runner: Int64, recipients: [Int64])
    case heartbeat(runner: Int64)
    case stop(runner: Int64)
    case retry(campaign: Int64, states: Set<RecipientState>)
    case decide(campaign: Int64, DoubtDecision, keys: [String]?)
    case order(campaign: Int64, CampaignOrder)
    case suppress([String])
    case unsuppress([String])
    case recover(DoubtPolicy)
    /// In one commit; none of them blocks its caller.
    case batch(process: Int, [Step])

    /// What a runner can be started with: its source and its limits.
    static let plans: [(source: String, limits: [Limit])] = [
        ("default", []),
        ("default", [Limit(scope: .source, count: 2, per: .seconds(60))]),
        (
            "default",
            [
                Limit(scope: .source, count: 3, per: .seconds(60)),
                Limit(scope: .account, count: 4, per: .seconds(300)),
            ]
        ),
        (
            "second",
            [
                Limit(scope: .domain, count: 1, per: .seconds(60)),
                Limit(scope: .source, count: 3, per: .seconds(60)),
            ]
        ),
        (
            "second",
            [
                Limit(scope: .campaign, count: 2, per: .seconds(120)),
                Limit(scope: .domain, key: "qq.com", count: 2, per: .seconds(90)),
                Limit(scope: .source, count: 5, per: .seconds(60)),
                Limit(scope: .source, count: 3, per: .seconds(20)),
            ]
        ),
    ]
}

extension QueueModel {
    /// Does a step; answers what the queue must answer.
    /// - Parameter joined: the commit is not over with this step.
    mutating func apply(_ step: Step, at moment: Moment, joined: Bool = false) -> String {
        begin(moment)
        // What is written by itself begins with what came before it written.
        if case .start = step { endCommit() }
        let before = self
        isRefused = false
        do {
            let answer = try answer(step)
            if case .start = step { endCommit() } else if !joined { endCommit() }
            return answer
        } catch {
            // A refused step changes nothing; that it looked at the clock stays.
            self = before
            isRefused = true
            return "\(error)"
        }
    }

    private mutating func answer(_ step: Step) throws(QueueError) -> String {
        if let runner = step.runner, runners[runner] == nil {
            if case .stop = step { return "done" }
            throw .stopped
        }
        switch step {
        case .fill(let campaign, let keys): return try fill(campaign, keys)
        case .start(let campaign, let plan, let policy): return try start(campaign, plan, policy)
        case .lease: return "leased"
        case .exchange(let runner, let settle, let begin): return try exchange(runner, settle, begin)
        case .postpone(_, let recipient, let until):
            if let state = recipients[recipient]?.state, state == .pending || state == .deferred {
                let due = queueTime(until)
                recipients[recipient]?.due = due
            }
            return "done"
        case .release: return "done"
        case .heartbeat(let runner):
            guard let member = runners[runner] else { throw .stopped }
            setAnchor()
            _ = recover(member.policy, own: member.campaign)
            return (campaigns[member.campaign] ?? .draft).rawValue
        case .stop(let runner):
            guard let member = runners[runner] else { return "done" }
            _ = end(runner, member.policy)
            setAnchor()
            return "done"
        case .retry(let campaign, let states):
            let after = try (campaigns[campaign] ?? .draft).after(.refill)
            let found = of(campaign, states)
            for id in found { putBack(id, .pending) }
            if !found.isEmpty { campaigns[campaign] = after }
            return "\(found.count)"
        case .decide(let campaign, let decision, let keys):
            if decision == .resend { _ = try (campaigns[campaign] ?? .draft).after(.refill) }
            let found = of(campaign, [.inDoubt]).filter { id in
                keys?.contains(recipients[id]?.key ?? "") ?? true
            }
            for id in found { putBack(id, decision.state) }
            return "\(found.count)"
        case .order(let campaign, let order):
            campaigns[campaign] = try (campaigns[campaign] ?? .draft).after(order)
            if order == .cancel {
                for id in of(campaign, [.pending, .deferred]) {
                    recipients[id]?.state = .cancelled
                    recipients[id]?.due = 0
                }
            }
            return "done"
        case .suppress(let keys):
            let fresh = Set(keys).subtracting(suppressed)
            suppressed.formUnion(fresh)
            return "\(fresh.count)"
        case .unsuppress(let keys):
            let gone = Set(keys).intersection(suppressed)
            suppressed.subtract(gone)
            return "\(gone.count)"
        case .recover(let policy):
            let recovery = recover(policy)
            return "\(recovery.runners) \(recovery.inDoubt)"
        case .batch: return "no such step"
        }
    }

    private mutating func putBack(_ id: Int64, _ state: RecipientState) {
        recipients[id]?.state = state
        recipients[id]?.due = 0
        if state == .pending { recipients[id]?.attempts = 0 }
    }

    private mutating func fill(_ campaign: Int64, _ keys: [String]) throws(QueueError) -> String {
        let state = try (campaigns[campaign] ?? .draft).after(.refill)
        let known = Set(recipients.values.filter { $0.campaign == campaign }.map(\.key))
        var met = known
        var counts = ImportCounts()
        // A row's number is its place in the list, so a known one leaves a gap.
        let last = recipients.keys.max() ?? 0
        for (place, key) in keys.enumerated() {
            counts.in += 1
            guard met.insert(key).inserted else {
                if known.contains(key) { counts.known += 1 } else { counts.duplicate += 1 }
                continue
            }
            let listed = isListed(key)
            recipients[last + Int64(place) + 1] = Recipient(
                campaign: campaign, key: key, state: listed ? .suppressed : .pending)
            if listed { counts.suppressed += 1 } else { counts.new += 1 }
        }
        if counts.new > 0 { campaigns[campaign] = state }
        return "\(counts)"
    }

    private mutating func start(_ campaign: Int64, _ plan: Int, _ policy: DoubtPolicy)
        throws(QueueError) -> String
    {
        generation += 1
        let recovery = recover(policy, own: campaign)
        guard let state = campaigns[campaign] else { throw .noSuchCampaign("number \(campaign)") }
        guard state != .paused, state != .cancelled else { throw .halted(state) }
        campaigns[campaign] = try state.after(.start)
        if let decision = policy.decision {
            for id in of(campaign, [.inDoubt]) {
                recipients[id]?.state = decision.state
                recipients[id]?.due = decision == .resend ? now : 0
            }
        }
        setAnchor()
        lastRunner += 1
        let (source, limits) = Step.plans[plan]
        runners[lastRunner] = Member(campaign: campaign, source: source, limits: limits, policy: policy)
        for key in keys(lastRunner) { caps[key, default: Cap()].open += 0 }
        return "\(lastRunner) \(recovery.runners) \(recovery.inDoubt)"
    }

    private mutating func exchange(
        _ runner: Int64, _ settlements: [Settlement], _ begins: [Int64]
    ) throws(QueueError) -> String {
        for settlement in settlements {
            let attempt = attempts[settlement.attempt]
            guard let attempt, attempt.runner == runner, attempt.outcome == nil else {
                throw .notOpen(attempt: settlement.attempt)
            }
        }
        guard let member = runners[runner] else { throw .stopped }
        for settlement in settlements {
            let isDecided =
                settlement.outcome == .inDoubt && (member.policy != .resend || settlement.retryAt != nil)
            settle(settlement, by: isDecided ? member.policy.decision : nil)
        }
        let state = campaigns[member.campaign] ?? .draft
        guard state == .sending else {
            return begins.map { _ in "halted \(state.rawValue)" }.joined(separator: ", ")
        }
        var answers: [String] = []
        for recipient in begins { answers.append(begin(recipient, runner)) }
        return answers.joined(separator: ", ")
    }
}
