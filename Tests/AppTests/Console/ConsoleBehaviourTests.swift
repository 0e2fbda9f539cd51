import Queue
import Testing

@testable import outpost

@Suite struct ConsoleBehaviourTests {
    @Test("an unknown key says so and does nothing")
    func unknownKey() {
        var model = ConsoleFixture.model(80, 24)
        #expect(model.type(.character("x")).isEmpty)
        #expect(model.flash?.text == "no command on x, ? for help")
    }

    @Test("held Enter starts nothing, wherever the dialog stands")
    func heldEnter() {
        var model = draftSelected()
        var effects = model.type(.character("s"))
        effects += answer(&model, people: 42)
        for _ in 0..<50 { effects += model.type(.enter) }
        #expect(!effects.contains(.start("autumn")))
    }

    @Test("y within 300 ms after the question came up was meant for something else")
    func deafDialog() {
        var model = draftSelected()
        model.type(.character("s"))
        _ = answer(&model, people: 42)
        let early = Moment(wall: model.now.wall, boot: model.now.boot + 299_000)
        #expect(model.update(.key(.character("y")), at: early).isEmpty)
        let late = Moment(wall: model.now.wall, boot: model.now.boot + 1_000)
        #expect(model.update(.key(.character("y")), at: late).contains(.start("autumn")))
    }

    @Test("y before the people are counted starts nothing")
    func notCounted() {
        var model = draftSelected()
        #expect(model.type(.character("s")) == [.terms("autumn")])
        #expect(model.type(.character("y")).isEmpty)
    }

    @Test("above five hundred people only the whole name starts")
    func severe() {
        var model = draftSelected()
        model.type(.character("s"))
        _ = answer(&model, people: 501)
        #expect(model.type(.character("y")).isEmpty)
        model.type(.backspace)
        #expect(model.type(text: "autum").isEmpty)
        #expect(model.type(.enter).isEmpty)
        #expect(model.type(.character("n")).contains(.start("autumn")))
    }

    @Test("a campaign of nobody cannot be started")
    func nobody() {
        var model = draftSelected()
        model.type(.character("s"))
        _ = answer(&model, people: 0)
        #expect(!model.type(.character("y")).contains(.start("autumn")))
    }

    @Test("s on what is sent already says why it does not apply")
    func startRunning() {
        var model = ConsoleFixture.model(80, 24)
        #expect(model.type(.character("s")).isEmpty)
        #expect(model.overlay == nil)
        #expect(model.flash?.text == "七月新闻简报 is being sent already")
    }

    @Test("p pauses what runs and resumes what is paused, without a question")
    func pause() {
        var model = ConsoleFixture.model(80, 24)
        #expect(model.type(.character("p")) == [.pause("七月新闻简报")])
        #expect(model.type(.down, .down, .character("p")).contains(.resume(ConsoleFixture.rows[2].name)))
    }

    @Test("the cursor stays on its campaign when others come and go above it")
    func stableCursor() {
        var model = ConsoleFixture.model(80, 24)
        model.type(.down, .down, .down)
        #expect(model.selected?.name == "autumn")
        var changed = ConsoleFixture.snapshot
        changed.campaigns.insert(
            CampaignRow(id: 6, name: "new", account: "qq", activity: .draft, tallies: Tallies()), at: 0)
        changed.campaigns.remove(at: 2)
        _ = model.update(.snapshot(changed), at: model.now)
        #expect(model.selected?.name == "autumn")
    }

    @Test("a filter of words, states and exclusions")
    func filter() {
        var model = ConsoleFixture.model(80, 24)
        model.type(.character("/"))
        _ = model.type(text: "!state:finished mail1")
        #expect(model.rows.map(\.id) == [4, 3])
        model.type(.enter, .character("\\"))
        #expect(model.rows.count == 5)
    }

    @Test("the filter stands beside the order, and Esc forgets it")
    func filterShown() {
        var model = ConsoleFixture.model(80, 24)
        model.type(.character("/"))
        _ = model.type(text: "mail1")
        model.type(.enter)
        let counts = model.view().row(1).map(\.text).joined()
        #expect(counts.contains("filter: mail1 ") && counts.contains("sort: newest v"))
        model.type(.escape)
        #expect(model.filter.isEmpty && model.rows.count == 5)
    }

    @Test("^W takes back a word, ^U all of what is typed")
    func lineEditing() {
        var model = ConsoleFixture.model(80, 24)
        model.type(.character("/"))
        _ = model.type(text: "!paused 七月 ")
        model.type(.control("w"))
        #expect(model.filter == "!paused ")
        model.type(.control("u"))
        #expect(model.filter.isEmpty)
    }

