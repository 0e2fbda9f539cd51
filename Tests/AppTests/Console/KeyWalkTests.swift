import Queue
import Testing

@testable import outpost

/// Every key in every screen: nothing ends the program or spoils the frame, and a key that does nothing says why.
@Suite struct KeyWalkTests {
    private static let name = "七月新闻简报"
    static let sizes = [(80, 24), (120, 40), (200, 60), (60, 24), (45, 12), (40, 10), (30, 8), (1, 1)]

    /// Whatever a keyboard sends: the registry's keys, all of ASCII, and what belongs to no command.
    private static let keys: [Key] = {
        var keys = ConsoleCommand.all.flatMap(\.keys)
        keys += (0x20...0x7E).map { .character(Character(Unicode.Scalar(UInt8($0)))) }
        keys += [.enter, .escape, .tab, .backTab, .backspace, .delete, .left, .right, .character("王"), .character("👩")]
        keys += (1...12).map { .function($0) } + "abcdefghijklmnopqrstuvwxyz".map { .control($0) }
        var seen: Set<Key> = []
        return keys.filter { seen.insert($0).inserted }
    }()

    private struct Screen {
        var name: String
        var model: ConsoleModel
        /// Keys that are not for it are passed over: a line is typed, or a list is looked through that shows its keys.
        var isDeaf = false
    }

    /// All that can be on the screen, with hostile text and long names in it.
    private static func screens(_ columns: Int, _ rows: Int) -> [Screen] {
        let base = ConsoleFixture.model(columns, rows)
        func after(_ model: ConsoleModel, _ keys: Key..., text: String = "") -> ConsoleModel {
            var model = model
            for key in keys { model.type(key) }
            _ = model.type(text: text)
            return model
        }
        func answered(_ model: ConsoleModel, _ people: [PersonRow]) -> ConsoleModel {
            var model = model
            _ = model.update(
                .people(.page(model.ticket, rows: people, next: nil, backwards: false)), at: model.now)
            return model
        }
        func with(_ model: ConsoleModel, _ event: ConsoleEvent) -> ConsoleModel {
            var model = model
            _ = model.update(event, at: model.now)
            return model
        }
        func terms(_ people: Int) -> ConsoleEvent {
            .terms(
                StartTerms(
                    campaign: "autumn", people: people, leftOut: 3, account: "qq", from: "Shop <shop@example.com>",
                    first: base.now.wall, finish: ConsoleFixture.later(7200), caps: "100 / 1h, 500 / 24h",
                    isResumed: false))
        }
        var screens = [
            Screen(name: "before the first figures", model: ConsoleModel(size: base.size, now: base.now)),
            Screen(
                name: "no campaign", model: with(ConsoleModel(size: base.size, now: base.now), .snapshot(Snapshot()))),
            Screen(name: "campaigns", model: base),
            Screen(name: "filter", model: after(base, .character("/"), text: "mail1"), isDeaf: true),
            Screen(name: "nothing filtered", model: after(base, .character("/"), text: "xyz").typed(.enter)),
            Screen(name: "frozen", model: after(base, .character("f"))),
            Screen(name: "trouble", model: with(base, .trouble("the queue was removed: /a/very/long/path/to/it"))),
        ]
        for row in ConsoleFixture.rows {
            screens.append(
                Screen(name: "live \(row.name)", model: ConsoleFixture.model(columns, rows, open: row.name)))
        }
        let live = ConsoleFixture.model(columns, rows, open: name)
        let people = answered(after(live, .character("2")), ConsoleFixture.people)
        let doubts = answered(after(live, .character("d")), ConsoleFixture.doubts)
        let story = with(
            after(people, .down, .enter),
            .people(.story(email: ConsoleFixture.people[1].email, [name + ": x", "  a line\u{1B}[2J\u{202E} of it"])))
        let settle = after(doubts, .character("D"))
        let waits = with(after(live, .character("3")), .waits(ConsoleFixture.waits))
        screens += [
            Screen(name: "people", model: people), Screen(name: "doubts", model: doubts),
            Screen(name: "people, reading", model: after(live, .character("2"))),
            Screen(name: "search", model: after(people, .character("/"), text: "王"), isDeaf: true),
            Screen(name: "nobody found", model: answered(after(people, .character("/"), text: "z").typed(.enter), [])),
            Screen(name: "story", model: story), Screen(name: "settle", model: settle),
            Screen(name: "settle?", model: after(settle, .character("r"))),
            Screen(name: "waits", model: waits), Screen(name: "spells", model: after(waits, .tab)),
            Screen(name: "waits, reading", model: after(live, .character("3"))),
            Screen(name: "lift", model: after(waits, .character("L"))),
        ]
        let draft = after(base, .down, .down, .down, .character("s"))
        var own = ConsoleFixture.snapshot
        own.ownRunners = ConsoleFixture.rows.map(\.name)
        screens += [
            Screen(name: "counting", model: draft, isDeaf: true),
            Screen(name: "start", model: with(draft, terms(42))),
            Screen(name: "start of many", model: with(draft, terms(21_300)), isDeaf: true),
            Screen(name: "start of nobody", model: with(draft, terms(0))),
            Screen(name: "quit", model: after(with(base, .snapshot(own)), .character("Q"))),
        ]
        for screen in [base, live, people, story, waits] {
            screens += [
                Screen(name: "help \(screen.place)", model: after(screen, .character("?")), isDeaf: true),
                Screen(name: "palette \(screen.place)", model: after(screen, .character(":")), isDeaf: true),
            ]
        }
        return screens
    }

