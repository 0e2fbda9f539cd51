@testable import Queue

/// Several pieces of work that share one commit, as those do that come in while the disk syncs.
extension CrashMachine {
    struct Batch {
        var replies: [Result<Reply, any Error>] = []
        /// How many of them came to the Journal; the others were refused at the door.
        var operations = 0
        var commits = 0
    }

    /// Holds the Journal, has each step come to it in its order, and lets it go.
    func perform(together steps: [Step], on process: Int) async throws -> Batch {
        let journal = try queues[process].journal()
        let before = journal.counters.commits
        let hold = JournalHold(journal)
        defer { hold.end() }
        var tasks: [Task<Reply, any Error>] = []
        for step in steps {
            guard let work = work(step, on: process) else { throw CrashFailure("\(step) blocks") }
            let waiting = journal.waitingCount
            let isOver = Flag()
            tasks.append(
                Task {
                    defer { isOver.set() }
                    return try await work()
                })
            while journal.waitingCount == waiting, !isOver.isSet { await Task.yield() }
        }
        var batch = Batch()
        batch.operations = journal.waitingCount
        hold.end()
        for task in tasks { batch.replies.append(await task.result) }
        batch.commits = journal.counters.commits - before
        return batch
    }
}

extension CrashHistory {
    /// What a step answered, and what it must.
    struct Outcome {
        var answers: [String] = []
        var expected: [String] = []
        /// Which of them were to be refused; so they may be whatever becomes of the commit.
        var refused: [Bool] = []

        var isAsExpected: Bool { answers == expected }

        /// What was answered otherwise than by the disk's error; nil when nothing was.
        var strangeUnderFault: String? {
            for (index, answer) in answers.enumerated() {
                if answer.contains("No space is left") || answer.contains("could not be read or written") { continue }
                if refused[index], answer == expected[index] { continue }
                return answer
            }
            return nil
        }
    }

    /// One commit for all: each step is answered for itself, and one that is refused takes no other with it.
    func together(_ steps: [Step], on process: Int) async throws -> Outcome {
        let batch = try await machine.perform(together: steps, on: process)
        var outcome = Outcome()
        for (step, reply) in zip(steps, batch.replies) {
            outcome.expected.append(try expect(step, joined: true))
            outcome.refused.append(model.isRefused)
            switch reply {
            case .success(let reply):
                if case .leased(let answer) = reply, let runner = step.runner,
                    let wrong = model.objection(to: answer, runner: runner, count: 0, leases: nil)
                {
                    throw fail(wrong)
                }
                do {
                    outcome.answers.append(try machine.take(reply, of: step, on: process))
                } catch {
                    throw fail("\(error)")
                }
            case .failure(let error): outcome.answers.append("\(error)")
            }
        }
        model.endCommit()
        if machine.disk.failures == 0, batch.commits != min(1, batch.operations) {
            throw fail("\(batch.operations) operations made \(batch.commits) commits")
        }
        counts.shared += batch.operations > 1 ? 1 : 0
        counts.refused += zip(outcome.refused, batch.replies).count { $0.0 }
        return outcome
    }

    // MARK: Drawing one

    /// Work of one process's runners; at times of a runner that only starts or ends with it.
    func batch() -> Step? {
        let processes = Set(machine.members.values.map(\.process)).sorted()
        guard let process = processes.randomElement(using: &random) else { return nil }
        let runners = machine.members.filter { $0.value.process == process }.keys.sorted()
        var touched = Touched()
        let count = Int.random(in: 2...5, using: &random)
        var steps = (0..<count).map { _ in joined(runners, &touched) }
        // Ended twice: the second one may not say that it is done before it is.
        if let stop = steps.first(where: { if case .stop = $0 { true } else { false } }), Bool.random(using: &random) {
            steps.append(stop)
        }
        return .batch(process: process, steps)
    }

    /// What the batch has to do with already.
    private struct Touched {
        var attempts: Set<Int64> = []
        var recipients: Set<Int64> = []
        /// Releases, by runner; the second may be out of what the first one left.
        var releases: [Int64: Int] = [:]
    }

    private func joined(_ runners: [Int64], _ touched: inout Touched) -> Step {
        let runner = runners.randomElement(using: &random) ?? 0
        let held = (machine.members[runner]?.held ?? []).map(\.id)
        let free = held.filter { machine.leased[$0] == runner && !touched.recipients.contains($0) }
        switch Int.random(in: 0..<20, using: &random) {
        case 0, 1: return .lease(runner: runner, count: Int.random(in: 1...4, using: &random))
        case 2, 3: return .heartbeat(runner: runner)
        case 4: return start(refused: Bool.random(using: &random))
        case 5 where Bool.random(using: &random): return .stop(runner: runner)
        case 6...7 where !free.isEmpty && touched.releases[runner, default: 0] < 2:
            let some = free.filter { _ in Bool.random(using: &random) }
            touched.releases[runner, default: 0] += 1
            touched.recipients.formUnion(some)
            return .release(runner: runner, recipients: some)
        case 8:
            guard let one = free.randomElement(using: &random) else { break }
            touched.recipients.insert(one)
            return .postpone(runner: runner, recipient: one, until: later())
        default: break
        }
        // Somebody else's settle or begin in the same commit now and then: the second of them finds nothing to do.
        let isRude = Int.random(in: 0..<8, using: &random) == 0
        let settle = model.open(runner).filter {
            (isRude || !touched.attempts.contains($0)) && Bool.random(using: &random)
        }
        let begin = held.filter {
            (isRude || !touched.recipients.contains($0)) && Bool.random(using: &random)
        }
        touched.attempts.formUnion(settle)
        touched.recipients.formUnion(begin)
        return .exchange(runner: runner, settle: settle.map(settlement), begin: begin)
    }
}
