import Clock
import Queue
import Testing

@testable import outpost

@Suite struct PeopleTests {
    /// The list of the fixture's first campaign with these rows in it, and no more to come unless `next` says where.
    private func model(_ rows: [PersonRow], _ columns: Int = 80, _ height: Int = 24, next: RecipientPlace? = nil)
        -> ConsoleModel
    {
        var model = ConsoleFixture.model(columns, height, open: "七月新闻简报")
        model.type(.character("2"))
        answer(&model, rows, next: next)
        return model
    }

    private func answer(
        _ model: inout ConsoleModel, _ rows: [PersonRow], next: RecipientPlace? = nil, backwards: Bool = false
    ) {
        _ = model.update(
            .people(.page(model.ticket, rows: rows, next: next, backwards: backwards)), at: model.now)
    }

    private func asked(_ effects: [ConsoleEffect]) -> (query: PeopleQuery, from: RecipientPlace?, backwards: Bool)? {
        for case .people(.page(_, let query, let from, let backwards, _)) in effects { return (query, from, backwards) }
        return nil
    }

    @Test(
        "/ in a campaign opens the search box; each letter asks anew, and a pending answer to the letter before is dropped"
    )
    func typing() throws {
        var model = ConsoleFixture.model(80, 24, open: "七月新闻简报")
        let first = try #require(asked(model.type(.character("/"))))
        #expect(first.query == PeopleQuery(campaign: "七月新闻简报"))
        let old = model.ticket
        #expect(asked(model.type(.character("b")))?.query.text == "b")
        #expect(asked(model.type(.character("o")))?.query.text == "bo")
        let late = ConsoleFixture.person(99, "late@a.test", .sent)
        _ = model.update(.people(.page(old, rows: [late], next: nil, backwards: false)), at: model.now)
        #expect(!model.view().text.contains("late@a.test"))
        answer(&model, ConsoleFixture.people)
        #expect(model.view().text.contains("found: 7"))
        model.type(.enter)
        #expect(model.people?.typed == nil)
        #expect(model.type(.character("j")).isEmpty)
    }