    @Test("every screen is sound at every size, in both languages, with UTF-8 and without", arguments: sizes)
    func sound(_ columns: Int, _ rows: Int) throws {
        for language in [Translation.english, try Catalogues.chinese()] {
            Translation.$local.withValue(language) {
                for var screen in Self.screens(columns, rows) {
                    for unicode in [true, false] {
                        screen.model.unicode = unicode
                        let frame = screen.model.view()
                        for fault in Self.faults(frame) {
                            Issue.record("\(screen.name), \(language.language): \(fault)\n\(frame.text)")
                        }
                        if !unicode { #expect(frame.text.utf8.allSatisfy { $0 < 0x80 }, "\(screen.name)") }
                    }
                }
            }
        }
    }

    @Test("every key in every screen does something or says why not", arguments: [(80, 24), (45, 12), (30, 8)])
    func walk(_ columns: Int, _ rows: Int) throws {
        // All of them where a frame costs least to draw, elsewhere the registry's.
        let keys = columns < 40 ? Self.keys : Array(Self.keys.prefix { $0 != .character(" ") }) + [.tab, .backspace]
        let language = columns < 80 ? try Catalogues.chinese() : .english
        Translation.$local.withValue(language) {
            for screen in Self.screens(columns, rows) {
                let before = screen.model.view()
                for key in keys {
                    var model = screen.model
                    let effects = model.type(key)
                    let frame = model.view()
                    for fault in Self.faults(frame) {
                        Issue.record("\(key) in \(screen.name): \(fault)\n\(frame.text)")
                    }
                    let isCursor = ConsoleCommand.here(.campaigns).contains {
                        $0.name.hasPrefix("cursor.") && $0.keys.contains(key)
                    }
                    // A window of a few lines shows the same of a campaign in the list and live.
                    let isOpening = columns < 40 && model.place != screen.model.place
                    if effects.isEmpty, frame == before, !screen.isDeaf, !isCursor, !isOpening {
                        Issue.record("\(key) in \(screen.name) does nothing and says nothing\n\(frame.text)")
                    }
                }
            }
        }
    }

    /// What is wrong with a frame, whatever it shows.
    private static func faults(_ frame: Frame) -> [String] {
        var faults: [String] = []
        for y in 0..<frame.size.rows {
            let cells = Array(frame.row(y))
            for (x, cell) in cells.enumerated() {
                let scalars = cell.text.unicodeScalars
                let isWide = scalars.first.map { CellWidth.of($0) == 2 } ?? false
                let isHalf = x + 1 < cells.count && cells[x + 1].mark.isEmpty
                if isWide != isHalf { faults.append("half a wide character at \(x), \(y)") }
                if scalars.contains(where: { OutsideText.scalars(String($0)).isEmpty }) {
                    faults.append("a character that acts at \(x), \(y)")
                }
            }
        }
        // A key whose word is cut is a key nobody finds.
        let hints = frame.row(frame.size.rows - 1).map(\.text).joined()
        if frame.size.columns >= 40, hints.contains("…") { faults.append("hints are cut: \(hints)") }
        return faults
    }
}

extension ConsoleModel {
    fileprivate func typed(_ key: Key) -> ConsoleModel {
        var model = self
        model.type(key)
        return model
    }
}