    @Test("s where only those in doubt are left says so, not that it is being sent")
    func startOnlyInDoubt() {
        var model = ConsoleFixture.model(80, 24)
        var snapshot = ConsoleFixture.snapshot
        snapshot.campaigns[1].standstill = .inDoubt(3)
        _ = model.update(.snapshot(snapshot), at: model.now)
        #expect(model.type(.down, .character("s")) == [.watch("invoice-run")])
        #expect(model.flash?.text == "only those in doubt are left in invoice-run: d lists them")
        // What was said of one key does not stand beside what comes of the next.
        model.type(.down)
        #expect(model.flash == nil)
    }

    @Test("leaving asks only when this console started what is still being sent")
    func quit() {
        var model = ConsoleFixture.model(80, 24)
        #expect(model.type(.character("q")) == [.end(.quit)])
        var snapshot = ConsoleFixture.snapshot
        snapshot.ownRunners = ["autumn"]
        _ = model.update(.snapshot(snapshot), at: model.now)
        #expect(model.type(.character("q")).isEmpty)
        #expect(model.type(.enter).isEmpty)
        #expect(model.type(.character("f")) == [.drain])
        #expect(model.update(.snapshot(ConsoleFixture.snapshot), at: model.now) == [.end(.drained)])
    }

    @Test("b leaves it running, and the console says what goes on")
    func background() {
        var model = ConsoleFixture.model(80, 24)
        var snapshot = ConsoleFixture.snapshot
        snapshot.ownRunners = ["autumn"]
        _ = model.update(.snapshot(snapshot), at: model.now)
        model.type(.control("c"))
        #expect(model.type(.character("b")) == [.end(.background(["autumn"]))])
    }

    @Test("Esc never leaves the program; q leaves what it was opened on")
    func rootIsLive() {
        var model = ConsoleFixture.model(80, 24, open: "autumn")
        #expect(model.type(.escape).isEmpty)
        #expect(model.type(.character("q")) == [.end(.quit)])
    }

    @Test("opening asks for the figures of that campaign, going back for the selected one's")
    func watch() {
        var model = ConsoleFixture.model(80, 24)
        #expect(model.type(.down) == [.watch("invoice-run")])
        #expect(model.type(.enter).isEmpty)
        #expect(model.live == "invoice-run")
        #expect(model.type(.escape).isEmpty)
        #expect(model.live == nil)
    }

    @Test("frozen figures stay; thawing shows the newest")
    func freeze() {
        var model = ConsoleFixture.model(80, 24)
        model.type(.character("f"))
        var changed = ConsoleFixture.snapshot
        changed.campaigns[0].tallies.sent += 1
        _ = model.update(.snapshot(changed), at: model.now)
        #expect(model.shown?.campaigns[0].tallies.sent == 12_480)
        #expect(model.view().text.contains("FROZEN"))
        model.type(.character("f"))
        #expect(model.shown?.campaigns[0].tallies.sent == 12_481)
    }

    @Test("the palette finds a command by letters of its name and refuses like the key does")
    func palette() {
        var model = ConsoleFixture.model(80, 24)
        #expect(model.paletteMatches("cpau").first?.name == "campaign.pause")
        model.type(.character(":"))
        _ = model.type(text: "campaign.start")
        #expect(model.type(.enter).isEmpty)
        #expect(model.flash?.text == "七月新闻简报 is being sent already")
    }

