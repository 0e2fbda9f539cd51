import Clock
import Testing

@testable import outpost

@Suite struct ConsoleTextTests {
    @Test(
        "columns of text",
        arguments: [
            ("abc", 3), ("中文", 4), ("ｶﾅ", 2), ("한글", 4), ("é", 1), ("e\u{301}", 1), ("😀", 2), ("👩‍👩‍👧", 6), ("", 0),
            ("a\u{200B}b", 2), ("\u{1100}\u{1161}", 2), ("日本…", 5),
        ])
    func width(_ text: String, _ width: Int) { #expect(CellWidth.of(text) == width) }

    @Test("cutting never splits a wide character and always says that it cut")
    func clip() {
        #expect(CellWidth.clip("中文字", to: 6) == "中文字")
        #expect(CellWidth.clip("中文字", to: 5) == "中文…")
        #expect(CellWidth.clip("中文字", to: 4) == "中…")
        #expect(CellWidth.clip("abc", to: 1) == "…")
        #expect(CellWidth.clip("abc", to: 0) == "")
        #expect(CellWidth.fit("中", 4, .right) == "  中")
        for width in 0...9 { #expect(CellWidth.of(CellWidth.fit("a中b文c字", width)) == width) }
    }

    @Test(
        "nothing from outside acts on the terminal",
        arguments: [
            ("\u{1B}[2Jhi", "hi"), ("\u{1B}]0;title\u{7}hi", "hi"), ("\u{1B}]8;;http://x\u{1B}\\hi", "hi"),
            ("\u{9B}31mhi", "hi"), ("a\r\nb\nc\td", "a b c d"), ("a\u{202E}b\u{2066}c", "abc"), ("\u{7F}a\u{0}b", "ab"),
            ("\u{1B}", ""), ("a\u{1B}[", "a"), ("\u{1B}Pq#0;~\u{1B}\\x", "x"), ("\u{1B}(Bx", "x"), ("🇩🇪", "DE"),
            ("x\u{FE0F}\u{200D}y", "xy"), ("\u{2028}", " "), ("\u{1B}[999999999999999999999mx", "x"),
        ])
    func harmless(_ text: String, _ shown: String) { #expect(OutsideText.plain(text) == shown) }

    @Test("an endless pile of marks stays in its cell")
    func zalgo() {
        let glyphs = CellWidth.glyphs("a" + String(repeating: "\u{301}", count: 1000))
        #expect(glyphs.count == 1)
        #expect((glyphs.first?.text.unicodeScalars.count ?? 0) <= 5)
    }

    @Test("writing over half of a wide character leaves no half behind")
    func halves() {
        var frame = Frame(Size(columns: 6, rows: 1))
        frame.put("中文字", 0, 0)
        frame.put("x", 1, 0)
        #expect(frame.text == " x文字")
        frame.put("y", 2, 0)
        #expect(frame.text == " xy 字")
        frame.put("国", 3, 0)
        #expect(frame.text == " xy国")
    }

    @Test("a wide character that does not fit at the edge is cut")
    func edge() {
        var frame = Frame(Size(columns: 3, rows: 1))
        frame.put("中文", 0, 0)
        #expect(frame.text == "中…")
        frame.put("文", 2, 0)
        #expect(frame.text == "中…")
        frame.put("never", 0, 5)
        frame.put("never", -9, 0, width: 2)
    }

    @Test("bars: full only when it is all, never empty when it is something")
    func bars() {
        func bar(_ fraction: Double, unicode: Bool = true) -> String {
            var frame = Frame(Size(columns: 10, rows: 1), unicode: unicode)
            frame.bar(0, 0, width: 10, fraction, .plain)
            return frame.text
        }
        #expect(bar(0) == "░░░░░░░░░░")
        #expect(bar(0.0001) == "▏░░░░░░░░░")
        #expect(bar(0.5) == "█████░░░░░")
        #expect(bar(0.999) == "█████████▉")
        #expect(bar(1) == "██████████")
        #expect(bar(7) == "██████████")
        #expect(bar(.nan) == "░░░░░░░░░░")
        #expect(bar(0.5, unicode: false) == "[####....]")
    }

    @Test("figures in their short forms")
    func figures() {
        #expect(Figures.count(48_002) == "48 002")
        #expect(Figures.count(1_234_567) == "1 234 567")
        #expect(Figures.short(9999) == "9999")
        #expect(Figures.short(12_480) == "12.4k")
        #expect(Figures.short(3_100_000) == "3.1M")
        #expect(Figures.percent(0.99999) == "99.9%")
        #expect(Figures.percent(1) == "100%")
        #expect(Figures.age(.milliseconds(820)) == "0.8s")
        #expect(Figures.age(.seconds(4800)) == "1h20")
        #expect(Figures.elapsed(.seconds(6370)) == "1:46:10")
        #expect(Figures.window(86_400) == "24h")
        #expect(Figures.window(90) == "90s")
    }

    @Test("text wraps at spaces, Chinese anywhere, and nothing is lost")
    func wrap() {
        #expect(CellWidth.wrap("one two three", 8) == ["one two", "three"])
        #expect(CellWidth.wrap("中文字符", 5) == ["中文", "字符"])
        #expect(CellWidth.wrap("中文字：符", 6) == ["中文", "字：符"])
        #expect(CellWidth.wrap("到 14:06：符", 8) == ["到", "14:06：", "符"])
        #expect(CellWidth.wrap("one two three four", 8, lines: 2) == ["one two", "three four"])
        #expect(CellWidth.wrap("unbreakable", 4) == ["unbr", "eaka", "ble"])
        #expect(CellWidth.wrap("", 4) == [""])
    }

    @Test("an address is recognisable, not readable")
    func masked() {
        #expect("alice@example.com".maskedAddress == "al..@example.com")
        #expect("not an address".maskedAddress == "not an address")
    }
}
