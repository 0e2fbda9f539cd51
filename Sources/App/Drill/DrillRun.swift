import Clock
import Glibc
import Queue
import Synchronization

/// Kills its own workers at each step of the dialogue, resumes, and counts.
struct DrillRun {
    let rounds: Int
    let keep: String?
    /// Where nobody wants to see how far it is.
    let isQuiet: Bool

    /// - Throws: `Failure` when it cannot be done at all.
    func run() throws -> DrillReport {
        let scratch = try Scratch("drill", kept: keep)
        let interrupted = Mutex(false)
        let signals = SignalWatch { number, isFirst in
            guard isFirst else {
                OwnChildren.kill()
                scratch.remove()
                _exit(128 + number)
            }
            interrupted.withLock { $0 = true }
        }
        defer {
            signals.stop()
            scratch.remove()
        }
        let queue = try Queue.open(at: scratch.path + "/queue.sqlite3", access: .create)
        let letters = Array("abcdefghijkmnpqrstuvwxyz23456789")
        let password = String((0..<20).map { _ in letters[Int.random(in: 0..<letters.count)] })
        let began = SystemClock().sinceBoot().microseconds
        var report = DrillReport()
        rounds: for round in 0..<rounds {
            for (index, step) in DrillStep.allCases.enumerated() {
                if interrupted.withLock({ $0 }) {
                    report.isInterrupted = true
                    break rounds
                }
                show(round: round, index: index, step)
                var trial = DrillTrial(
                    step: step, round: round, home: scratch.path, queue: queue, login: ("drill", password))
                try take(&trial, into: &report)
            }
            report.rounds = round + 1
        }
        clear()
        report.findings = try queue.verify(deep: true).map { "\($0.check): \($0.detail)" }
        // Promise 2, by its own count: everybody who came in is still there.
        let total = try queue.campaigns().reduce(0) { $0 + $1.tallies.total }
        if total != report.people {
            report.findings.append("tallies: \(total) people in the queue, \(report.people) came in.")
        }
        report.seconds = Double(SystemClock().sinceBoot().microseconds - began) / 1_000_000
        return report
    }

    /// Does a step, and does it again where somebody else has ended a worker.
    private func take(_ trial: inout DrillTrial, into report: inout DrillReport) throws {
        while true {
            report.people += trial.step.people
            do {
                let result = try trial.run()
                report.add(
                    result.verdict, at: trial.step, campaign: trial.campaign, killed: result.killed,
                    first: result.first)
                return
            } catch let end as DrillTrial.Disturbance {
                report.disturbed += 1
                trial.repetition += 1
                guard trial.repetition < Self.patience else {
                    throw Failure(
                        .workLeft,
                        tr(
                            "A worker was ended from outside (signal {0}) {1} times in a row, at the step \"{2}\": the drill shows nothing.",
                            end.signal, trial.repetition, trial.step.title),
                        next: tr(
                            "Somebody or something on this machine kills processes; is memory short? Then try again."))
                }
            }
        }
    }

    /// How often in a row one step may be disturbed.
    private static let patience = 4

    private func show(round: Int, index: Int, _ step: DrillStep) {
        guard !isQuiet else { return }
        let line = tr(
            "round {0} of {1}, step {2} of {3}: {4}", round + 1, rounds, index + 1, DrillStep.allCases.count, step.title
        )
        if Notice.isTerminal {
            let text = CellWidth.clip(line, to: max(10, Notice.width - 1))
            _ = FilePath.writeAll(2, Array("\r\(text)\u{1B}[K".utf8))
        } else if index == 0 {
            Notice.line(tr("round {0} of {1}", round + 1, rounds))
        }
    }

    private func clear() {
        if !isQuiet, Notice.isTerminal { _ = FilePath.writeAll(2, Array("\r\u{1B}[K".utf8)) }
    }
}
