import Clock
@testable import Queue

@testable import outpost

/// One queue as the screens show it, at a fixed moment: 2026-07-15 14:02:31 UTC.
enum ConsoleFixture {
    static let now = Moment(
        wall: Timestamp(iso8601: "2026-07-15T14:02:31Z") ?? Timestamp(seconds: 0), boot: 100_000_000)

    static func later(_ seconds: Int) -> Timestamp {
        Timestamp(microseconds: now.wall.microseconds + Int64(seconds) * 1_000_000)
    }

    static let rows = [
        CampaignRow(
            id: 5, name: "七月新闻简报", account: "qq", activity: .running,
            tallies: Tallies(
                pending: 35_159, sending: 2, sent: 12_480, deferred: 312, failed: 41, suppressed: 9, inDoubt: 1),
            perMinute: 118, finish: later(18_000), started: later(-6370)),
        CampaignRow(
            id: 4, name: "invoice-run", account: "mail1", activity: .waiting,
            tallies: Tallies(pending: 2396, sent: 1000, deferred: 4), perMinute: 0, finish: later(7200),
            started: later(-3600),
            standstill: .capped(
                scope: "source", key: "192.0.2.20", count: 1000, perSeconds: 3600, until: later(213))),
        CampaignRow(
            id: 3, name: "a survey whose name is too long for its column on most screens", account: "mail1",
            activity: .paused, tallies: Tallies(pending: 9341, sent: 640, deferred: 18), perMinute: 0,
            started: later(-86_400), standstill: .paused(why: "by you", at: later(-1300))),
        CampaignRow(
            id: 2, name: "autumn", account: "qq", activity: .draft, tallies: Tallies(pending: 42),
            standstill: .notStarted),
        CampaignRow(
            id: 1, name: "spring", account: "qq", activity: .finished,
            tallies: Tallies(sent: 290, failed: 6, suppressed: 4), started: later(-900_000),
            finished: later(-890_000), standstill: .finished(at: later(-890_000))),
    ]

    static func detail(_ name: String) -> CampaignDetail {
        var detail = CampaignDetail(name: name)
        detail.from = "News <news@out.test>"
        detail.runners = 1
        detail.pulse = (0..<120).map { max(0, 118 - abs(80 - $0) * 2) }
        detail.limits = [
            LimitRow(scope: "source", key: "default", perSeconds: 3600, count: 100, used: 100, nextFree: later(213)),
            LimitRow(scope: "source", key: "default", perSeconds: 86_400, count: 500, used: 312, nextFree: later(3440)),
            LimitRow(scope: "domain", key: "例子.测试", perSeconds: 60, count: 20, used: 17, nextFree: nil),
        ]
        detail.sessions = [
            SessionRow(number: 1, step: "DATA", server: "smtp.qq.com:465", since: later(0)),
            SessionRow(number: 2, step: "RCPT TO", server: "smtp.qq.com:465", since: later(-2)),
        ]
        detail.destinations = [
            DestinationRow(domain: "a.test", sent: 41, deferred: 0, last: "250 2.0.0 OK"),
            DestinationRow(domain: "例子.测试", sent: 9, deferred: 12, last: "421 4.7.0 too many connections"),
        ]
        detail.attempts = [
            AttemptRow(
                id: 9, at: later(0), mark: .sent, email: "alice@a.test", code: 250, enhanced: "2.0.0",
                reply: "queued as 9F2"),
            AttemptRow(
                id: 8, at: later(-1), mark: .deferred, email: "王小明@例子.测试", code: 421, enhanced: "4.7.0",
                reply: "too many\u{1B}[2J connections\r\n\u{202E}from you", retryAt: later(240)),
            AttemptRow(
                id: 7, at: later(-2), mark: .failed, email: "xx@c.test", code: 550, enhanced: "5.1.1",
                reply: "no such user"),
            AttemptRow(id: 6, at: later(-4), mark: .inDoubt, email: "bob@a.test", reply: "lost after the final dot"),
        ]
        detail.events = [EventRow(at: later(-60), text: "smtp.qq.com rests for 4 minutes: 421")]
        return detail
    }

    static func person(
        _ id: Int64, _ email: String, _ state: RecipientState, tries: Int = 0, next: Int? = nil, answered: Int? = nil,
        _ reply: String = ""
    ) -> PersonRow {
        PersonRow(
            id: id, place: RecipientPlace(section: .list, first: id), email: email, state: state, tries: tries,
            next: next.map(later), answered: answered.map(later), reply: reply)
    }

