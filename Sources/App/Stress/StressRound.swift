import Clock
import Glibc
import Queue
import Sender

/// One queue's part of a load test: people are added while others are written to, until the time or the people are up.
struct StressRound {
    let folder: String
    let account: Account
    let size: Int
    let people: Int
    /// Microseconds since boot.
    let end: Int64
    let meter: StressMeter
    let state: StressState

    private static let batch = 5_000

    /// Sends, and compares the queue with what the post office took.
    func run() async throws -> (verdict: Reckoning.Verdict, findings: [String]) {
        let queue = try Queue.open(at: folder + "/queue.sqlite3", access: .create)
        let load = LoadCampaign(name: "stress", account: account.name, size: size)
        let campaign = try load.create(in: queue)
        let plan = try FrozenMessage.plan(campaign, in: queue)
        let rules = try ReplyRules.load(folder: nil)
        let first = min(people, max(Self.batch, account.sessions * 4))
        meter.expect(people: people)
        try LoadCampaign.add(0..<first, to: campaign, in: queue)
        let clock = SystemClock()
        let begin = clock.sinceBoot().microseconds
        var added = first
        repeat {
            let dispatcher = Dispatcher(
                queue: queue, campaign: campaign, account: account, plan: plan,
                classifier: ReplyClassifier(rules: rules),
                options: SendOptions(
                    wait: true, lanes: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))),
                    observe: { [meter] in meter.took($0, $1) }))
            state.onInterrupt { dispatcher.drain() }
            let rest = max(0, end - clock.sinceBoot().microseconds)
            // A task: cancelled, it lets go of the queue at once. A work item would hold it, open and on the disk, until then.
            let timer = Task {
                try await Task.sleep(for: .microseconds(rest))
                dispatcher.drain()
            }
            let feeding = Task.detached { [self, added] in try await feed(campaign, in: queue, from: added) }
            let ending: Ending
            do {
                ending = try await dispatcher.run { [state] progress in
                    state.open = progress.sessions.count { $0.step != "off" && $0.step != "connect" }
                }
            } catch {
                feeding.cancel()
                _ = try? await feeding.value
                throw error
            }
            timer.cancel()
            state.onInterrupt(nil)
            feeding.cancel()
            added = try await feeding.value
            switch ending {
            case .finished, .waiting, .others, .interrupted, .inDoubt, .limitReached: break
            default:
                throw Failure(.internalError, tr("The load test could not go on: {0}", "\(ending)"))
            }
            // Whoever sends faster than people come finds an empty queue, and goes on when there are more.
        } while added < people && !state.isInterrupted && clock.sinceBoot().microseconds < end
        state.add(busy: clock.sinceBoot().microseconds - begin)
        return try await reckon(campaign, in: queue, added: added)
    }

    /// Keeps two seconds' worth of people in the queue. Returns how many were added in all.
    private func feed(_ campaign: Campaign, in queue: Queue, from start: Int) async throws -> Int {
        var added = start
        var before = (sent: 0, at: SystemClock().sinceBoot().microseconds)
        var wanted = max(Self.batch, account.sessions * 4)
        while added < people, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(50))
            guard let tallies = try queue.campaign(id: campaign.id)?.tallies else { break }
            let now = SystemClock().sinceBoot().microseconds
            if now - before.at > 500_000 {
                wanted = max(wanted, 2 * Int(Double(tallies.sent - before.sent) * 1_000_000 / Double(now - before.at)))
                before = (tallies.sent, now)
            }
            guard tallies.pending < wanted, !Task.isCancelled else { continue }
            let next = min(people, added + max(Self.batch, wanted - tallies.pending))
            try LoadCampaign.add(added..<next, to: campaign, in: queue)
            added = next
        }
        return added
    }

    private func reckon(
        _ campaign: Campaign, in queue: Queue, added: Int
    ) async throws -> (verdict: Reckoning.Verdict, findings: [String]) {
        // Whatever the post office told a client is in its pipe already; the reader is given the time to take it.
        try? await Task.sleep(for: .milliseconds(300))
        // A byte a person: how it stands.
        var standings = [Reckoning.Standing?](repeating: nil, count: added)
        var after: Int64 = 0
        while true {
            let page = try queue.recipients(campaign.id, state: nil, after: after, limit: 500)
            for recipient in page {
                guard let number = LoadCampaign.number(in: recipient.email.utf8), number < added else { continue }
                standings[number] = Reckoning.Standing(state: recipient.state, begun: recipient.messageID != nil)
            }
            guard let last = page.last else { break }
            after = last.id
        }
        let verdict = meter.settle { $0 < added ? standings[$0] : nil }
        return (verdict, try queue.verify(deep: false).map { "\($0.check): \($0.detail)" })
    }
}
