import Clock
import Foundation
import Testing

@testable import Queue

/// One random life of a queue, the model at its side; a failure names the step that parted them.
final class CrashHistory {
    let seed: UInt64
    var random: SeededGenerator
    let clock = ManualClock()
    let machine: CrashMachine
    var model: QueueModel
    var truth: Int64 = 0
    var trail: [String] = []
    /// What commits would have made that failed after they had written all: it stands in the log behind the end that
    /// living processes know, and a crash brings it back, until the next commit has been synced over it.
    private var ghosts: [QueueModel] = []
    var counts = Counts()

    /// What was done, so that a run can say that it did something.
    struct Counts: Sendable {
        var steps = 0, crashes = 0, images = 0, faults = 0, begun = 0, capped = 0, doubts = 0, blind = 0
        /// Commits that several operations shared, and operations refused in them.
        var shared = 0, refused = 0

        static func += (a: inout Counts, b: Counts) {
            a.steps += b.steps
            a.crashes += b.crashes
            a.images += b.images
            a.faults += b.faults
            a.begun += b.begun
            a.capped += b.capped
            a.doubts += b.doubts
            a.blind += b.blind
            a.shared += b.shared
            a.refused += b.refused
        }
    }

    init(_ template: CrashMachine.Template, seed: UInt64) throws {
        self.seed = seed
        random = SeededGenerator(seed)
        machine = try CrashMachine(template, clock: clock)
        model = template.model(
            QueueModel.Moment(boot: clock.sinceBoot(), wall: CrashMachine.Template.start, truth: 0))
    }

    var moment: QueueModel.Moment {
        QueueModel.Moment(
            boot: clock.sinceBoot(), wall: clock.now(), truth: truth, isSure: clock.isSynchronised())
    }

    func fail(_ what: String) -> CrashFailure {
        let last = trail.suffix(14).joined(separator: "\n  ")
        return CrashFailure("history \(seed): \(what)\nThe last steps:\n  \(last)")
    }

    func run(steps: Int) async throws {
        do {
            if Bool.random(using: &random) { try checkpointOften() }
            for _ in 0..<steps { try await next() }
            try await finish()
        } catch let failure as CrashFailure {
            throw failure
        } catch {
            throw fail("it threw \(error)")
        }
        counts.blind = model.isBlind ? 1 : 0
        counts.doubts = model.attempts.values.filter { $0.outcome == .inDoubt }.count
        counts.begun = model.attempts.count
    }

    private func checkpointOften() throws {
        for queue in machine.queues {
            try queue.checkpoint(every: Int.random(in: 1...12, using: &random))
        }
    }