    @Test("state: in the search box narrows by state, by a word of the contract or its beginning")
    func states() {
        #expect(PeopleQuery(campaign: "x", typed: "state:in_doubt") == PeopleQuery(campaign: "x", state: .inDoubt))
        #expect(
            PeopleQuery(campaign: "x", typed: "bob state:f") == PeopleQuery(campaign: "x", state: .failed, text: "bob"))
        #expect(PeopleQuery(campaign: "x", typed: "state:no") == PeopleQuery(campaign: "x", text: "state:no"))
        #expect(PeopleQuery(campaign: "x", typed: " 550  5.1.1 ").text == "550 5.1.1")
    }

    @Test("Esc ends typing, then forgets the search, then goes back; \\ forgets it at once")
    func escape() {
        var model = model(ConsoleFixture.people)
        model.type(.character("/"))
        _ = model.type(text: "bo")
        #expect(asked(model.type(.escape))?.query.text == "")
        #expect(model.people != nil)
        answer(&model, ConsoleFixture.people)
        model.type(.character("/"))
        _ = model.type(text: "bo")
        model.type(.enter)
        #expect(asked(model.type(.character("\\")))?.query.text == "")
        model.type(.escape)
        #expect(model.people == nil)
        #expect(model.live == "七月新闻简报")
    }

    @Test("the next page is asked for before the cursor comes to the end, from the last row on, once")
    func paging() throws {
        let rows = (1...200).map { ConsoleFixture.person(Int64($0), "p\($0)@a.test", .pending) }
        let place = try #require(rows.last?.place)
        var model = ConsoleFixture.model(80, 24, open: "七月新闻简报")
        #expect(asked(model.type(.character("2")))?.from == nil)
        answer(&model, rows, next: place)
        var requests = 0
        for _ in 0..<199 { if let page = asked(model.type(.down)) { requests += 1; #expect(page.from == place) } }
        #expect(requests == 1)
        #expect(model.people?.selected?.email == "p200@a.test")
        answer(&model, (201...210).map { ConsoleFixture.person(Int64($0), "p\($0)@a.test", .pending) })
        model.type(.down)
        #expect(model.people?.selected?.email == "p201@a.test")
    }

    @Test("G reads the list from its end, and goes on upwards from there")
    func last() throws {
        let rows = (1...200).map { ConsoleFixture.person(Int64($0), "p\($0)@a.test", .pending) }
        var model = model(rows, next: rows.last?.place)
        let end = try #require(asked(model.type(.character("G"))))
        #expect(end.backwards)
        #expect(end.from == nil)
        let tail = (9_801...10_000).map { ConsoleFixture.person(Int64($0), "p\($0)@a.test", .pending) }
        answer(&model, tail.reversed(), next: tail.first?.place, backwards: true)
        #expect(model.people?.selected?.email == "p10000@a.test")
        var up: [ConsoleEffect] = []
        for _ in 0..<180 { up += model.type(.up) }
        #expect(asked(up)?.from == tail.first?.place)
        #expect(asked(up)?.backwards == true)
        // What is read above does not move the cursor.
        let before = model.people?.selected?.email
        answer(&model, (9_601...9_800).reversed().map { ConsoleFixture.person(Int64($0), "p\($0)@a.test", .pending) })
        #expect(model.people?.selected?.email == before)
    }

    @Test("memory stays bounded: the window forgets what is far away, and reads it again on the way back")
    func window() {
        var model = ConsoleFixture.model(80, 24, open: "七月新闻简报")
        model.type(.character("2"))
        for page in 0..<20 {
            let rows = (1...200).map {
                ConsoleFixture.person(Int64(page * 200 + $0), "p\(page * 200 + $0)@a.test", .pending)
            }
            answer(&model, rows, next: rows.last?.place)
            for _ in 0..<200 { model.type(.down) }
        }
        #expect((model.people?.rows.count ?? 0) <= PeopleList.most)
        #expect(model.people?.before != .end)
        #expect(model.people?.selected?.email == "p4000@a.test")
    }

    @Test("the cursor stays on its row when figures change, and whoever left the state leaves the list")
    func refresh() {
        var model = ConsoleFixture.model(80, 24, open: "七月新闻简报")
        model.type(.character("d"))
        #expect(model.people?.query.state == .inDoubt)
        answer(&model, ConsoleFixture.doubts)
        model.type(.down, .down)
        let selected = model.people?.selected
        let effects = model.update(.snapshot(ConsoleFixture.snapshot), at: model.now)
        #expect(
            effects.contains(
                .people(.again(model.ticket, PeopleQuery(campaign: "七月新闻简报", state: .inDoubt), limit: 203))))
        _ = model.update(
            .people(.again(model.ticket, rows: Array(ConsoleFixture.doubts.dropFirst()), next: nil)), at: model.now)
        #expect(model.people?.selected?.id == selected?.id)
        var settled = ConsoleFixture.doubts[1]
        settled.state = .sent
        _ = model.update(.people(.rows(model.ticket, [settled])), at: model.now)
        #expect(model.people?.rows.map(\.id) == [ConsoleFixture.doubts[2].id])
    }

    @Test("a long story is read to its end and back: G from the second line on, g from the last")
    func ends() throws {
        var model = model(ConsoleFixture.people)
        _ = model.type(.enter)
        let email = try #require(model.people?.story?.email)
        _ = model.update(.people(.story(email: email, (1...60).map { "line \($0)" })), at: model.now)
        for key in [Key.down, .character("G"), .down, .end, .character("g"), .up, .down, .home, .end] {
            _ = model.type(key)
        }
        #expect(model.view().text.contains("line 60") && !model.view().text.contains("line 1 "))
        _ = model.type(.character("g"))
        #expect(model.people?.story?.top == 0)
    }

    @Test("Enter opens one recipient's story, n goes to the next one's, Esc comes back to the same row")
    func story() {
        var model = model(ConsoleFixture.people)
        model.type(.down)
        let email = ConsoleFixture.people[1].email
        #expect(model.type(.enter).contains(.people(.story(campaign: "七月新闻简报", email: email))))
        _ = model.update(.people(.story(email: "other@a.test", ["  not this"])), at: model.now)
        #expect(!model.view().text.contains("not this"))
        _ = model.update(.people(.story(email: email, ["七月新闻简报: sent", "  Try 1."])), at: model.now)
        #expect(model.view().text.contains("- Try 1."))
        model.type(.character("n"))
        #expect(model.people?.story?.email == ConsoleFixture.people[2].email)
        model.type(.escape)
        #expect(model.people?.selected?.email == ConsoleFixture.people[2].email)
        model.type(.character("N"), .character("N"))
        #expect(model.people?.selected?.email == ConsoleFixture.people[0].email)
        model.type(.character("N"))
        #expect(model.flash?.text == "that was the first one")
    }

    @Test("nobody in doubt: d says so")
    func noDoubt() {
        var model = ConsoleFixture.model(80, 24, open: "autumn")
        #expect(model.type(.character("d")).isEmpty)
        #expect(model.people == nil)
        #expect(model.flash?.text == "nobody in autumn is in doubt")
    }

    private func settling(count: Int = 1) -> ConsoleModel {
        var model = ConsoleFixture.model(80, 24, open: "七月新闻简报")
        var snapshot = ConsoleFixture.snapshot
        snapshot.campaigns[0].tallies.inDoubt = count
        _ = model.update(.snapshot(snapshot), at: model.now)
        model.type(.character("d"))
        answer(&model, ConsoleFixture.doubts)
        model.type(.character("D"))
        return model
    }

    @Test("a doubt is settled by a choice and a yes; Enter is neither, however long it is held")
    func settle() {
        var model = settling()
        let name = "七月新闻简报"
        var effects: [ConsoleEffect] = []
        for _ in 0..<20 { effects += model.type(.enter) }
        #expect(!effects.contains { if case .settle = $0 { true } else { false } })
        model.type(.character("r"))
        for _ in 0..<20 { effects += model.type(.enter) }
        #expect(!effects.contains { if case .settle = $0 { true } else { false } })
        #expect(model.type(.character("y")).contains(.settle(name, email: ConsoleFixture.doubts[0].email, .resend)))
        #expect(model.overlay == nil)
    }

    @Test("y within 300 ms after the choice was meant for something else; Esc changes nothing")
    func settleDeaf() {
        var model = settling()
        model.type(.character("s"))
        let early = Moment(wall: model.now.wall, boot: model.now.boot + 299_000)
        #expect(model.update(.key(.character("y")), at: early).isEmpty)
        model.type(.escape)
        #expect(model.overlay == nil)
        #expect(model.flash?.text == "nothing was changed")
    }

    @Test("all of them at once: Tab; more than five hundred only by the whole name")
    func settleAll() {
        var model = settling(count: 7)
        model.type(.tab, .character("f"))
        #expect(model.type(.character("y")).contains(.settle("七月新闻简报", email: nil, .failed)))
        model = settling(count: 501)
        model.type(.tab, .character("f"))
        #expect(model.type(.character("y"), .backspace).isEmpty)
        #expect(model.type(text: "七月新闻简").isEmpty)
        #expect(model.type(.character("报")).contains(.settle("七月新闻简报", email: nil, .failed)))
    }

    @Test("who is not in doubt cannot be settled, and the console says why")
    func notInDoubt() {
        var model = model(ConsoleFixture.people)
        #expect(model.type(.character("D")).isEmpty)
        #expect(model.overlay == nil)
        #expect(model.flash?.text == "alice@a.test is not in doubt")
    }

    @Test("a search that cannot be done says why, and another one begins anew")
    func trouble() {
        var model = ConsoleFixture.model(80, 24, open: "七月新闻简报")
        model.type(.character("/"), .character("x"))
        _ = model.update(.people(.failed(model.ticket, "disk I/O error")), at: model.now)
        #expect(model.view().text.contains("disk I/O error"))
        #expect(asked(model.type(.character("y")))?.query.text == "xy")
    }
}
