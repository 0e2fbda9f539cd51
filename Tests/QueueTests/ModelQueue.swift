import Clock

@testable import Queue

/// The queue as ARCHITECTURE.md describes it, in memory and without a thought for speed: what the real one is held
/// against, step by step.
struct QueueModel {
    struct Recipient {
        var campaign: Int64
        var key: String
        var state = RecipientState.pending
        var attempts = 0
        var due: Int64 = 0
        var last: Int64?
    }

    struct Attempt {
        var campaign: Int64
        var recipient: Int64
        var previous: Int64?
        var runner: Int64
        var source: String
        /// The keys that count it. The file counts by campaign and domain only from the first limit by them on, and recalls
        /// what was before: so it must decide as if it had always counted.
        var keys: [CapKey] = []
        var outcome: AttemptOutcome?
        /// True time of its settling, which no queue can know: only the caps' proof uses it.
        var settledTruly: Int64?
    }

    struct CapKey: Hashable {
        var scope: LimitScope
        var key: String
    }

    struct Cap {
        var open = 0
        var grants: [(at: Int64, attempt: Int64)] = []
        var lastAt: Int64 { grants.last?.at ?? 0 }
    }

    struct Member {
        var campaign: Int64
        var source: String
        var limits: [Limit]
        var policy: DoubtPolicy
        var lives = true
    }

    /// The time as the machine tells it, and as it truly is.
    struct Moment {
        var boot: BootTime
        var wall: Timestamp
        var truth: Int64
        /// A time server keeps the wall clock, which is right then.
        var isSure = false
    }

    var campaigns: [Int64: CampaignState] = [:]
    var recipients: [Int64: Recipient] = [:]
    var attempts: [Int64: Attempt] = [:]
    var caps: [CapKey: Cap] = [:]
    var suppressed: Set<String> = []
    var runners: [Int64: Member] = [:]
    var lastRunner: Int64 = 0
    var generation: Int64 = 0
    var anchor: QueueClock
    var now: Int64 = 0
    var moment: Moment
    /// The wall clock was set forward over a reboot, nothing ran between that could have seen it, and no time server ever
    /// kept it: no queue can tell that from time that passed, so its caps are out of the proof.
    var isBlind = false
    /// Whether the last step was.
    var isRefused = false

    init(_ moment: Moment) {
        self.moment = moment
        let wall = moment.wall.microseconds
        anchor = QueueClock(
            boot: moment.boot.boot, bootMicroseconds: moment.boot.microseconds, queueMicroseconds: wall,
            wallMicroseconds: wall)
    }

    // MARK: Time

    mutating func begin(_ moment: Moment) {
        self.moment = moment
        now = anchor.time(boot: moment.boot, wall: moment.wall, isSure: moment.isSure)
        if anchor.isOutdated(boot: moment.boot, wall: moment.wall, isSure: moment.isSure) { setAnchor() }
    }

    mutating func setAnchor() {
        anchor = anchor.anchored(boot: moment.boot, wall: moment.wall, isSure: moment.isSure)
    }

    func queueTime(_ wall: Timestamp) -> Int64 {
        max(1, now + wall.microseconds - moment.wall.microseconds)
    }
    func wallTime(_ queue: Int64) -> Timestamp { moment.wall + .microseconds(queue - now) }

    // MARK: What follows from the rows

    func tallies(_ campaign: Int64) -> Tallies {
        var tallies = Tallies()
        for recipient in recipients.values where recipient.campaign == campaign {
            tallies[recipient.state] += 1
        }
        return tallies
    }

    func of(_ campaign: Int64, _ states: Set<RecipientState>) -> [Int64] {
        recipients.filter { $0.value.campaign == campaign && states.contains($0.value.state) }.map(
            \.key
        ).sorted()
    }

    /// A campaign ends with the commit that settles its last recipient.
    mutating func endCommit() {
        for (id, state) in campaigns where state == .sending || state == .paused {
            if tallies(id).unsettled == 0 { campaigns[id] = .finished }
        }
    }

    static func domain(_ key: String) -> String { String(key.split(separator: "@").last ?? "") }
    static func group(_ key: String) -> String {
        domain(key) == "foxmail.com" ? "qq.com" : domain(key)
    }
    func isListed(_ key: String) -> Bool {
        suppressed.contains(key) || suppressed.contains("*@" + Self.domain(key))
    }

    func keys(_ runner: Int64) -> [CapKey] {
        guard let member = runners[runner] else { return [] }
        let keys = [CapKey(scope: .source, key: member.source), CapKey(scope: .account, key: "qq")]
        return keys + [CapKey(scope: .campaign, key: String(member.campaign))]
    }

    func open(_ runner: Int64) -> [Int64] {
        attempts.filter { $0.value.runner == runner && $0.value.outcome == nil }.map(\.key).sorted()
    }