    private func next() async throws {
        counts.steps += 1
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<12: pass()
        case 12..<15: try lose()
        case 15..<17:
            // With the disk at rest: what was acknowledged is all there.
            machine.disk.mark()
            try crash(
                kind: CrashKind.allCases.randomElement(using: &random) ?? .power, among: [model],
                identity: nil)
        default:
            let step = draw()
            try await take(step, on: process(step))
        }
    }

    /// Time, or what a clock calls so.
    private func pass() {
        switch Int.random(in: 0..<5, using: &random) {
        case 0, 1:
            let seconds = [1, 10, 30, 61, 200].randomElement(using: &random) ?? 1
            clock.advance(.seconds(seconds))
            truth += Int64(seconds) * 1_000_000
            trail.append("\(seconds) s pass")
        case 2:
            let seconds = [-3600, -20, 5, 40, 4000].randomElement(using: &random) ?? 5
            clock.step(.seconds(seconds))
            // After a reboot it is as good as over it, until the queue has been written to in this boot.
            if seconds > 0, isNewBoot { model.isBlind = true }
            trail.append("the clock is set by \(seconds) s")
        case 3: synchronise()
        default:
            guard let id = machine.members.keys.sorted().randomElement(using: &random) else { return }
            machine.drop(id)
            model.runners[id]?.lives = false
            trail.append("runner \(id) dies")
        }
    }

    /// Nothing was written in this boot yet, and the wall clock is all there is to know what lay between.
    private var isNewBoot: Bool { model.anchor.sure == nil && model.anchor.boot != clock.sinceBoot().boot }

    /// A time server is heard: the clock is right.
    private func synchronise() {
        let right = CrashMachine.Template.start + .microseconds(truth)
        if right > clock.now(), isNewBoot { model.isBlind = true }
        clock.synchronise(right)
        trail.append("the clock is synchronised")
    }

    private func lose() throws {
        let process = Int.random(in: 0..<2, using: &random)
        for (id, member) in machine.members where member.process == process {
            model.runners[id]?.lives = false
        }
        try machine.lose(process)
        trail.append("process \(process) is lost")
        try agree("after a process was lost")
    }

    private func process(_ step: Step) -> Int {
        if case .batch(let process, _) = step { return process }
        return step.runner.flatMap { machine.members[$0]?.process } ?? Int.random(in: 0..<2, using: &random)
    }

    func agree(_ when: String) throws {
        let queue = machine.queues[Int.random(in: 0..<2, using: &random)]
        let text = try queue.text()
        guard text == model.text else {
            throw fail("\(when) the queue is not as the model\n\(Self.parted(text, model.text))")
        }
    }

    static func parted(_ real: String, _ model: String) -> String {
        let (real, model) = (real.split(separator: "\n"), model.split(separator: "\n"))
        return real.filter { !model.contains($0) }.map { "  queue: \($0)" }.joined(separator: "\n")
            + "\n"
            + model.filter { !real.contains($0) }.map { "  model: \($0)" }.joined(separator: "\n")
    }

    // MARK: A step

    private func take(_ step: Step, on process: Int) async throws {
        trail.append("\(process): \(step)")
        let before = model
        var seen = model
        seen.begin(moment)
        let identity = machine.identity
        machine.keyOf = { before.recipients[$0]?.key ?? "" }
        machine.disk.mark()
        let isFaulty = Int.random(in: 0..<12, using: &random) == 0
        if isFaulty { machine.disk.fail(after: Int.random(in: 0...8, using: &random)) }
        let outcome: Outcome
        switch step {
        case .batch(_, let steps): outcome = try await together(steps, on: process)
        case .lease(let runner, let count): outcome = try alone(step, await lease(step, runner, count, before))
        default: outcome = try alone(step, await machine.perform(step, on: process))
        }
        machine.disk.fail(after: nil)
        let after = model
        let answer = outcome.answers.joined(separator: " | ")
        if machine.disk.failures > 0, !outcome.isAsExpected {
            counts.faults += 1
            if let strange = outcome.strangeUnderFault {
                throw fail("a failing disk was answered with: \(strange)")
            }
            trail.append("  the disk failed: \(answer)")
            // An import looks at the campaign in a commit of its own first.
            model = try machine.queues[0].text() == before.text ? before : seen
            ghosts += [seen, after]
            try agree("after the disk failed")
        } else {
            guard outcome.isAsExpected else {
                throw fail("it answered: \(answer)\nnot: \(outcome.expected.joined(separator: " | "))")
            }
            if answer.contains("capped") { counts.capped += 1 }
            // A step that is refused for another reason need not have found out that the disk fails.
            if machine.disk.failures > 0, after.text == seen.text,
                try machine.queues[0].text() == before.text
            {
                model = before
                ghosts.append(seen)
            }
            try agree("after \(answer)")
        }
        if let wrong = try misheld() { throw fail(wrong) }
        if Int.random(in: 0..<12, using: &random) == 0 { try look([before, seen, after]) }
        if Int.random(in: 0..<20, using: &random) == 0 {
            try crash(
                kind: CrashKind.allCases.randomElement(using: &random) ?? .power,
                among: [before, seen, after],
                identity: identity)
        }
        // Not sooner: cut short before its sync, the step has left of them what it found (history 808289660).
        if machine.disk.failures == 0, machine.disk.hasSynced() { ghosts = [] }
    }

    /// What the model answers; no cap may be passed by it.
    func expect(_ step: Step, joined: Bool = false) throws -> String {
        let before = model.attempts
        let expected = model.apply(step, at: moment, joined: joined)
        for attempt in model.attempts.keys where before[attempt] == nil {
            if let passed = model.capPassed(by: attempt) { throw fail("a cap is passed: \(passed)") }
        }
        return expected
    }

    private func alone(_ step: Step, _ answer: String) throws -> Outcome {
        let expected = try expect(step)
        return Outcome(answers: [answer], expected: [expected], refused: [model.isRefused])
    }

    private func lease(_ step: Step, _ id: Int64, _ count: Int, _ before: QueueModel) async throws -> String {
        guard let member = machine.members[id] else { return "no runner" }
        let stored = try machine.queues[member.process].leases(member.runner.campaign)
        let answer: LeaseAnswer
        do { answer = try await member.runner.lease(count) } catch { return "\(error)" }
        var seen = before
        seen.begin(moment)
        if let wrong = seen.objection(to: answer, runner: id, count: count, leases: stored) {
            throw fail(wrong)
        }
        let words: String
        do {
            words = try machine.take(.leased(answer), of: step, on: member.process)
        } catch {
            throw fail("\(error)")
        }
        if let wrong = try overheld(by: id, before: stored, seen) {
            throw fail(wrong)
        }
        return words
    }

    // MARK: Crashes

    /// One way in which the step could have been cut short, looked at and left.
    private func look(_ models: [QueueModel]) throws {
        let kind = CrashKind.allCases.randomElement(using: &random) ?? .power
        let (image, _, possible) = image(kind, models)
        // What does not agree with the model needs no verify to be found; what agrees with it is mostly sound.
        let isDeep = Int.random(in: 0..<3, using: &random) == 0
        let (text, findings) = try CrashMachine.look(image, deeply: isDeep, clock: clock)
        counts.images += 1
        guard findings.isEmpty else {
            throw fail("after a crash (\(kind)) verify finds \(findings.map(\.detail))")
        }
        _ = try match(text, possible, kind)
    }

    /// The files as the crash leaves them, and what they can hold.
    /// - Parameter models: what they can hold where the step was cut short.
    private func image(_ kind: CrashKind, _ models: [QueueModel]) -> (CrashImage, isWhole: Bool, [QueueModel]) {
        let events = machine.disk.events.count
        let cut =
            Int.random(in: 0..<4, using: &random) == 0
            ? events : Int.random(in: 0...events, using: &random)
        // After a failed disk an error was the answer: then what was in flight may be found on it or not.
        let isWhole = cut == events && machine.disk.failures == 0
        let possible = (isWhole ? [model] : models) + (machine.disk.hasSynced(before: cut) ? [] : ghosts)
        return (CrashImage(machine.disk.contents(after: cut), kind, &random), isWhole, possible)
    }

    private func match(_ text: String, _ models: [QueueModel], _ kind: CrashKind) throws -> QueueModel {
        if let found = models.first(where: { $0.text == text }) { return found }
        let last = models[models.count - 1]
        throw fail(
            "after a crash (\(kind)) the queue is none of \(models.count)\n\(Self.parted(text, last.text))"
        )
    }

    private func crash(kind: CrashKind, among models: [QueueModel], identity: Identity?) throws {
        let (image, isWhole, possible) = image(kind, models)
        // Beside a commit that did not come through, the identity file is as it was; but there since before the first.
        var kept = machine.identity
        if !isWhole, let now = kept { kept = identity ?? Identity(name: now.name, generation: 0) }
        try machine.crash(image, identity: kept)
        counts.crashes += 1
        trail.append("the machine is lost (\(kind))")
        let text = try machine.queues[1].text()
        let wasBlind = model.isBlind
        model = try match(text, possible, kind)
        model.isBlind = model.isBlind || wasBlind
        ghosts = []
        for id in model.runners.keys { model.runners[id]?.lives = false }
        let findings = try machine.queues[0].findings()
        guard findings.isEmpty else {
            throw fail("after a crash (\(kind)) verify finds \(findings.map(\.detail))")
        }
        guard kind == .power else { return }
        // A clock set forward since the last commit that is still there: over the reboot that passes for time.
        let (boot, wall) = (clock.sinceBoot(), clock.now())
        if model.anchor.sure == nil, model.anchor.boot == boot.boot, model.anchor.step(boot: boot, wall: wall) > 0 {
            model.isBlind = true
        }
        let seconds = [0, 5, 90, 4000].randomElement(using: &random) ?? 5
        clock.reboot("boot-\(random.next())", after: .seconds(seconds))
        truth += Int64(seconds) * 1_000_000
        if Bool.random(using: &random) { try checkpointOften() }
    }

    // MARK: The end

    /// Nobody is lost: once all runners are gone, a new one gets everybody who still waits.
    private func finish() async throws {
        for id in Array(machine.members.keys) {
            machine.drop(id)
            model.runners[id]?.lives = false
        }
        clock.advance(.seconds(100_000))
        truth += 100_000_000_000
        for (campaign, state) in model.campaigns.sorted(by: { $0.key < $1.key }) {
            if state == .paused { try await takeQuietly(.order(campaign: campaign, .resume)) }
            guard model.campaigns[campaign] != .cancelled else { continue }
            try await takeQuietly(.start(campaign: campaign, plan: 0, policy: .hold))
            guard model.campaigns[campaign] == .sending else { continue }
            let runner = try #require(machine.members[model.lastRunner]).runner
            let leased = try await runner.lease(100).recipients.map(\.id).sorted()
            let waiting = model.of(campaign, [.pending, .deferred])
            guard leased == waiting else {
                throw fail("at the end \(leased) are to be had, and \(waiting) wait")
            }
        }
        let findings = try machine.queues[1].findings()
        guard findings.isEmpty else { throw fail("at the end verify finds \(findings.map(\.detail))") }
        // Each list is prepared anew, which costs as much as all else here.
        if seed % 4 == 0 { try lists() }
    }

    private func takeQuietly(_ step: Step) async throws {
        trail.append("at the end: \(step)")
        let answer = await machine.perform(step, on: 0)
        let expected = model.apply(step, at: moment)
        guard answer == expected else { throw fail("it answered: \(answer)\nnot: \(expected)") }
        try agree("at the end")
    }

    /// What commands and console read is the same again.
    private func lists() throws {
        let queue = machine.queues[0]
        try queue.readPlainly()
        for campaign in model.campaigns.keys {
            let stored = try #require(try queue.campaign(id: campaign))
            guard stored.tallies == model.tallies(campaign), stored.state == model.campaigns[campaign]
            else {
                throw fail("campaign \(campaign) is shown as \(stored.state) \(stored.tallies)")
            }
            for state in RecipientState.allCases {
                let listed = try queue.recipients(campaign, state: state, after: 0, limit: 100).map(\.id)
                guard listed == model.of(campaign, [state]) else {
                    throw fail("\(state) are listed as \(listed)")
                }
            }
            let log = try queue.attempts(campaign, after: 0, limit: 1000)
            let known = model.attempts.filter { $0.value.campaign == campaign }.sorted { $0.key < $1.key }
            guard log.map(\.id) == known.map(\.key), log.map(\.outcome) == known.map(\.value.outcome)
            else {
                throw fail("the log of campaign \(campaign) is another one")
            }
        }
    }
}
