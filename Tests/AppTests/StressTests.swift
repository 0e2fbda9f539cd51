import Clock
import Glibc
import Queue
import Sender
import Testing

@testable import outpost

@Suite("stress")
struct StressTests {
    private static func line(_ event: String, _ to: String, us: Int = 7) -> [UInt8] {
        Array(
            #"{"time":"2026-01-02T03:04:05.678Z","us":\#(us),"event":"\#(event)","session":12,"peer":"127.0.0.1:4","from":"load@load.example","to":"\#(to)","code":250}"#
                .utf8)
    }

    @Test("an event's kind, time, connection and person are read from a line of the post office's log")
    func event() {
        let event = PostOfficeEvent(Self.line("accepted", "p31@load.example", us: 1_767_323_045_678_901))
        #expect(event?.kind == .accepted)
        #expect(event?.time == 1_767_323_045_678_901)
        #expect(event?.session == 12)
        #expect(event?.person == 31)
        #expect(PostOfficeEvent(Self.line("data-start", "p0@load.example"))?.kind == .data)
        #expect(PostOfficeEvent(Self.line("quit", "p0@load.example"))?.kind == .other)
    }

    @Test(
        "a line that is no event, or a half one, is none",
        arguments: ["", "{", #"{"event":"#, "\u{0}\u{1}", #"{"us":1}"#])
    func noEvent(_ text: String) { #expect(PostOfficeEvent(Array(text.utf8)) == nil) }

    @Test(
        "an address that is not one of the load's has no number",
        arguments: [
            "p@load.example", "p1@else.example", "x1@load.example", "p1@load.example.org", "p-1@load.example", "",
        ])
    func strangers(_ address: String) { #expect(LoadCampaign.number(in: address.utf8) == nil) }

    @Test("every person's number comes back out of the address", arguments: [0, 1, 42, 249_999, 10_000_000])
    func numbers(_ number: Int) { #expect(LoadCampaign.number(in: LoadCampaign.email(number).utf8) == number) }

    @Test("loss over the goal, a double, a contradiction or nothing sent is no success; the goal itself is")
    func clean() {
        var report = StressReport()
        #expect(!report.isClean)
        report.picture.begun = 10_000
        report.picture.sent = 10_000
        #expect(report.isClean)
        report.lost = 10
        #expect(report.isClean)
        report.lost = 11
        #expect(!report.isClean)
        report.lost = 0
        report.doubled = 1
        #expect(!report.isClean)
        report.doubled = 0
        report.findings = ["tallies: off by one"]
        #expect(!report.isClean)
    }

    @Test("a hand-over in doubt counts as lost under load, for no load may leave one")
    func doubt() {
        var report = StressReport()
        var verdict = Reckoning.Verdict()
        verdict.doubtTaken = [1]
        verdict.doubtUntaken = [2, 3]
        verdict.lost = [4]
        report.add(verdict)
        #expect(report.lost == 4)
        #expect(report.inDoubt == 3)
    }

    @Test("latency is that of what was sent, by percentile; failures are counted by kind")
    func meter() {
        let meter = StressMeter()
        for number in 1...1000 {
            meter.took(
                Settlement(attempt: Int64(number), outcome: .sent, code: 250, bytes: 10), .milliseconds(number))
        }
        meter.took(Settlement(attempt: 1001, outcome: .deferred, code: 451), .seconds(50))
        meter.took(Settlement(attempt: 1002, outcome: .aborted), .seconds(50))
        let picture = meter.picture()
        #expect(picture.begun == 1002 && picture.sent == 1000 && picture.bytes == 10_000)
        // Three digits of precision.
        #expect(abs(Double(picture.latency.p50) - 500_000) < 1000)
        #expect(abs(Double(picture.latency.p99) - 990_000) < 2000)
        #expect(picture.latency.max >= 999_000 && picture.latency.max < 1_002_000)
        #expect(picture.failures.map(\.kind) == ["aborted", "deferred 451"])
    }

    @Test("an answer that took longer than an hour still counts")
    func slowest() {
        let meter = StressMeter()
        meter.took(Settlement(attempt: 1, outcome: .sent), .seconds(7200))
        #expect(meter.picture().sent == 1)
        #expect(meter.picture().latency.max >= 3_590_000_000)
    }

    @Test("the chart's highest value is a full block, nothing is the lowest")
    func sparkline() {
        #expect(StressDisplay.sparkline([0, 5, 10], glyphs: .unicode) == "▁▄█")
        #expect(StressDisplay.sparkline([0, 0], glyphs: .unicode) == "▁▁")
        #expect(StressDisplay.sparkline([], glyphs: .unicode) == "")
    }

    @Test("no line of the block is wider than the terminal", arguments: [20, 40, 80, 200])
    func width(_ width: Int) {
        var frame = StressDisplay.Frame()
        frame.rates = (0..<120).map { Double($0) }
        frame.picture.sent = 12_345_678
        frame.picture.begun = 12_345_999
        frame.picture.latency.max = 123_456_789
        frame.duration = 1800
        for line in StressDisplay().block(frame, width: width) {
            #expect(CellWidth.of(line.replacing(#/\u{1B}\[\d+m/#, with: "")) <= width, "\(line)")
        }
    }

    @Test("sizes are bytes, thousands and millions")
    func sizes() {
        #expect(StressCommand.bytes("800") == 800)
        #expect(StressCommand.bytes("11k") == 11_000)
        #expect(StressCommand.bytes("2M") == 2_000_000)
        for bad in ["", "k", "1.5k", "-1", "1g", "99999999999999999999"] { #expect(StressCommand.bytes(bad) == nil) }
    }

    @Test("a scratch folder takes all of itself away and follows no link")
    func scratch() throws {
        let outside = try Scratch("test", kept: nil)
        try FilePath.replace(outside.path + "/precious", with: [1])
        let scratch = try Scratch("test", kept: nil)
        let inner = try scratch.folder("a")
        try FilePath.replace(inner + "/b", with: [1])
        #expect(symlink(outside.path, inner + "/link") == 0)
        scratch.remove()
        #expect(!FilePath.exists(scratch.path))
        #expect(FilePath.exists(outside.path + "/precious"))
        outside.remove()
        #expect(!FilePath.exists(outside.path))
    }
}
