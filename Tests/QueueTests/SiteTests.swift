import Clock
import Foundation
import GRDB
import Testing

@testable import Queue

/// Domains with the same MX hosts are one destination.
@Suite struct SiteTests {
    private let limit = Limit(scope: .domain, count: 5, per: .seconds(3_600))

    private func bed(_ domains: [String], each: Int = 9) throws -> (Bed, Int64) {
        let bed = try Bed()
        let campaign = try bed.campaign()
        let importer = try bed.queue.importer(for: campaign)
        for number in 0..<each { for domain in domains { try importer.add(bed.row("p\(number)@\(domain)")) } }
        _ = try importer.finish()
        return (bed, campaign)
    }

    private func runner(_ bed: Bed, _ campaign: Int64, sharing: Bool = true, limits: [Limit]? = nil) async throws
        -> Runner
    {
        try await bed.queue.startRunner(
            campaign, account: "qq", source: "default", limits: limits ?? [limit], doubt: .hold, sharesMX: sharing)
    }

    /// Begins the next one of a domain.
    private func begin(_ runner: Runner, _ bed: Bed, _ domain: String) async throws -> BeginAnswer {
        let waiting = try bed.queue.recipients(runner.campaign, state: .pending, after: 0, limit: 100)
        let next = try #require(waiting.first { $0.domain == domain })
        return try #require(
            try await runner.exchange(
                settle: [], begin: [BeginRequest(recipient: next.id, server: "s", messageID: "<m>", domain: domain)]
            ).first)
    }

    private func send(_ runner: Runner, _ bed: Bed, _ domain: String, _ count: Int = 1) async throws {
        for _ in 0..<count {
            try await runner.settle(try #require(try await begin(runner, bed, domain).attempt), .sent)
            bed.clock.advance(.seconds(1))
        }
    }

    private func learn(_ runner: Runner, _ sites: [String: String?]) async throws {
        try await runner.learn(
            sites.map { SiteFinding(domain: $0, answer: $1.map { .site($0) } ?? .itself, lasts: .seconds(600)) })
        try await runner.recall()
    }

    private func check(_ bed: Bed) throws {
        #expect(try bed.queue.verify(deep: true) == [])
        #expect(try bed.queue.prove([HeldLimit(limit)]).findings == [])
    }

    private func isUnready(_ answer: BeginAnswer) -> Bool { if case .unready = answer { true } else { false } }

    @Test("a domain is not begun before it is looked up, a provider's or a reserved one at once")
    func unknown() async throws {
        let (bed, campaign) = try bed(["a.shop.zz", "vip.qq.com", "b.test"])
        let runner = try await runner(bed, campaign)
        #expect(isUnready(try await begin(runner, bed, "a.shop.zz")))
        #expect(try await begin(runner, bed, "vip.qq.com").attempt != nil)
        #expect(try await begin(runner, bed, "b.test").attempt != nil)
        #expect(try await runner.located(["a.shop.zz", "b.test"]).keys.sorted() == ["b.test"])
        try await learn(runner, ["a.shop.zz": nil])
        #expect(try await begin(runner, bed, "a.shop.zz").attempt != nil)
        // A while later it is asked again.
        bed.clock.advance(.seconds(601))
        #expect(isUnready(try await begin(runner, bed, "a.shop.zz")))
        // Nobody answers: what is known stays.
        try await runner.learn([SiteFinding(domain: "a.shop.zz", answer: .unknown, lasts: .zero)])
        #expect(try await begin(runner, bed, "a.shop.zz").attempt != nil)
        bed.clock.advance(.seconds(301))
        #expect(isUnready(try await begin(runner, bed, "a.shop.zz")))
    }

    @Test("domains with the same hosts share a cap, and it is shown under the hosts' name")
    func shared() async throws {
        let (bed, campaign) = try bed(["a.zz", "b.zz", "c.zz"])
        let runner = try await runner(bed, campaign)
        try await learn(runner, ["a.zz": "mx.host.zz", "b.zz": "mx.host.zz", "c.zz": nil])
        try await send(runner, bed, "a.zz", 3)
        try await send(runner, bed, "b.zz", 2)
        guard case .capped(_, "mx.host.zz", _) = try await begin(runner, bed, "a.zz") else {
            Issue.record("not capped by the site")
            return
        }
        try await send(runner, bed, "c.zz", 5)
        let use = try bed.queue.limitUse([limit], account: "qq", source: "default", domains: nil)
        #expect(use.map(\.key).sorted() == ["c.zz", "mx.host.zz"] && use.map(\.used) == [5, 5])
        // A limit on one of them holds for the site.
        let one = Limit(scope: .domain, key: "b.zz", count: 5, per: .seconds(3_600))
        let named = try bed.queue.limitUse([one], account: "qq", source: "default", domains: [])
        #expect(named.map(\.key) == ["mx.host.zz"])
        try check(bed)
    }

    @Test("who joins a site brings its history, in flight or settled, and so does one that moves")
    func join() async throws {
        let (bed, campaign) = try bed(["a.zz", "b.zz", "c.zz"])
        let runner = try await runner(bed, campaign)
        try await learn(runner, ["a.zz": nil, "b.zz": "mx.host.zz", "c.zz": "mx.other.zz"])
        try await send(runner, bed, "a.zz", 1)
        try await send(runner, bed, "b.zz", 1)
        try await send(runner, bed, "a.zz", 1)
        let open = try #require(try await begin(runner, bed, "a.zz").attempt)
        try await learn(runner, ["a.zz": "mx.host.zz"])
        #expect(try bed.queue.limitUse([limit], account: "qq", source: "default", domains: ["b.zz"]).map(\.used) == [4])
        try await runner.settle(open, .sent)
        #expect(try bed.queue.limitUse([limit], account: "qq", source: "default", domains: ["b.zz"]).map(\.used) == [4])
        try await send(runner, bed, "b.zz", 1)
        #expect(try await begin(runner, bed, "a.zz").cappedUntil != nil)
        #expect(try await begin(runner, bed, "b.zz").cappedUntil != nil)
        try check(bed)
        // The whole of it joins another, member after member.
        try await send(runner, bed, "c.zz", 2)
        try await learn(runner, ["a.zz": "mx.other.zz"])
        #expect(try bed.queue.limitUse([limit], account: "qq", source: "default", domains: ["c.zz"]).map(\.used) == [5])
        #expect(try await begin(runner, bed, "c.zz").cappedUntil != nil)
        try await learn(runner, ["b.zz": "mx.other.zz"])
        #expect(try bed.queue.limitUse([limit], account: "qq", source: "default", domains: ["c.zz"]).map(\.used) == [7])
        try check(bed)
        #expect(
            try bed.queue.read { db, _ in try Int.fetchOne(db, sql: "SELECT count(*) FROM recall WHERE kind = 1") } == 0
        )
    }

    @Test("a domain alone at its hosts takes its ledger along as it is")
    func alone() async throws {
        let (bed, campaign) = try bed(["a.zz", "b.zz"])
        let runner = try await runner(bed, campaign)
        try await learn(runner, ["a.zz": nil])
        try await send(runner, bed, "a.zz", 3)
        let open = try #require(try await begin(runner, bed, "a.zz").attempt)
        try await learn(runner, ["a.zz": "mx.a.zz"])
        #expect(try bed.queue.limitUse([limit], account: "qq", source: "default", domains: nil).map(\.used) == [4])
        try await runner.settle(open, .sent)
        try await send(runner, bed, "a.zz", 1)
        #expect(try await begin(runner, bed, "a.zz").cappedUntil != nil)
        try check(bed)
    }

    @Test("what was sent before there was a limit counts for the site, and until it is recalled nothing goes there")
    func late() async throws {
        let (bed, campaign) = try bed(["a.zz", "b.zz"])
        let old = try await bed.runner(campaign)
        try await send(old, bed, "a.zz", 3)
        try await send(old, bed, "b.zz", 1)
        let runner = try await runner(bed, campaign)
        #expect(try await runner.unlocatedDomains(limit: 10) == ["a.zz", "b.zz"])
        let findings = ["a.zz", "b.zz"].map { SiteFinding(domain: $0, answer: .site("mx.zz"), lasts: .seconds(600)) }
        try await runner.learn(findings)
        #expect(isUnready(try await begin(runner, bed, "b.zz")))
        try await runner.recall()
        #expect(try await runner.unlocatedDomains(limit: 10) == [])
        try await send(runner, bed, "b.zz", 1)
        #expect(try await begin(runner, bed, "a.zz").cappedUntil != nil)
        try check(bed)
    }

    @Test("names that say what the hosts have in common, and tell sets apart")
    func names() {
        #expect(SiteName.of(["MX.Example.Net."]) == "mx.example.net")
        #expect(SiteName.of(["mx2.example.net", "mx1.example.net"]) == "(mx1|mx2).example.net")
        #expect(
            SiteName.of(["aspmx.l.google.com", "alt2.aspmx.l.google.com", "alt1.aspmx.l.google.com"])
                == "(alt1|alt2)?.aspmx.l.google.com")
        #expect(SiteName.of(["a.one.net", "b.two.org"]) == "(a.one.net|b.two.org)")
        #expect(SiteName.of([]) == nil)
        #expect(SiteName.of(["bad\u{1B}[31m.example.net"]) == nil)
        #expect(SiteName.of(["a#b.example.net"]) == nil)
    }

    @Test("names nobody is asked about")
    func reserved() {
        for name in [
            "qq.com", "foxmail.com", "gmail.com", "a.test", "b.example", "x.invalid", "localhost", "h.local", "s.onion",
            "example.com", "mail.example.org", "[192.0.2.1]", "nodots", "", "a..b",
        ] { #expect(!DomainGroup.isLookedUp(name), "\(name)") }
        for name in ["shop.zz", "example.com.cn", "myexample.com", "a.b.c.de"] { #expect(DomainGroup.isLookedUp(name)) }
    }
}
