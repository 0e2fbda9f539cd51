import Clock
import Testing

@testable import outpost

@Suite("What commands print")
struct ReportTextTests {
    @Test("JSON keeps the order of keys and escapes what could act on a reader or a terminal")
    func json() {
        var object = JSONText()
        object.add("b", "a\"\\\n\u{1B}[31m\u{9B}\u{202E}李")
        object.add("a", 7)
        object.add("none", nil as String?)
        object.add("rate", 0.0)
        object.add("half", 12.34567)
        object.add("flag", true)
        object.add("when", Timestamp(microseconds: 0))
        object.add("list", [JSONText()])
        #expect(
            object.line
                == #"{"b":"a\"\\\n\u001b[31m\u009b\u202e李","a":7,"none":null,"rate":0.0,"half":12.346,"flag":true,"#
                + #""when":"1970-01-01T00:00:00.000Z","list":[{}]}"#)
        var broken = JSONText()
        broken.add("x", Double.infinity)
        #expect(broken.line == #"{"x":null}"#)
    }

    @Test("CSV is quoted where RFC 4180 asks, and no cell is a formula")
    func csv() {
        #expect(CSVText.row(["a", "b,c", "d\"e", nil]) == "a,\"b,c\",\"d\"\"e\",\r\n")
        #expect(CSVText.cell("=1+1") == "'=1+1")
        #expect(CSVText.cell("@x") == "'@x")
        #expect(CSVText.cell("-cmd") == "'-cmd")
        #expect(CSVText.cell("-5.2") == "-5.2")
        #expect(CSVText.cell("+SUM(1,2)") == "\"'+SUM(1,2)\"")
        #expect(CSVText.cell("a\nb\u{1B}[2J") == "a b")
    }

    @Test("a table lines up with Chinese in it, and leaves out a column nobody filled")
    func table() {
        var table = TextTable([("NAME", .left), ("EMPTY", .left), ("N", .right)])
        table.add(["春季", "", "5"])
        table.add(["ab", "", "120"])
        #expect(table.text() == "NAME    N\n春季    5\nab    120\n")
    }

    @Test("numbers, rates and spans read as people write them")
    func numbers() {
        #expect(NumberText.count(1234) == "1234" && NumberText.count(1_234_567) == "1 234 567")
        #expect(NumberText.rate(perSecond: 7.44) == "7.4/s" && NumberText.rate(perSecond: 0.5) == "30/min")
        #expect(NumberText.decimal(-0.04, atLeast: 1, atMost: 1) == "0.0")
        #expect(NumberText.decimal(1.96, atMost: 1) == "2")
        #expect(TimeText.span(.seconds(3900)) == "1 h 5 min" && TimeText.span(.seconds(60)) == "1 min")
        #expect(TimeText.span(.milliseconds(5)) == "<1 s")
        let noon = Timestamp(iso8601: "2026-01-02T12:00:00Z")!
        #expect(TimeText.moment(noon, now: noon, offset: 0) == "12:00:00")
        #expect(TimeText.moment(noon + .seconds(86_400), now: noon, offset: 0) == "tomorrow 12:00")
        #expect(TimeText.moment(noon + .seconds(864_000), now: noon, offset: 0) == "2026-01-12 12:00")
    }
}
