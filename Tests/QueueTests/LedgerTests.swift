import Clock
import Foundation
import Testing

@testable import Queue

@Suite struct LedgerTests {
    static let tight = [
        Limit(scope: .source, count: 3, per: .seconds(10)), Limit(scope: .account, count: 5, per: .seconds(60)),
    ]

    /// What may be counted by the server at any instant of begin...settle, in true time.
    struct Model {
        var open: [Int64: Int64] = [:]
        var settled: [(begin: Int64, settle: Int64)] = []

        func mayBegin(_ now: Int64, _ limits: [Limit]) -> Bool {
            limits.allSatisfy { limit in
                open.count + settled.filter { $0.settle > now - limit.perMicroseconds }.count < limit.count
            }
        }
    }

    @Test("the ledger answers as a brute-force model does, over stalls, clock steps and reboots", arguments: 0..<6)
    func exact(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed)
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 3_000)
        let runner = try await bed.runner(campaign, limits: Self.tight)
        var model = Model()
        var now: Int64 = 0
        var boots = 0
        var begun = 0
        for step in 0..<3_000 {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<55:
                let expected = model.mayBegin(now, Self.tight)
                let answer = try await runner.beginNext()
                #expect((answer.attempt != nil) == expected, "seed \(seed), step \(step), \(answer)")
                if let attempt = answer.attempt {
                    model.open[attempt] = now
                    begun += 1
                }
            case 55..<75:
                guard let attempt = model.open.keys.sorted().randomElement(using: &random),
                    let begin = model.open.removeValue(forKey: attempt)
                else { continue }
                let outcomes: [AttemptOutcome] = [.sent, .sent, .failed, .aborted, .inDoubt]
                try await runner.settle(attempt, outcomes[Int.random(in: 0..<5, using: &random)])
                model.settled.append((begin, now))
            case 75..<96:
                // Whole and half seconds, so that edges are met exactly.
                let pause = Duration.milliseconds(Int64.random(in: 0...16, using: &random) * 500)
                bed.clock.advance(pause)
                now += pause.inMicroseconds
            case 96..<98:
                bed.clock.step(.seconds(Int64.random(in: -7_200...7_200, using: &random)))
                _ = try await runner.status(RunnerStatus())
            default:
                _ = try await runner.status(RunnerStatus())
                boots += 1
                bed.clock.reboot("boot-\(seed)-\(boots)", after: .seconds(3))
                now += 3_000_000
                // Between a boot and the first look at it nothing can tell a set clock from time that passed.
                _ = try await runner.status(RunnerStatus())
            }
        }
        #expect(begun > 50, "seed \(seed)")
        // Whenever the server counted within begin...settle, no window held more than the limit.
        let all = model.settled + model.open.values.map { ($0, Int64.max) }
        for limit in Self.tight {
            for (begin, _) in all {
                let counted = all.filter { $0.0 <= begin && $0.1 > begin - limit.perMicroseconds }.count
                #expect(counted <= limit.count, "seed \(seed): \(counted) in a window of \(limit.perSeconds) s")
            }
        }
        #expect(try bed.queue.verify(deep: true) == [])
    }

    @Test("the grant after the last one comes exactly when the first leaves the window")
    func notLate() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 10)
        let runner = try await bed.runner(campaign, limits: [Limit(scope: .source, count: 2, per: .seconds(10))])
        let start = bed.clock.now()
        for _ in 0..<2 {
            try await runner.settle(try #require(try await runner.beginNext().attempt), .sent)
            bed.clock.advance(.seconds(1))
        }
        #expect(try await runner.beginNext().cappedUntil == start + .seconds(10))
        bed.clock.advance(.microseconds(7_999_999))
        #expect(try await runner.beginNext().cappedUntil != nil)
        bed.clock.advance(.microseconds(1))
        #expect(try await runner.beginNext().attempt != nil)
    }

    @Test("a message in flight has not begun to age, however long it stalls")
    func stalled() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 10)
        let runner = try await bed.runner(campaign, limits: [Limit(scope: .account, count: 1, per: .seconds(10))])
        let attempt = try #require(try await runner.beginNext().attempt)
        bed.clock.advance(.seconds(600))
        #expect(try await runner.beginNext().cappedUntil == bed.clock.now() + .seconds(10))
        try await runner.settle(attempt, .sent)
        bed.clock.advance(.seconds(9))
        #expect(try await runner.beginNext().cappedUntil == bed.clock.now() + .seconds(1))
        bed.clock.advance(.seconds(1))
        #expect(try await runner.beginNext().attempt != nil)
    }

    @Test("a clock set forward or back frees nothing, and delays nothing")
    func clockSteps() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 10)
        let runner = try await bed.runner(campaign, limits: [Limit(scope: .source, count: 1, per: .seconds(3_600))])
        try await runner.settle(try #require(try await runner.beginNext().attempt), .sent)
        bed.clock.step(.seconds(86_400))
        #expect(try await runner.beginNext().cappedUntil == bed.clock.now() + .seconds(3_600))
        bed.clock.step(.seconds(-2 * 86_400))
        bed.clock.advance(.seconds(3_599))
        #expect(try await runner.beginNext().cappedUntil == bed.clock.now() + .seconds(1))
        bed.clock.advance(.seconds(1))
        #expect(try await runner.beginNext().attempt != nil)
    }

    @Test("a reboot with the clock set back spends nothing, and the time it was off counts")
    func reboot() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 10)
        let limits = [Limit(scope: .source, count: 1, per: .seconds(3_600))]
        var runner = try await bed.runner(campaign, limits: limits)
        try await runner.settle(try #require(try await runner.beginNext().attempt), .sent)
        try await runner.stop()
        bed.clock.reboot("boot-2", after: .seconds(-5_000))
        runner = try await bed.runner(campaign, limits: limits)
        #expect(try await runner.beginNext().cappedUntil == bed.clock.now() + .seconds(3_600))
        try await runner.stop()
        bed.clock.reboot("boot-3", after: .seconds(3_600))
        runner = try await bed.runner(campaign, limits: limits)
        #expect(try await runner.beginNext().attempt != nil)
    }

    @Test("a clock that was synchronised frees nothing when ahead at a start; once synchronised, the time off counts")
    func start() async throws {
        let bed = try Bed()
        bed.clock.synchronise()
        let campaign = try bed.campaign(recipients: 10)
        let limits = [Limit(scope: .source, count: 1, per: .seconds(3_600))]
        var runner = try await bed.runner(campaign, limits: limits)
        try await runner.settle(try #require(try await runner.beginNext().attempt), .sent)
        try await runner.stop()
        let right = bed.clock.now() + .seconds(600)
        bed.clock.reboot("boot-2", after: .seconds(8 * 3_600))
        #expect(try bed.queue.uncountedTimeOff() == .seconds(8 * 3_600))
        runner = try await bed.runner(campaign, limits: limits)
        #expect(try await runner.beginNext().cappedUntil == bed.clock.now() + .seconds(3_600))
        bed.clock.advance(.seconds(60))
        #expect(try await runner.beginNext().cappedUntil == bed.clock.now() + .seconds(3_540))
        bed.clock.synchronise(right + .seconds(60))
        #expect(try await runner.beginNext().cappedUntil == bed.clock.now() + .seconds(2_940))
        #expect(try bed.queue.uncountedTimeOff() == .zero)
        // Set by hand within this boot, and kept again: nothing comes of it.
        bed.clock.step(.seconds(7_200))
        bed.clock.synchronise()
        #expect(try await runner.beginNext().cappedUntil == bed.clock.now() + .seconds(2_940))
        bed.clock.advance(.seconds(2_940))
        #expect(try await runner.beginNext().attempt != nil)
    }

    @Test("domains of one provider share a cap, others have their own, and keys are kept apart")
    func domains() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign()
        let importer = try bed.queue.importer(for: campaign)
        for email in ["a@qq.com", "b@foxmail.com", "c@vip.qq.com", "d@163.com", "e@example.com"] {
            try importer.add(bed.row(email))
        }
        _ = try importer.finish()
        let limits = [
            Limit(scope: .domain, count: 1, per: .seconds(60)),
            Limit(scope: .domain, key: "126.com", count: 0, per: .seconds(60)),
        ]
        let runner = try await bed.runner(campaign, limits: limits)
        let leased = try await runner.lease(10).recipients
        let answers = try await runner.exchange(settle: [], begin: leased.map(\.request))
        #expect(answers.map { $0.attempt != nil } == [true, false, false, false, true])
        let keys = answers.compactMap { if case .capped(_, let key, _) = $0 { key } else { nil as String? } }
        #expect(keys == ["qq.com", "qq.com", "163.com"])
        let use = try bed.queue.limitUse(
            limits, account: "qq", source: "default", domains: ["foxmail.com", "new.example"])
        #expect(use.map(\.key) == ["new.example", "qq.com", "163.com"])
        #expect(use.map(\.used) == [0, 1, 0])
    }

    @Test("an aborted attempt keeps its grant, since the server may have counted it")
    func aborted() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 3)
        let runner = try await bed.runner(campaign, limits: [Limit(scope: .source, count: 1, per: .seconds(60))])
        try await runner.settle(try #require(try await runner.beginNext().attempt), .aborted)
        #expect(try await runner.beginNext().cappedUntil != nil)
        #expect(try bed.tallies(campaign).pending == 3)
        #expect(try bed.queue.recipients(campaign, state: .pending, after: 0, limit: 10).map(\.attempts) == [0, 0, 0])
    }

    @Test("what is used and when it frees, whatever is in flight")
    func limitUse() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 100)
        let limits = [
            Limit(scope: .source, count: 40, per: .seconds(3_600)),
            Limit(scope: .campaign, count: 50, per: .seconds(60)),
        ]
        let runner = try await bed.runner(campaign, limits: limits)
        let start = bed.clock.now()
        for _ in 0..<10 {
            try await runner.settle(try #require(try await runner.beginNext().attempt), .sent)
            bed.clock.advance(.seconds(20))
        }
        _ = try await runner.beginNext()
        let use = try bed.queue.limitUse(limits, account: "qq", source: "default", domains: [], campaign: campaign)
        #expect(use.map(\.used) == [11, 3])
        #expect(use.map(\.nextFree) == [start + .seconds(3_600), start + .seconds(160 + 60)])
        #expect(use.map(\.key) == ["default", String(campaign)])
        bed.clock.advance(.seconds(7_200))
        let later = try bed.queue.limitUse(limits, account: "qq", source: "other", domains: [])
        #expect(later.map(\.used) == [0])
        #expect(later.first?.nextFree == nil)
    }

    @Test("a cap of another account or source is none of a campaign's")
    func limitUseOfOthers() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 3)
        let limits = [
            Limit(scope: .account, key: "other", count: 1, per: .seconds(60)),
            Limit(scope: .source, key: "192.0.2.1", count: 1, per: .seconds(60)),
            Limit(scope: .account, key: "qq", count: 2, per: .seconds(60)),
        ]
        let use = try bed.queue.limitUse(limits, account: "qq", source: "default", domains: nil, campaign: campaign)
        #expect(use.map(\.key) == ["qq"])
    }

    @Test("two processes on one file keep one cap, and no one begins what the other has")
    func twoProcesses() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 400)
        let other = try Queue.open(at: bed.path, access: .readWrite, clock: bed.clock)
        let limits = [Limit(scope: .source, count: 60, per: .seconds(60))]
        let runners = [
            try await bed.runner(campaign, limits: limits),
            try await other.startRunner(campaign, account: "qq", source: "default", limits: limits, doubt: .hold),
        ]
        let everybody = try bed.queue.recipients(campaign, state: nil, after: 0, limit: 400).map {
            BeginRequest(recipient: $0.id, server: "s", messageID: "<m>", domain: $0.domain)
        }
        let begun = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for runner in runners {
                for lane in 0..<8 {
                    group.addTask {
                        var mine: [Int64] = []
                        // All lanes want the same recipients, leases or not.
                        for request in everybody.dropFirst(lane * 3).prefix(60) {
                            let answer = try await runner.exchange(settle: [], begin: [request])
                            if answer.first?.attempt != nil { mine.append(request.recipient) }
                        }
                        return mine
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(begun.count == 60)
        #expect(Set(begun).count == 60)
        #expect(try bed.tallies(campaign).sending == 60)
        #expect(try bed.queue.verify(deep: true) == [])
    }
}
