import FoundationEssentials
import Testing

@testable import outpost

/// Whole screens compared with files in Tests/Screens. With OUTPOST_RECORD=1 the files are written anew; look at them.
@Suite struct ConsoleScreenTests {
    static let sizes = [(80, 24), (120, 40), (200, 60), (60, 24), (40, 10), (36, 8), (12, 2)]

    @Test("the campaign list at every size", arguments: sizes)
    func list(_ columns: Int, _ rows: Int) throws {
        try check("list-\(columns)x\(rows)", ConsoleFixture.model(columns, rows))
    }

    @Test("a live campaign at every size", arguments: sizes)
    func live(_ columns: Int, _ rows: Int) throws {
        try check("live-\(columns)x\(rows)", ConsoleFixture.model(columns, rows, open: "七月新闻简报"))
    }

    @Test("Chinese lines up at every size", arguments: sizes)
    func chinese(_ columns: Int, _ rows: Int) throws {
        try Translation.$local.withValue(try Catalogues.chinese()) {
            try check("list-zh-\(columns)x\(rows)", ConsoleFixture.model(columns, rows))
            try check("live-zh-\(columns)x\(rows)", ConsoleFixture.model(columns, rows, open: "七月新闻简报"))
        }
    }

    @Test("without UTF-8 every cell is ASCII")
    func ascii() throws {
        var model = ConsoleFixture.model(80, 24, open: "七月新闻简报")
        model.unicode = false
        let text = model.view().text
        #expect(text.utf8.allSatisfy { $0 < 0x80 })
        try check("live-ascii-80x24", model)
    }

    @Test("help, palette and dialogs")
    func overlays() throws {
        var model = ConsoleFixture.model(80, 24)
        model.type(.character("?"))
        try check("help-80x24", model)
        model.type(.escape, .character(":"))
        _ = model.type(text: "pau")
        try check("palette-80x24", model)
        model.type(.escape)
        model.type(.down, .down, .down, .character("s"))
        let terms = StartTerms(
            campaign: "autumn", people: 42, leftOut: 3, account: "qq", from: "Shop <shop@example.com>",
            first: model.now.wall, finish: ConsoleFixture.later(7200), caps: "100 / 1h, 500 / 24h", isResumed: false)
        _ = model.update(.terms(terms), at: model.now)
        try check("start-80x24", model)
        var severe = terms
        severe.people = 21_300
        _ = model.update(.terms(severe), at: model.now)
        _ = model.type(text: "aut")
        try check("start-name-80x24", model)
    }

    private func people(_ columns: Int, _ rows: Int, doubts: Bool = false) -> ConsoleModel {
        var model = ConsoleFixture.model(columns, rows, open: "七月新闻简报")
        model.type(.character(doubts ? "d" : "/"))
        if !doubts { _ = model.type(text: "test") }
        _ = model.update(
            .people(
                .page(
                    model.ticket, rows: doubts ? ConsoleFixture.doubts : ConsoleFixture.people, next: nil,
                    backwards: false)), at: model.now)
        if !doubts { model.type(.down) }
        return model
    }

    private func story(_ columns: Int, _ rows: Int) -> ConsoleModel {
        var model = people(columns, rows)
        model.type(.enter, .enter)
        let lines = [
            "It is not on the suppression list.", "", "七月新闻简报: deferred",
            "  Imported from line 3 of people.csv; the campaign is from 12:16.",
            "  Try 1, 14:01: over account qq and source default to smtp.qq.com:465. The server said: 421 4.7.0 too many connections. "
                + "The route rests for four minutes; nobody is at fault.",
            "  It waits until 14:06 for try 2 of 8, because the server said: 421 4.7.0 太多连接，请稍后再试",
        ]
        _ = model.update(.people(.story(email: "王小明@例子.测试", lines)), at: model.now)
        return model
    }

    private func settle(_ columns: Int, _ rows: Int) -> ConsoleModel {
        var model = people(columns, rows, doubts: true)
        model.type(.character("D"))
        return model
    }

    private func waits(_ columns: Int, _ rows: Int, _ keys: Key...) -> ConsoleModel {
        var model = ConsoleFixture.model(columns, rows, open: "七月新闻简报")
        model.type(.character("3"))
        _ = model.update(.waits(ConsoleFixture.waits), at: ConsoleFixture.now)
        for key in keys { model.type(key) }
        return model
    }

