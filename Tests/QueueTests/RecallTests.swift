import Clock
import Foundation
import GRDB
import Testing

@testable import Queue

/// A limit that comes when messages have been sent already counts them.
@Suite struct RecallTests {
    private let hour = Limit(scope: .domain, count: 5, per: .seconds(3_600))

    private func send(_ runner: Runner, _ count: Int, _ bed: Bed, apart: Duration = .seconds(1)) async throws {
        for _ in 0..<count {
            try await runner.settle(try #require(try await runner.beginNext().attempt), .sent)
            bed.clock.advance(apart)
        }
    }

    private func check(_ bed: Bed, _ limits: [Limit]) throws {
        #expect(try bed.queue.verify(deep: true) == [])
        let proof = try bed.queue.prove(limits.map { HeldLimit($0) })
        #expect(proof.findings == [])
    }

    @Test("a late limit by domain knows exactly what was sent, and when it frees")
    func domain() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 30)
        let before = try await bed.runner(campaign)
        let start = bed.clock.now()
        try await send(before, 4, bed)
        try await before.stop()
        let use = try bed.queue.limitUse([hour], account: "qq", source: "default", domains: nil)
        #expect(use.map(\.used) == [4] && use.map(\.key) == ["example.com"])
        #expect(use.first?.nextFree == start + .seconds(3_600))

