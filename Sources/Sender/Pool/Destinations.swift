import Clock
import Queue
import Synchronization
import Transport

/// Sees to it that a run knows where its messages go, and what was sent there before, ere one is begun: domains are
/// looked up as their recipients are leased, and who turns out to share a server with others brings its history along.
///
/// There is one only where a limit by domain or by campaign holds; without a resolver it looks up nothing.
final class Destinations: Sendable {
    private struct State {
        /// Until when the hosts of a domain are known.
        var known: [String: Timestamp] = [:]
        var asked: Set<String> = []
        var findings: [SiteFinding] = []
        var isLearning = false
        /// Domains whose messages were answered `.unready`.
        var unready: Set<String> = []
        var isRecalling = false
    }

    private let runner: Runner
    private let resolver: MXResolver?
    private let gate: Gate
    private let clock: any WallClock
    private let state = Mutex(State())
    /// Told which domains are ready that were not.
    private let ready: @Sendable (Set<String>) -> Void

    /// Beyond so many domains the memory of them is not worth its place.
    private static let mostKnown = 50_000
    /// Answers that come so close together are written in one commit.
    private static let gathering = Duration.milliseconds(20)
    /// No run waits longer for its first message than this, however slow the name servers are.
    private let patience: Duration

    init(
        _ runner: Runner, _ resolver: MXResolver?, gate: Gate, clock: any WallClock, patience: Duration,
        ready: @escaping @Sendable (Set<String>) -> Void
    ) {
        self.runner = runner
        self.resolver = resolver
        self.gate = gate
        self.clock = clock
        self.patience = patience
        self.ready = ready
    }

    /// Before the first message: domains that were sent to lately, and those that limits name, are looked up, so that
    /// what they share counts from the first one on. Those with the most messages come first; whose turn does not come in
    /// time stand for themselves until they are written to.
    func begin() async throws {
        guard resolver != nil else { return }
        var left = try await runner.unlocatedDomains(limit: 20_000)[...]
        let end = clock.sinceBoot().microseconds + patience.inMicroseconds
        while !left.isEmpty, !gate.isStopped {
            let rest = end - clock.sinceBoot().microseconds
            guard rest > 0 else { break }
            let some = Set(left.prefix(256))
            left = left.dropFirst(256)
            let findings = await find(some, within: .microseconds(rest))
            try await runner.learn(findings)
            // Where nobody answers, nobody will: they are asked again as their turn comes.
            if findings.allSatisfy({ $0.answer == .unknown }) { break }
        }
        try await runner.recall { [gate] in !gate.isStopped }
    }

    /// What is heard of these in time; nobody waits for the others.
    private func find(_ domains: Set<String>, within patience: Duration) async -> [SiteFinding] {
        let (answers, heard) = AsyncStream.makeStream(of: SiteFinding?.self)
        for domain in domains { Task { heard.yield(await find(domain)) } }
        let timer = Task {
            try? await Task.sleep(for: patience)
            heard.finish()
        }
        defer { timer.cancel() }
        var findings: [SiteFinding] = []
        var left = domains.count
        for await answer in answers {
            if let answer { findings.append(answer) }
            left -= 1
            if left == 0 { break }
        }
        return findings
    }

    /// Which of these domains may be begun now. The others are looked up; `ready` tells when they may.
    func sort(_ domains: Set<String>) async throws -> Set<String> {
        guard resolver != nil else { return domains }
        let now = clock.now()
        var unknown = state.withLock { state in domains.filter { (state.known[$0] ?? now) <= now } }
        guard !unknown.isEmpty else { return domains }
        let located = try await runner.located(Array(unknown))
        unknown.subtract(located.keys)
        state.withLock { state in
            if state.known.count > Self.mostKnown { state.known = [:] }
            state.known.merge(located) { $1 }
        }
        for domain in unknown { ask(domain) }
        return domains.subtracting(unknown)
    }

    /// A message was answered `.unready`: its domain's hosts are not known (any more), or what was sent there is not.
    func unready(_ domain: String) {
        let first = state.withLock { state in
            state.unready.insert(domain)
            defer { state.isRecalling = true }
            return !state.isRecalling
        }
        guard first else { return }
        Task {
            let domains = state.withLock { state in
                defer { state.unready = [] }
                return state.unready
            }
            // The queue's word, not `known`: that is the wall clock's, which may have been set back since.
            if resolver != nil, let located = try? await runner.located(domains.sorted()) {
                for domain in domains where located[domain] == nil { ask(domain) }
            }
            try? await runner.recall { [gate] in !gate.isStopped }
            state.withLock { $0.isRecalling = false }
            gate.changed()
        }
    }

    private func ask(_ domain: String) {
        guard state.withLock({ $0.asked.insert(domain).inserted }) else { return }
        Task {
            guard let found = await find(domain) else { return }
            let first = state.withLock { state in
                state.findings.append(found)
                defer { state.isLearning = true }
                return !state.isLearning
            }
            if first { await learn() }
        }
    }

    private func learn() async {
        while true {
            try? await Task.sleep(for: Self.gathering)
            let findings = state.withLock { state in
                defer { state.findings = [] }
                if state.findings.isEmpty { state.isLearning = false }
                return state.findings
            }
            if findings.isEmpty { return }
            // What cannot be written down is answered `.unready`, or ends the run, when it is begun.
            try? await runner.learn(findings)
            try? await runner.recall { [gate] in !gate.isStopped }
            let now = clock.now()
            state.withLock { state in
                for finding in findings {
                    state.known[finding.domain] = now + finding.lasts
                    state.asked.remove(finding.domain)
                }
            }
            ready(Set(findings.map(\.domain)))
        }
    }

    private func find(_ domain: String) async -> SiteFinding? {
        guard let resolver else { return nil }
        switch await resolver.lookUp(domain) {
        case .hosts(let hosts, let lasts):
            guard let name = SiteName.of(hosts) else {
                return SiteFinding(domain: domain, answer: .unknown, lasts: lasts)
            }
            return SiteFinding(domain: domain, answer: .site(name), lasts: lasts)
        case .none(let lasts): return SiteFinding(domain: domain, answer: .itself, lasts: lasts)
        case .failed: return SiteFinding(domain: domain, answer: .unknown, lasts: .zero)
        }
    }
}
