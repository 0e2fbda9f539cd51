import Queue
import Testing

@testable import outpost

@Suite("drill")
struct DrillTests {
    private static func standing(_ state: RecipientState, begun: Bool = true) -> Reckoning.Standing {
        Reckoning.Standing(state: state, begun: begun)
    }

    /// Feeds a post office's log, as its lines, and asks what it comes to.
    private static func verdict(
        _ accepted: [String], _ states: [RecipientState], complete: Bool = true, begun: Bool = true
    ) -> Reckoning.Verdict {
        let watch = DrillWatch(people: states.count)
        for email in accepted {
            let line = #"{"us":5,"event":"accepted","session":1,"from":"a@b","to":"\#(email)","code":250}"#
            if let event = PostOfficeEvent(Array(line.utf8)) { watch.take(event) }
        }
        return watch.findings().reckoning.verdict(complete: complete) { standing(states[$0], begun: begun) }
    }

    @Test("everybody sent and taken once: nothing lost, nothing doubled")
    func good() {
        let verdict = Self.verdict(["p0@load.example", "p1@load.example"], [.sent, .sent])
        #expect(verdict.taken == 2 && verdict.lost.isEmpty && verdict.doubled == 0 && verdict.inDoubt == 0)
    }

    @Test("a message taken twice is doubled, three times is two too many")
    func doubled() {
        let verdict = Self.verdict(
            ["p1@load.example", "p0@load.example", "p1@load.example", "p1@load.example"], [.sent, .sent])
        #expect(verdict.doubled == 2 && verdict.doubledPeople == [1] && verdict.lost.isEmpty)
    }

    @Test("a double is one whatever the queue says of the person", arguments: RecipientState.allCases)
    func doubledInAnyState(_ state: RecipientState) {
        #expect(Self.verdict(["p0@load.example", "p0@load.example"], [state]).doubled == 1)
    }

    @Test("a message to somebody who is not on the list is one too many")
    func stranger() {
        #expect(Self.verdict(["p0@load.example", "p9@load.example", "x@y.example"], [.sent]).doubled == 2)
    }

    @Test("sent by the queue's word and never taken is lost")
    func sentNeverTaken() { #expect(Self.verdict([], [.sent]).lost == [0]) }

    @Test(
        "taken, and the queue says neither sent nor in doubt: lost",
        arguments: [RecipientState.pending, .sending, .deferred, .failed, .suppressed, .cancelled])
    func takenNotSettled(_ state: RecipientState) {
        #expect(Self.verdict(["p0@load.example"], [state], complete: false).lost == [0])
    }

    @Test("in doubt is neither lost nor doubled, and is told apart by what was taken")
    func inDoubt() {
        let verdict = Self.verdict(["p1@load.example"], [.inDoubt, .inDoubt])
        #expect(verdict.lost.isEmpty && verdict.doubled == 0)
        #expect(verdict.doubtTaken == [1] && verdict.doubtUntaken == [0])
    }

    @Test("whoever was to be settled and is left over is lost; while sending, only if begun")
    func leftOver() {
        #expect(Self.verdict([], [.pending], complete: true, begun: false).lost == [0])
        #expect(Self.verdict([], [.pending], complete: false, begun: false).lost.isEmpty)
        #expect(Self.verdict([], [.pending], complete: false, begun: true).lost == [0])
    }

    @Test("somebody the queue does not know any more is lost")
    func forgotten() {
        var reckoning = Reckoning(people: 2)
        reckoning.take(0)
        #expect(reckoning.verdict(complete: true) { _ in nil }.lost == [0, 1])
        #expect(reckoning.verdict(complete: false) { _ in nil }.lost == [0])
    }

    @Test("counting a person never overflows")
    func many() {
        var reckoning = Reckoning(people: 1)
        for _ in 0..<1000 { reckoning.take(0) }
        #expect(reckoning.verdict(complete: true) { _ in Self.standing(.sent) }.doubled == 254)
        #expect(reckoning.messages == 1000)
    }

    @Test("the first message after a restart is one over the new worker's connection, not the dead one's")
    func first() throws {
        let watch = DrillWatch(people: 3)
        func tell(_ kind: String, _ us: Int, _ session: Int) throws {
            let line = #"{"us":\#(us),"event":"\#(kind)","session":\#(session),"to":"p0@load.example"}"#
            watch.take(try #require(PostOfficeEvent(Array(line.utf8))))
        }
        try tell("connect", 10, 1)
        watch.restart(at: 20)
        try tell("accepted", 25, 1)
        try tell("connect", 30, 2)
        try tell("accepted", 35, 1)
        try tell("accepted", 40, 2)
        try tell("accepted", 50, 2)
        #expect(watch.findings().first == 40)
    }

    @Test("a trigger fires once, at the event it was set for, and not for one before its time")
    func trigger() async {
        await confirmation(expectedCount: 1) { fired in
            let watch = DrillWatch(people: 1)
            func tell(_ kind: String, _ us: Int) {
                let line = #"{"us":\#(us),"event":"\#(kind)","session":1,"to":"p0@load.example"}"#
                if let event = PostOfficeEvent(Array(line.utf8)) { watch.take(event) }
            }
            watch.arm(.accepted, count: 2, since: 100) { fired() }
            for time in [1, 2, 3, 100] { tell("accepted", time) }
            tell("rcpt", 110)
            tell("accepted", 120)
            tell("accepted", 130)
            watch.arm(.accepted, count: 1) { fired() }
            watch.disarm()
            tell("accepted", 140)
        }
    }

    @Test("the report fails on loss, on doubles, on contradictions and on a step that was not reached")
    func report() {
        var good = DrillReport()
        for step in DrillStep.allCases {
            good.add(Reckoning.Verdict(), at: step, campaign: "x", killed: true, first: 1000)
        }
        #expect(good.isClean && good.kills == DrillStep.allCases.count)
        var lost = good
        lost.add(Self.verdict([], [.sent]), at: .data, campaign: "x", killed: true, first: nil)
        #expect(!lost.isClean && lost.lost == 1 && lost.sentence.contains("NOT"))
        var doubled = good
        doubled.add(
            Self.verdict(["p0@load.example", "p0@load.example"], [.sent]), at: .dot, campaign: "x", killed: true,
            first: nil)
        #expect(!doubled.isClean && doubled.doubled == 1)
        var contradicted = good
        contradicted.findings = ["tallies: 1 too many"]
        #expect(!contradicted.isClean && contradicted.text().contains("1 too many"))
        var missed = good
        missed.add(Reckoning.Verdict(), at: .mail, campaign: "x", killed: false, first: nil)
        #expect(!missed.isClean)
        #expect(!DrillReport().isClean)
    }

    @Test("each hand-over in doubt is listed with what the post office saw")
    func listed() {
        var report = DrillReport()
        report.add(
            Self.verdict(["p1@load.example"], [.inDoubt, .inDoubt]), at: .dot, campaign: "dot-1", killed: true,
            first: 1)
        let text = report.text()
        #expect(text.contains("p0@load.example") && text.contains("p1@load.example"))
        #expect(report.doubts.map(\.delivered) == [false, true])
    }
}