        let after = try await bed.runner(campaign, limits: [hour])
        try await send(after, 1, bed)
        #expect(try await after.beginNext().cappedUntil == start + .seconds(3_600))
        #expect(try bed.queue.limitUse([hour], account: "qq", source: "default", domains: nil).map(\.used) == [5])
        bed.clock.advance(start + .seconds(3_600) - bed.clock.now())
        try await send(after, 1, bed, apart: .zero)
        #expect(try await after.beginNext().cappedUntil == start + .seconds(3_601))
        try check(bed, [hour])
    }

    @Test("a late limit by campaign counts its own messages alone, also those of a runner that has no such limit")
    func campaign() async throws {
        let bed = try Bed()
        let other = try bed.campaign("autumn", recipients: 9)
        let campaign = try bed.campaign(recipients: 30)
        try await send(try await bed.runner(other), 3, bed)
        let old = try await bed.runner(campaign)
        try await send(old, 2, bed)
        // In flight as the limit comes.
        let open = try #require(try await old.beginNext().attempt)
        let limit = Limit(scope: .campaign, count: 5, per: .seconds(60))
        let new = try await bed.runner(campaign, limits: [limit])
        #expect(
            try bed.queue.limitUse([limit], account: "qq", source: "default", domains: [], campaign: campaign)
                .map(\.used) == [3])
        try await send(old, 1, bed)
        try await send(new, 1, bed)
        #expect(try await new.beginNext().cappedUntil != nil)
        try await old.settle(open, .deferred)
        #expect(try await new.beginNext().cappedUntil != nil)
        #expect(try await old.beginNext().attempt != nil)
        try await old.stop()
        try await new.stop()
        #expect(try bed.queue.verify(deep: true) == [])
        #expect(try bed.queue.prove([]).findings == [])
    }

    @Test("what is in flight as a limit by domain comes counts for it, once")
    func inFlight() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 30)
        let old = try await bed.runner(campaign)
        try await send(old, 2, bed)
        var open: [Int64] = []
        for _ in 0..<2 { open.append(try #require(try await old.beginNext().attempt)) }
        let new = try await bed.runner(campaign, limits: [hour])
        #expect(try bed.queue.limitUse([hour], account: "qq", source: "default", domains: nil).map(\.used) == [4])
        for attempt in open { try await old.settle(attempt, .sent) }
        #expect(try bed.queue.limitUse([hour], account: "qq", source: "default", domains: nil).map(\.used) == [4])
        try await send(new, 1, bed)
        #expect(try await new.beginNext().cappedUntil != nil)
        // The one without a limit may, and it counts.
        try await send(old, 1, bed)
        #expect(try bed.queue.limitUse([hour], account: "qq", source: "default", domains: nil).map(\.used) == [6])
        try check(bed, [hour])
    }

    @Test("only what the window reaches is read, of all sources in the order of settling")
    func window() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 200)
        let runners = [try await bed.runner(campaign), try await bed.runner(campaign, source: "203.0.113.5")]
        for round in 0..<60 { try await send(runners[round % 2], 1, bed, apart: .seconds(100)) }
        let limit = Limit(scope: .domain, count: 20, per: .seconds(1_000))
        let late = try await bed.runner(campaign, limits: [limit])
        let times = try bed.queue.read { db, _ in
            try Int64.fetchAll(
                db, sql: "SELECT at FROM \"grant\" g JOIN cap_key k ON k.id = g.key WHERE scope = 2 ORDER BY g.seq")
        }
        // The tenth is as old as the window.
        #expect(times.count == 9)
        #expect(times == times.sorted())
        try await send(late, 11, bed, apart: .zero)
        #expect(try await late.beginNext().cappedUntil != nil)
        try await late.stop()
        try check(bed, [limit])
        // A longer one goes on from there.
        let longer = Limit(scope: .domain, count: 70, per: .seconds(6_000))
        #expect(try bed.queue.limitUse([longer], account: "qq", source: "default", domains: nil).map(\.used) == [70])
        let again = try await bed.runner(campaign, limits: [limit, longer])
        #expect(try await again.beginNext().cappedUntil != nil)
        #expect(try bed.queue.limitUse([longer], account: "qq", source: "default", domains: nil).map(\.used) == [70])
        try check(bed, [limit])
    }

    @Test("broken off after any step, it is gone on with", arguments: [1, 3, 7])
    func crash(rows: Int) async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 40)
        let importer = try bed.queue.importer(for: campaign)
        for number in 0..<20 { try importer.add(bed.row("q\(number)@\(number % 3).example.net")) }
        _ = try importer.finish()
        let before = try await bed.runner(campaign)
        try await send(before, 25, bed)
        try await before.stop()
        let limits = [Limit(scope: .domain, count: 26, per: .seconds(3_600))]
        let need = RecallNeed(limits, campaign: campaign)
        try bed.queue.writeNow { try $0.count(limits, campaign: campaign) }
        var steps = 0
        while steps < 200 {
            let copy = try bed.crashedCopy()
            #expect(try copy.verify(deep: true) == [])
            try copy.claim(freshCaps: true)
            let runner = try await copy.startRunner(
                campaign, account: "qq", source: "default", limits: limits, doubt: .hold)
            #expect(try await runner.beginNext().attempt != nil)
            #expect(try copy.verify(deep: true) == [])
            #expect(try copy.prove(limits.map { HeldLimit($0) }).findings == [])
            #expect(
                try copy.limitUse(limits, account: "qq", source: "default", domains: ["example.com"]).map(\.used)
                    == [26])
            try await runner.stop()
            if try bed.queue.writeNow({ try $0.recallSome(need, campaign: campaign, rows: rows) }) { break }
            steps += 1
        }
        #expect(steps >= 25 / rows - 1 && steps < 200)
    }

    @Test("two runners, one recalling while the other sends, keep one cap")
    func together() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 400)
        let old = try await bed.runner(campaign)
        try await send(old, 50, bed, apart: .zero)
        let limits = [Limit(scope: .domain, count: 60, per: .seconds(3_600))]
        let need = RecallNeed(limits, campaign: campaign)
        let other = try Queue.open(at: bed.path, access: .readWrite, clock: bed.clock)
        try bed.queue.writeNow { try $0.count(limits, campaign: campaign) }
        for _ in 0..<5 {
            #expect(try other.writeNow { try $0.recallSome(need, campaign: campaign, rows: 3) } == false)
            try await send(old, 1, bed, apart: .zero)
        }
        let new = try await other.startRunner(
            campaign, account: "qq", source: "default", limits: limits, doubt: .hold)
        try await send(new, 5, bed, apart: .zero)
        #expect(try await new.beginNext().cappedUntil != nil)
        try await new.stop()
        try await old.stop()
        try check(bed, limits)
    }

    @Test("until it is known what was sent, nothing is begun")
    func unready() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 9)
        let old = try await bed.runner(campaign)
        try await send(old, 3, bed)
        let new = try await bed.queue.startRunner(
            campaign, account: "qq", source: "default", limits: [hour], doubt: .hold, goesOn: { false })
        // One step is enough for three; so it is made to begin anew.
        try bed.queue.writeNow { try $0.db.execute(sql: "UPDATE recall SET known = \(Int64.max)") }
        let leased = try #require(try await new.lease(1).recipients.first)
        guard case .unready = try await new.exchange(settle: [], begin: [leased.request]).first else {
            Issue.record("begun without knowing")
            return
        }
        #expect(try bed.tallies(campaign).sending == 0)
    }

    @Test("retention cuts what was recalled behind the longest window, and the caps stay exact")
    func retention() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 60)
        try await send(try await bed.runner(campaign), 20, bed, apart: .seconds(86_400 * 2))
        let limit = Limit(scope: .domain, count: 15, per: .seconds(86_400 * 40))
        let late = try await bed.runner(campaign, limits: [limit])
        #expect(try await late.beginNext().cappedUntil != nil)
        bed.clock.advance(.seconds(86_400 * 20))
        let sweep = bed.queue.sweep(Retention(sent: .seconds(86_400), bounces: .seconds(86_400)), limits: [limit])
        try sweep.finish()
        #expect(sweep.counts.grants > 10)
        try check(bed, [limit])
        let use = try bed.queue.limitUse([limit], account: "qq", source: "default", domains: nil)
        #expect(use.map(\.used) == [9])
        try await send(late, 6, bed)
        #expect(try await late.beginNext().cappedUntil != nil)
        try check(bed, [limit])
    }

    @Test("a late limit says since when it knows what was sent, where retention has cut its window")
    func blindness() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 30)
        let before = try await bed.runner(campaign)
        let start = bed.clock.now()
        try await send(before, 3, bed)
        bed.clock.advance(.seconds(40 * 86_400))
        try await send(before, 1, bed)
        func since(_ scope: LimitScope, days: Int) throws -> [Timestamp?] {
            let limit = Limit(scope: scope, count: 5, per: .seconds(days * 86_400))
            return try bed.queue.limitUse([limit], account: "qq", source: "default", domains: nil, campaign: campaign)
                .map(\.knownSince)
        }
        #expect(try since(.domain, days: 60) == [nil])
        try bed.queue.sweep(.standard, limits: []).finish()
        // The last one that is old enough stays.
        for scope in [LimitScope.domain, .campaign] {
            #expect(try since(scope, days: 60) == [start + .seconds(2)])
            #expect(try since(scope, days: 30) == [nil])
        }
        #expect(try since(.source, days: 60) == [nil])
        let limit = Limit(scope: .domain, count: 5, per: .seconds(60 * 86_400))
        let after = try await bed.runner(campaign, limits: [limit])
        try await send(after, 1, bed)
        #expect(try since(.domain, days: 60) == [start + .seconds(2)])
        // From now on its window is kept: once it has passed, nothing is missing.
        bed.clock.advance(.seconds(61 * 86_400))
        try await send(after, 1, bed)
        try bed.queue.sweep(.standard, limits: [limit]).finish()
        #expect(try since(.domain, days: 60) == [nil])
    }

    @Test("what is counted stays counted by runners that have no such limit")
    func stays() async throws {
        let bed = try Bed()
        let campaign = try bed.campaign(recipients: 60)
        let first = try await bed.runner(campaign, limits: [hour])
        try await send(first, 2, bed)
        try await first.stop()
        let free = try await bed.runner(campaign)
        try await send(free, 7, bed)
        try await free.stop()
        let again = try await bed.runner(campaign, limits: [hour])
        #expect(try await again.beginNext().cappedUntil != nil)
        // Seven went without the limit: that passed nothing.
        try check(bed, [hour])
    }
}