    static let people = [
        person(1, "alice@a.test", .sent, tries: 1, answered: -60, "250 2.0.0 queued as 9F2"),
        person(
            2, "王小明@例子.测试", .deferred, tries: 2, next: 240, answered: -61,
            "421 4.7.0 too many\u{1B}[2J connections\r\n\u{202E}from you"),
        person(3, "a-very-long-local-part-indeed-with-more.of.it@department.example.com", .pending),
        person(4, "xx@c.test", .failed, tries: 1, answered: -300, "550 5.1.1 no such user"),
        person(5, "bob@a.test", .inDoubt, tries: 1, answered: -4000, "the connection was lost after the final dot"),
        person(6, "carol@a.test", .suppressed), person(7, "dave@a.test", .sending, tries: 1),
    ]

    static let doubts = [
        people[4],
        person(8, "王小红@例子.测试", .inDoubt, tries: 1, answered: -90_000, "the process ended before the answer came"),
        person(9, "erin@b.test", .inDoubt, tries: 2, answered: -12, "timed out waiting for the reply to the final dot"),
    ]

    static let rests = [
        RestLine(
            id: 12, account: "qq", source: "default", server: "smtp.qq.com:465", since: later(-87), until: later(213),
            rule: "qq-frequency", reply: "550 Connection frequency limited\u{1B}[2J https://help.example/?id=1",
            email: "王小明@例子.测试", inARow: 3,
            waiting: [.init(campaign: "七月新闻简报", left: 35_473), .init(campaign: "invoice-run", left: 2400)]),
        RestLine(
            id: 9, account: "mail1", source: "192.0.2.20", server: "mx.b.test:25", since: later(-3000),
            until: later(4100), rule: "throttled", reply: "421 4.7.0 太多连接，请稍后再试", email: nil, inARow: 1,
            waiting: []),
    ]

    static let time: CampaignTime = {
        let spells: [(WaitCause, Int64?, Int, Int)] = [
            (.sending, 3, -6370, 2400), (WaitCause(.cap, "source default 100/1h"), 3, -3970, 1200),
            (.sending, 3, -2770, 900), (WaitCause(.paused, "in the console"), nil, -1870, 300),
            (WaitCause(.noRunner), nil, -1570, 70), (.sending, 4, -1500, 1413),
            (WaitCause(.rest, "550 Connection frequency limited\u{1B}[2J"), 4, -87, 87),
        ]
        let lines = spells.enumerated().map { index, spell in
            CampaignTime.Line(
                id: Int64(index), cause: spell.0, runner: spell.1, since: later(spell.2),
                until: index == 6 ? nil : later(spell.2 + spell.3), microseconds: Int64(spell.3) * 1_000_000)
        }
        let sums = Dictionary(grouping: lines, by: \.cause).mapValues { $0.reduce(0) { $0 + $1.microseconds } }
        return CampaignTime(
            since: later(-6370), microseconds: 6_370_000_000,
            parts: sums.map { .init(cause: $0.key, microseconds: $0.value) }.sorted {
                $0.microseconds > $1.microseconds
            }, spells: lines.reversed())
    }()

    static let waits = CampaignWaits(campaign: "七月新闻简报", rests: rests, time: time)

    static let snapshot = Snapshot(campaigns: rows, open: detail("七月新闻简报"))

    static func model(_ columns: Int, _ height: Int, open: String? = nil) -> ConsoleModel {
        var model = ConsoleModel(size: Size(columns: columns, rows: height), now: now, open: open)
        var snapshot = snapshot
        if let open { snapshot.open = detail(open) }
        _ = model.update(.snapshot(snapshot), at: now)
        return model
    }
}

extension Tallies {
    init(
        pending: Int = 0, sending: Int = 0, sent: Int = 0, deferred: Int = 0, failed: Int = 0, suppressed: Int = 0,
        inDoubt: Int = 0
    ) {
        self.init()
        (self.pending, self.sending, self.sent, self.deferred) = (pending, sending, sent, deferred)
        (self.failed, self.suppressed, self.inDoubt) = (failed, suppressed, inDoubt)
    }
}

extension ConsoleModel {
    /// Presses keys one after the other, half a second apart.
    @discardableResult
    mutating func type(_ keys: Key...) -> [ConsoleEffect] {
        var effects: [ConsoleEffect] = []
        for key in keys {
            let moment = Moment(wall: now.wall + .milliseconds(500), boot: now.boot + 500_000)
            effects += update(.key(key), at: moment)
        }
        return effects
    }

    mutating func type(text: String) -> [ConsoleEffect] {
        var effects: [ConsoleEffect] = []
        for character in text { effects += type(.character(character)) }
        return effects
    }
}
