import Clock
import Mail
import Queue
import Sender
import Testing

@testable import outpost

@Suite("What an answer means, and when it will be finished")
struct StoryTests {
    private let classifier: ReplyClassifier

    init() throws { classifier = ReplyClassifier(rules: try ReplyRules.load(folder: nil)) }

    private func report(_ text: String, host: String = "") throws -> StoryCodeReport {
        StoryCodeReport(try #require(StoryReply.parse(text), "\(text)"), host: host, classifier)
    }

    @Test(
        "a code, an enhanced code, an answer and a bare text are told apart",
        arguments: [
            ("550", 550, nil, ""), ("5.1.1", 550, "5.1.1", ""), ("4.2.2", 450, "4.2.2", ""),
            ("250 2.0.0 OK", 250, "2.0.0", "OK"),
            ("550-5.1.1 No such user", 550, "5.1.1", "No such user"), ("550 4.1.1 x", 550, nil, "4.1.1 x"),
            ("Connection frequency limited", 550, nil, "Connection frequency limited"),
            ("554 5.7.1 <a@example.com> rejected", 554, "5.7.1", "<a@example.com> rejected"),
        ] as [(String, Int, String?, String)])
    func parsed(_ text: String, _ code: Int, _ enhanced: String?, _ words: String) throws {
        let reply = try #require(StoryReply.parse(text))
        #expect(reply.code == code)
        #expect(reply.enhanced == enhanced)
        #expect(reply.text == words)
    }

    @Test("what is no answer is none", arguments: ["", "99", "5500", "600", "1.1", "a@b", "5.1"])
    func noReply(_ text: String) { #expect(StoryReply.parse(text) == nil) }

    @Test("QQ's 550 for too many connections is about the way, a 5.1.1 about the recipient, a 535 about the login")
    func judged() throws {
        let throttle = try report("550 Connection frequency limited", host: "smtp.qq.com").json.line
        #expect(
            throttle.contains("\"rule\":\"qq.connection-frequency\",\"level\":\"route\",\"action\":\"rest\""),
            "\(throttle)")
        #expect(throttle.contains("\"rest_seconds\":600"))
        let unknown = try report("5.1.1").json.line
        #expect(unknown.contains("\"action\":\"fail\""))
        #expect(unknown.contains("\"suppress\":true"))
        let login = try report("535").text()
        #expect(login.contains("授权码"))
        #expect(login.contains("general.login-refused"))
        #expect(try report("250").json.line.contains("\"rule\":null"))
    }

    @Test("every code and every detail has words, and none of them acts on a terminal")
    func words() throws {
        for code in 200...599 { #expect(!StoryCodes.meaning(of: code).isEmpty) }
        for subject in 0...7 {
            for detail in 0...30 { #expect(StoryCodes.meaning(ofEnhanced: "5.\(subject).\(detail)") != nil) }
        }
        #expect(StoryCodes.meaning(ofEnhanced: "5.9.9") == nil)
        let text = try report("550 5.1.1 \u{1B}[31mred\u{9B}2J\u{202E}").text()
        #expect(!text.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x9B || $0.value == 0x202E })
    }

    @Test("a course is cut at local midnights, in a zone that is not UTC")
    func days() {
        let clock = ManualClock(Timestamp(iso8601: "2026-01-02T20:00:00Z") ?? Timestamp(seconds: 0))
        var basis = CourseBasis([], account: "a", source: "default", domains: [:], clock: clock)
        // The first is begun at once.
        basis.step = 3_600_000_000
        let utc = ForecastDays(basis.course(10), people: 10, offset: { _ in 0 })
        #expect(utc.days == [.init(date: "2026-01-02", count: 4), .init(date: "2026-01-03", count: 6)])
        let shanghai = ForecastDays(basis.course(10), people: 10, offset: { _ in 28_800 })
        #expect(shanghai.days == [.init(date: "2026-01-03", count: 10)])
        let west = ForecastDays(basis.course(10), people: 10, offset: { _ in -5 * 3600 })
        #expect(west.days == [.init(date: "2026-01-02", count: 9), .init(date: "2026-01-03", count: 1)])
    }

    @Test("each person is on one day, also when some need several tries")
    func shares() {
        var basis = CourseBasis(
            [Limit(scope: .source, count: 10, per: .seconds(86_400))], account: "a", source: "default", domains: [:],
            clock: ManualClock())
        #expect(ForecastDays(basis.course(95), people: 95).days.map(\.count).reduce(0, +) == 95)
        basis.start = basis.present + .seconds(86_400 * 3)
        let days = ForecastDays(basis.course(95), people: 19).days
        #expect(days.map(\.count).reduce(0, +) == 19)
        #expect(days.count == 10)
    }
}
