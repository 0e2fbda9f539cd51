import Clock
import Mail
import Queue

/// What is to be written down after a delivery, and what it means for the route.
struct Judgement {
    /// What the answer says about the way there.
    enum Consequence: Equatable {
        case none
        /// This session is over; others may go on.
        case reconnect
        /// Nobody uses the route for a while.
        case rest(Duration, rule: String, reply: String, attempt: Int64)
        case loginRefused(String)
    }

    var settlement: Settlement
    var consequence: Consequence
}

/// Turns what happened in a dialogue into an outcome: policy only, no state and no clock of its own.
struct Judge: Sendable {
    let account: Account
    let classifier: ReplyClassifier

    /// How often a message may be lost before its dot until that counts as an attempt: a server that hangs up on one
    /// message alone must not be offered it for ever.
    static let patientLosses = 3

    /// - Parameters:
    ///   - domain: the recipient's, for its retry schedule.
    ///   - attempts: how many counted before this one.
    ///   - losses: how often this recipient's message was lost in this run, this time included.
    ///   - jitter: 0..<1.
    func judge(
        _ delivery: Delivery, attempt: Int64, domain: String, attempts: Int, losses: Int, bytes: Int, tls: String?,
        now: Timestamp, jitter: Double
    ) -> Judgement {
        let settlement: Maker = { outcome, reply, words, retryAt, counts, suppress in
            Settlement(
                attempt: attempt, outcome: outcome, code: reply?.code, enhanced: reply?.enhanced,
                reply: reply?.text ?? words, tls: tls, bytes: bytes, retryAt: retryAt, countsAsAttempt: counts,
                suppress: suppress)
        }
        let tries = Tries(attempt: attempt, domain: domain, attempts: attempts, now: now, jitter: jitter)
        switch delivery {
        case .untouched:
            return Judgement(
                settlement: settlement(.aborted, nil, "not offered: the session ended first", nil, false, nil),
                consequence: .none)
        case .doubtful(let words):
            // Whether there is a next try is the policy's to say; when it would be, the schedule's.
            let wait = schedule(tries, .network, "default.lost").wait(after: attempts + 1, jitter: jitter)
            return Judgement(
                settlement: settlement(
                    .inDoubt, nil, "the connection was lost after the final dot, before the answer: \(words)",
                    wait.map { now + $0 }, true, nil),
                consequence: .reconnect)
        case .lost(let words):
            if losses >= Self.patientLosses {
                return Judgement(
                    settlement: later(
                        settlement, tries, kind: .network, rule: "default.lost",
                        words: "connection lost \(losses) times: \(words)"),
                    consequence: .reconnect)
            }
            return Judgement(
                settlement: settlement(
                    .aborted, nil, "connection lost before the final dot: \(words)", nil, false, nil),
                consequence: .reconnect)
        case .answered(.dot, let reply) where reply.code / 100 == 2:
            return Judgement(settlement: settlement(.sent, reply, "", nil, true, nil), consequence: .none)
        case .answered(let stage, let reply):
            return refused(reply, stage, settlement, tries)
        }
    }

    /// How long the route rests after a route-level answer; `nil`: reconnecting is enough. A 421 that names no time says only
    /// “later”: the account's own first wait holds, a minute at most.
    func rest(_ verdict: Verdict, _ reply: Reply) -> Duration? {
        if let rest = verdict.rest { return rest }
        return reply.code == 421 ? min(account.retry.waits.first ?? Self.briefRest, Self.briefRest) : nil
    }

    private static let briefRest = Duration.seconds(60)

    /// How a recipient stands with its retry schedule.
    private struct Tries {
        var attempt: Int64
        var domain: String
        var attempts: Int
        var now: Timestamp
        var jitter: Double
    }

    private typealias Maker = (AttemptOutcome, Reply?, String, Timestamp?, Bool, String?) -> Settlement

    private func refused(_ reply: Reply, _ stage: Stage, _ make: Maker, _ tries: Tries) -> Judgement {
        let verdict = classifier.judge(reply, host: account.host, at: stage)
        switch verdict.action {
        case .fail:
            return Judgement(
                settlement: make(.failed, reply, "", nil, true, verdict.suppress ? reply.line : nil),
                consequence: reply.code == 421 ? .reconnect : .none)
        case .defer:
            return Judgement(
                settlement: later(
                    make, tries, kind: verdict.kind, rule: verdict.rule, named: verdict.named, least: verdict.rest,
                    reply: reply),
                consequence: reply.code == 421 ? .reconnect : .none)
        case .login:
            return Judgement(
                settlement: make(.deferred, reply, "", tries.now, false, nil),
                consequence: .loginRefused(reply.line))
        case .rest:
            let rest = self.rest(verdict, reply)
            let wait = rest ?? schedule(tries, verdict.kind, verdict.rule).wait(after: 1, jitter: tries.jitter)
            let consequence: Judgement.Consequence =
                rest.map { .rest($0, rule: verdict.rule, reply: reply.line, attempt: tries.attempt) } ?? .reconnect
            return Judgement(
                settlement: make(.deferred, reply, "", tries.now + (wait ?? .seconds(60)), false, nil),
                consequence: consequence)
        }
    }

    private func schedule(_ tries: Tries, _ kind: ReplyKind, _ rule: String) -> RetrySchedule {
        account.retries.rule(domain: tries.domain, kind: kind, rule: rule)?.schedule ?? account.retry
    }

    /// Deferred by the schedule, or failed when that is used up. A wait the server names is obeyed; the reply rule's own
    /// holds unless somebody chose the schedule, for the account or for just that refusal.
    private func later(
        _ make: Maker, _ tries: Tries, kind: ReplyKind, rule: String, named: Duration? = nil, least: Duration? = nil,
        reply: Reply? = nil, words: String = ""
    ) -> Settlement {
        let special = account.retries.rule(domain: tries.domain, kind: kind, rule: rule)
        let schedule = special?.schedule ?? account.retry
        guard let wait = schedule.wait(after: tries.attempts + 1, jitter: tries.jitter) else {
            return make(.failed, reply, words, nil, true, nil)
        }
        let isChosen = special.map { $0.cause != .any } ?? account.retryIsChosen
        let floor = (isChosen ? named : least) ?? .zero
        return make(.deferred, reply, words, tries.now + max(wait, floor), true, nil)
    }
}