    // MARK: Settling

    mutating func settle(_ settlement: Settlement, by decision: DoubtDecision? = nil) {
        guard let attempt = attempts[settlement.attempt] else { return }
        attempts[settlement.attempt]?.outcome = settlement.outcome
        attempts[settlement.attempt]?.settledTruly = moment.truth
        var state = decision?.state ?? settlement.outcome.recipientState
        if state == .pending || state == .deferred, campaigns[attempt.campaign] == .cancelled {
            state = .cancelled
        }
        let id = attempt.recipient
        recipients[id]?.state = state
        let due: Int64 =
            switch state {
            case .deferred, .pending: settlement.retryAt.map(queueTime) ?? now
            default: 0
            }
        recipients[id]?.due = due
        if settlement.countsAsAttempt, settlement.outcome != .aborted { recipients[id]?.attempts += 1 }
        if settlement.suppress != nil, let key = recipients[id]?.key { suppressed.insert(key) }
        for key in attempt.keys {
            caps[key]?.open -= 1
            let at = max(now, caps[key]?.lastAt ?? 0)
            caps[key]?.grants.append((at, settlement.attempt))
        }
    }

    /// Answers how many attempts were open.
    mutating func end(_ runner: Int64, _ policy: DoubtPolicy) -> Int {
        let open = open(runner)
        for attempt in open {
            settle(Settlement(attempt: attempt, outcome: .inDoubt), by: policy.decision)
        }
        runners[runner] = nil
        return open.count
    }

    mutating func recover(_ policy: DoubtPolicy, own: Int64? = nil) -> Recovery {
        var recovery = Recovery()
        for (id, member) in runners.sorted(by: { $0.key < $1.key }) where !member.lives {
            recovery.inDoubt += end(id, own == nil || own == member.campaign ? policy : .hold)
            recovery.runners += 1
        }
        return recovery
    }

    // MARK: Beginning

    mutating func begin(_ recipient: Int64, _ runner: Int64) -> String {
        guard let member = runners[runner], let row = recipients[recipient],
            row.campaign == member.campaign,
            row.state == .pending || row.state == .deferred
        else { return "gone" }
        if isListed(row.key) {
            recipients[recipient]?.state = .suppressed
            recipients[recipient]?.due = 0
            return "suppressed"
        }
        let name = Self.group(row.key)
        let held = member.limits.filter { $0.scope == .domain && ($0.key == nil || $0.key == name) }
        if !held.isEmpty {
            let key = CapKey(scope: .domain, key: name)
            if let until = room(key, held) { return "capped \(name) \(until)" }
        }
        for key in keys(runner) {
            let held = member.limits.filter { $0.scope == key.scope }
            if let until = room(key, held) { return "capped \(key.key) \(until)" }
        }
        let id = (attempts.keys.max() ?? 0) + 1
        let charged = keys(runner) + [CapKey(scope: .domain, key: name)]
        attempts[id] = Attempt(
            campaign: member.campaign, recipient: recipient, previous: row.last, runner: runner,
            source: member.source, keys: charged)
        recipients[recipient]?.state = .sending
        recipients[recipient]?.due = 0
        recipients[recipient]?.last = id
        for key in charged { caps[key, default: Cap()].open += 1 }
        return "begun \(id)"
    }

    /// When there can be room at the earliest (wall time); nil when there is. Counted, not looked up.
    private func room(_ key: CapKey, _ limits: [Limit]) -> Int64? {
        guard let cap = caps[key] else { return nil }
        var worst: Int64?
        for limit in limits {
            let young = cap.grants.filter { $0.at + limit.perMicroseconds > now }
            guard cap.open + young.count >= limit.count else { continue }
            // Free once so many have left that open + rest < count.
            let leaving = young.count - (limit.count - cap.open)
            let until =
                cap.open >= limit.count
                ? now + limit.perMicroseconds : young[leaving].at + limit.perMicroseconds
            worst = max(worst ?? until, until)
        }
        return worst.map { wallTime($0).microseconds }
    }

    /// Promise 3 in true time, for an attempt just begun: the server may have counted an attempt at any moment between
    /// its begin and its settle.
    func capPassed(by id: Int64) -> String? {
        guard !isBlind, let attempt = attempts[id], let member = runners[attempt.runner] else {
            return nil
        }
        for limit in member.limits {
            for key in caps.keys where key.scope == limit.scope && attempt.keys.contains(key) {
                if let only = limit.key, only != key.key { continue }
                let counted = attempts.values.filter { other in
                    other.keys.contains(key)
                        && (other.settledTruly.map { $0 > moment.truth - limit.perMicroseconds } ?? true)
                }.count
                if counted > limit.count { return "\(counted) within \(limit) of \(key)" }
            }
        }
        return nil
    }
}