    @Test("waits and rests, and the question whether to lift one, at every size", arguments: sizes)
    func waits(_ columns: Int, _ rows: Int) throws {
        func all(_ language: String) throws {
            try check("waits\(language)-\(columns)x\(rows)", waits(columns, rows))
            try check("spells\(language)-\(columns)x\(rows)", waits(columns, rows, .tab, .down))
            try check("lift\(language)-\(columns)x\(rows)", waits(columns, rows, .character("L")))
        }
        try all("")
        try Translation.$local.withValue(try Catalogues.chinese()) { try all("-zh") }
    }

    @Test("people, doubts, a story and the question how to settle, at every size", arguments: sizes)
    func everyone(_ columns: Int, _ rows: Int) throws {
        func all(_ language: String) throws {
            try check("people\(language)-\(columns)x\(rows)", people(columns, rows))
            try check("doubts\(language)-\(columns)x\(rows)", people(columns, rows, doubts: true))
            try check("story\(language)-\(columns)x\(rows)", story(columns, rows))
            try check("settle\(language)-\(columns)x\(rows)", settle(columns, rows))
        }
        try all("")
        try Translation.$local.withValue(try Catalogues.chinese()) { try all("-zh") }
    }

    @Test("an empty queue says how to begin")
    func welcome() throws {
        var model = ConsoleModel(size: Size(columns: 80, rows: 24), now: ConsoleFixture.now)
        _ = model.update(.snapshot(Snapshot()), at: ConsoleFixture.now)
        try check("welcome-80x24", model)
    }

    @Test("no size, however small, traps or leaves the frame")
    func everySize() {
        for columns in [1, 2, 7, 19, 39, 40, 47, 59, 60, 79, 80, 99, 119, 120, 131] {
            for rows in [1, 2, 3, 5, 9, 10, 11, 13, 16, 18, 21, 24, 31, 45] {
                var model = ConsoleFixture.model(columns, rows)
                check(model)
                model.type(.enter)
                check(model)
                model.type(.character("?"))
                check(model)
                model.type(.escape, .character(":"))
                check(model)
                model.type(.escape)
                model.overlay = .quit(opened: 0)
                check(model)
                model.overlay = .start(ConsoleModel.StartDialog(campaign: "autumn", opened: 0))
                check(model)
                for model in [
                    people(columns, rows), people(columns, rows, doubts: true), story(columns, rows),
                    settle(columns, rows), waits(columns, rows), waits(columns, rows, .tab, .down),
                    waits(columns, rows, .character("L")),
                ] {
                    check(model)
                }
            }
        }
    }

    private func check(_ model: ConsoleModel) {
        let frame = model.view()
        #expect(frame.cells.count == model.size.columns * model.size.rows)
        for y in 0..<model.size.rows {
            let width = frame.row(y).reduce(0) { $0 + CellWidth.of($1.text) }
            if width != model.size.columns {
                Issue.record("row \(y) of \(model.size) is \(width) columns wide")
                return
            }
        }
    }

    private func check(_ name: String, _ model: ConsoleModel) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Screens")
        let file = folder.appending(path: name + ".txt")
        let text = model.view().text + "\n"
        if ProcessInfo.processInfo.environment["OUTPOST_RECORD"] == "1" {
            try Data(text.utf8).write(to: file)
        }
        let expected = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        #expect(text == expected, "screen \(name)")
    }
}

/// Catalogues read from po/ as a translator writes them.
enum Catalogues {
    static func chinese() throws -> Translation {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "po/zh_CN.po")
        let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        var messages: [String: [String]] = [:]
        var key: String?
        for line in text.split(separator: "\n") {
            guard let open = line.firstIndex(of: "\""), let close = line.lastIndex(of: "\""), open < close else {
                continue
            }
            let value = String(
                line[line.index(after: open)..<close].replacing("\\\"", with: "\"").replacing("\\\\", with: "\\"))
            if line.hasPrefix("msgid ") { key = value.isEmpty ? nil : value }
            if line.hasPrefix("msgstr"), let found = key, !value.isEmpty { messages[found] = [value] }
        }
        return Translation(catalogue: .init(messages: messages, plurals: 1), language: "zh_CN")
    }
}