    @Test("no two commands of a place have a key in common, and each is in help")
    func registry() {
        for place in Place.single {
            let commands = ConsoleCommand.here(place)
            let keys = commands.flatMap(\.keys)
            #expect(Set(keys).count == keys.count)
            var model = ConsoleFixture.model(120, 60, open: place == .campaigns ? nil : "autumn")
            if place == .people || place == .story { model.type(.character("2")) }
            if place == .story {
                _ = model.update(
                    .people(.page(model.ticket, rows: ConsoleFixture.people, next: nil, backwards: false)),
                    at: model.now)
                model.type(.enter)
            }
            if place == .waits { model.type(.character("3")) }
            #expect(model.place == place)
            // Wrapped: a line goes on where the next one has no key.
            let help = model.helpLines(.init()).map { $0.map(\.0).joined() }.joined(separator: " ")
                .split(separator: " ").joined(separator: " ")
            for command in commands { #expect(help.contains(command.does), "\(command.name)") }
        }
    }

    @Test("the source's failure is shown, and goes when figures come again")
    func trouble() {
        var model = ConsoleFixture.model(80, 24)
        _ = model.update(.trouble("disk I/O error"), at: model.now)
        #expect(model.view().text.contains("no new figures: disk I/O error"))
        _ = model.update(.snapshot(ConsoleFixture.snapshot), at: model.now)
        #expect(!model.view().text.contains("no new figures"))
    }

    @Test(
        "a long error is told to its end, and stays long enough to be read; an order under way until its answer comes")
    func messages() {
        var model = ConsoleFixture.model(80, 24, open: "七月新闻简报")
        func text(after seconds: Int) -> String {
            let moment = Moment(
                wall: ConsoleFixture.later(seconds), boot: ConsoleFixture.now.boot + Int64(seconds) * 1_000_000)
            _ = model.update(.tick, at: moment)
            return model.view().text
        }
        let long = "The queue " + String(repeating: "/a-folder", count: 9) + "/queue.sqlite3 stayed locked for 15 s"
        _ = model.update(.refused(long), at: ConsoleFixture.now)
        #expect(text(after: 14).contains("stayed locked for 15 s"))
        #expect(!text(after: 16).contains("stayed locked"))
        model.type(.character("p"))
        #expect(text(after: 30).contains("pausing"))
        _ = model.update(.done("paused"), at: model.now)
        #expect(!text(after: 31).contains("pausing"))
    }

    @Test("whatever stands still says why, in the list and when open")
    func reasons() {
        for row in ConsoleFixture.rows where row.standstill != nil {
            let model = ConsoleFixture.model(120, 40, open: row.name)
            let text = model.view().text
            #expect(text.contains(row.standstill?.sentence(model, campaign: row.name) ?? "?"), "\(row.name)")
        }
    }

    @Test("a server that rests while others go on is named, with the answer that caused it and its end")
    func rests() {
        var model = ConsoleFixture.model(80, 24, open: "七月新闻简报")
        var snapshot = ConsoleFixture.snapshot
        snapshot.open?.rests = [
            RestRow(server: "mx.b.test:25", until: ConsoleFixture.later(240), reply: "421 4.7.0 slow\u{1B}[2J down"),
            RestRow(server: "mx.c.test:25", until: ConsoleFixture.later(99), reply: "421"),
        ]
        _ = model.update(.snapshot(snapshot), at: model.now)
        let text = model.view().text
        #expect(text.contains("mx.b.test:25 rests until 14:06:31: 421 4.7.0 slow down (and 1 more)"))
        #expect(text.contains("last attempts"))
    }

    @Test("the same state draws the same frame: nothing to draw when nothing changed")
    func pure() {
        var model = ConsoleFixture.model(80, 24)
        let before = model.view()
        _ = model.update(.snapshot(ConsoleFixture.snapshot), at: model.now)
        #expect(model.view() == before)
    }

    @Test("a young campaign is followed by the second; what happened between two looks is shared out")
    func trail() {
        var model = ConsoleFixture.model(80, 24, open: "七月新闻简报")
        var snapshot = ConsoleFixture.snapshot
        for (seconds, sent) in [(1, 12_490), (2, 12_500), (4, 12_530)] {
            snapshot.campaigns[0].tallies.sent = sent
            let moment = Moment(
                wall: ConsoleFixture.later(seconds), boot: ConsoleFixture.now.boot + Int64(seconds) * 1_000_000)
            _ = model.update(.snapshot(snapshot), at: moment)
        }
        #expect(model.trail?.values(now: ConsoleFixture.later(4)) == [10, 10, 15, 15])
        #expect(model.trail?.values(now: ConsoleFixture.later(7)) == [10, 10, 15, 15, 0, 0])
        snapshot.campaigns[0].tallies.sent = 13_000
        _ = model.update(.snapshot(snapshot), at: Moment(wall: ConsoleFixture.later(-500), boot: model.now.boot))
        #expect(model.trail?.values(now: ConsoleFixture.later(-500)) == nil)
    }

    private func draftSelected() -> ConsoleModel {
        var model = ConsoleFixture.model(80, 24)
        model.type(.down, .down, .down)
        return model
    }

    private func answer(_ model: inout ConsoleModel, people: Int) -> [ConsoleEffect] {
        let terms = StartTerms(
            campaign: "autumn", people: people, leftOut: 0, account: "qq", from: "", first: nil, finish: nil, caps: "",
            isResumed: false)
        return model.update(.terms(terms), at: model.now)
    }
}
