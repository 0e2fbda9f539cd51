import FoundationEssentials
import Glibc
import Testing

@testable import Mail

/// A file that is gone when the test is over.
final class TemporaryFile {
    let path: String

    init(_ bytes: [UInt8]) throws {
        path = FileManager.default.temporaryDirectory.path + "/mail-\(UUID().uuidString).csv"
        try Data(bytes).write(to: URL(filePath: path))
    }

    deinit { unlink(path) }
}

@Suite("Recipients files")
struct CSVReaderTests {
    func read(_ bytes: [UInt8]) throws -> (reader: CSVReader, records: [CSVRecord]) {
        let file = try TemporaryFile(bytes)
        var reader = try CSVReader(path: file.path)
        var records: [CSVRecord] = []
        while let record = try reader.next() { records.append(record) }
        return (reader, records)
    }

    func read(_ text: String) throws -> (reader: CSVReader, records: [CSVRecord]) { try read(Array(text.utf8)) }

    func rows(_ records: [CSVRecord]) -> [[String]] {
        records.compactMap { if case .row(_, let row) = $0 { row.fields } else { nil } }
    }

    func bad(_ records: [CSVRecord]) -> [String] {
        records.compactMap { if case .bad(let line, let reason, _) = $0 { "\(line): \(reason)" } else { nil } }
    }

    @Test(
        "commas, semicolons and tabs, and all three line ends",
        arguments: [",", ";", "\t"], ["\n", "\r\n", "\r"])
    func shapes(delimiter: String, end: String) throws {
        let lines = ["email,name,city", "a@x.com,Ann,Rome", "b@x.com,Bob,", "", "c@x.com,,Oslo"]
        let text = lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).joined(separator: delimiter) }
            .joined(separator: end)
        for tail in ["", end] {
            let (reader, records) = try read(text + tail)
            #expect(reader.columns == ["email", "name", "city"])
            #expect(rows(records) == [["a@x.com", "Ann", "Rome"], ["b@x.com", "Bob", ""], ["c@x.com", "", "Oslo"]])
            guard case .row(let line, let row) = records[2] else { return #expect(Bool(false)) }
            #expect(line == 5)
            #expect(row.email == "c@x.com")
            #expect(row.joined == "c@x.com\u{1F}\u{1F}Oslo")
        }
    }

    @Test("quotes hold delimiters, line ends and quotes; lines are still counted")
    func quotes() throws {
        let (_, records) = try read(
            "name,email\n\"Doe, \"\"J\"\"\n2nd\r\n3rd\",a@x.com\n\"\",\"b@x.com\"\nc\"d, c@x.com ")
        #expect(
            rows(records) == [["Doe, \"J\"\n2nd\r\n3rd", "a@x.com"], ["", "b@x.com"], ["c\"d", " c@x.com "]])
        let lines = records.map { if case .row(let line, _) = $0 { line } else { 0 } }
        #expect(lines == [2, 5, 6])
        guard case .row(_, let row) = records[2] else { return #expect(Bool(false)) }
        #expect(row.email == "c@x.com")
    }

    @Test("rows that cannot be used say why, and the good ones go on")
    func badRows() throws {
        let text =
            "email,name\na@x.com\nb@x.com,Bob,more\nc@x.com,C\u{1}\nd@x.com,\"D\"x\ne@x.com,E\u{1F}F\n"
            + "f@x.com,\"F\u{0}\"\ng@x.com,\"tab\there\"\n,,\n , \nh@x.com,\"open\ni@x.com,I\n"
        let (_, records) = try read(text)
        #expect(
            bad(records) == [
                "2: 1 field where the header has 2", "3: 3 fields where the header has 2",
                "4: control character U+0001 in column \"name\"",
                "5: text after the closing double quote of column \"name\"",
                "6: control character U+001F in column \"name\"", "7: control character U+0000 in column \"name\"",
                "11: a double quote that begins in this row is never closed",
            ])
        #expect(rows(records) == [["g@x.com", "tab\there"], [" ", " "], ["i@x.com", "I"]])
        guard case .bad(_, _, let raw) = records[3] else { return #expect(Bool(false)) }
        #expect(raw == "d@x.com,\"D\"x")
    }

    @Test("a stray opening quote costs one row, not the rows behind it")
    func strayQuote() throws {
        let (_, records) = try read("email,name\na@x.com,\"Ann\nb@x.com,\"Bob\"\nc@x.com,Cy\n")
        #expect(bad(records).count == 1)
        #expect(rows(records) == [["b@x.com", "Bob"], ["c@x.com", "Cy"]])
    }

    @Test("names of the email column", arguments: ["email", "EMail", " E-mail ", "邮箱", "邮件", "電郵"])
    func emailColumn(name: String) throws {
        let text = "name,\(name)\nAnn,a@x.com\n"
        if name == "電郵" {
            #expect(throws: CSVError.self) { try read(text) }
        } else {
            let (reader, records) = try read(text)
            #expect(reader.emailIndex == 1)
            #expect(rows(records) == [["Ann", "a@x.com"]])
        }
    }

    @Test(
        "a header of no use is an error that says what to do",
        arguments: [
            ("", "the file is empty"), ("\n\n", "the file is empty"), ("name,city\nA,B\n", "no column is named"),
            ("a@x.com,Ann\n", "not a recipient"), ("email,name,name\n", "two columns are named \"name\""),
            ("email,Email\n", "could both be the email column"), ("邮箱,邮件\n", "could both be"),
            ("email,\"name\n", "never closed"), ("e\0m\0", "not a text file"),
        ])
    func headers(text: String, message: String) {
        let error = #expect(throws: CSVError.self) { try read(text) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test("a spreadsheet's first line that names the delimiter is no header")
    func spreadsheetHint() throws {
        let (reader, records) = try read("sep=;\r\nemail;a,b,c,d\r\na@x.com;1,2\r\n")
        #expect(reader.columns == ["email", "a,b,c,d"])
        guard case .row(let line, let row) = records[0] else { return #expect(Bool(false)) }
        #expect(line == 3)
        #expect(row.fields == ["a@x.com", "1,2"])
    }

    @Test("a file that is not there, and a folder, are named")
    func noFile() {
        let missing = #expect(throws: CSVError.self) { try CSVReader(path: "/nonexistent/p.csv") }
        #expect(missing?.description.hasPrefix("/nonexistent/p.csv: cannot be opened") == true)
        #expect(throws: CSVError.self) { try CSVReader(path: "/tmp") }
    }

    @Test("UTF-8 with a byte order mark, UTF-16 in both orders, with and without the mark, GB18030")
    func encodings() throws {
        let text = "邮箱,姓名\nwang@x.com,王小明😀\nli@x.com,李雷\n"
        let little: [UInt8] = [0xFF, 0xFE] + Array(text.utf16).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        let big: [UInt8] = [0xFE, 0xFF] + Array(text.utf16).flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        // 邮箱,姓名 LF wang@x.com,王小明😀 LF li@x.com,李雷 LF in GB18030.
        let chinese: [UInt8] =
            [0xD3, 0xCA, 0xCF, 0xE4, 0x2C, 0xD0, 0xD5, 0xC3, 0xFB, 0x0A] + Array("wang@x.com,".utf8)
            + [0xCD, 0xF5, 0xD0, 0xA1, 0xC3, 0xF7, 0x94, 0x39, 0xFC, 0x36, 0x0A] + Array("li@x.com,".utf8)
            + [0xC0, 0xEE, 0xC0, 0xD7, 0x0A]
        let forms: [(CSVEncoding, [UInt8])] = [
            (.utf8, Array(text.utf8)), (.utf8, [0xEF, 0xBB, 0xBF] + Array(text.utf8)),
            (.utf16LittleEndian, little), (.utf16BigEndian, big), (.gb18030, chinese),
            (.utf16LittleEndian, Array(little.dropFirst(2))), (.utf16BigEndian, Array(big.dropFirst(2))),
        ]
        for (encoding, bytes) in forms {
            let (reader, records) = try read(bytes)
            #expect(reader.encoding == encoding)
            #expect(reader.columns == ["邮箱", "姓名"])
            #expect(rows(records) == [["wang@x.com", "王小明😀"], ["li@x.com", "李雷"]], "\(encoding)")
        }
    }

    @Test("large files in GB18030 and UTF-16 survive any cut between pieces")
    func largeEncodings() throws {
        var chinese: [UInt8] = Array("email,name\n".utf8)
        var wide: [UInt8] = [0xFF, 0xFE]
        func addWide(_ text: String) { wide += Array(text.utf16).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } }
        addWide("email,name\n")
        for index in 0..<40_000 {
            chinese += Array("u\(index)@x.com,".utf8) + [0xCD, 0xF5, 0x94, 0x39, 0xFC, 0x36, 0x0A]
            addWide("u\(index)@x.com,王😀\n")
        }
        for bytes in [chinese, wide] {
            let (_, records) = try read(bytes)
            #expect(records.count == 40_000)
            #expect(rows(records).allSatisfy { $0[1] == "王😀" })
            #expect(rows(records).last?[0] == "u39999@x.com")
        }
    }

    @Test("one broken byte in a UTF-8 file is one bad row")
    func brokenUTF8() throws {
        var bytes: [UInt8] = Array("email,name\n".utf8)
        for index in 0..<20 { bytes += Array("u\(index)@x.com,Jürgen\n".utf8) }
        bytes += Array("bad@x.com,J".utf8) + [0xFC] + Array("rgen\nlast@x.com,Ł\n".utf8)
        let (_, records) = try read(bytes)
        #expect(bad(records) == ["22: not valid UTF-8 text"])
        #expect(rows(records).count == 21)
    }

    @Test("bytes that GB18030 does not know, and a cut-off character, are bad rows")
    func brokenGB18030() throws {
        var bytes: [UInt8] = Array("email,name\na@x.com,".utf8) + [0xCD, 0xF5, 0x0A]
        bytes += Array("b@x.com,".utf8) + [0xFF, 0xFF, 0x0A] + Array("c@x.com,".utf8) + [0xCD, 0xF5, 0x0A]
        bytes += Array("d@x.com,".utf8) + [0xCD]
        let (reader, records) = try read(bytes)
        #expect(reader.encoding == .gb18030)
        #expect(bad(records) == ["3: not valid GB18030 text", "5: not valid GB18030 text"])
        #expect(rows(records).map { $0[0] } == ["a@x.com", "c@x.com"])
    }

    @Test("rows longer than a mebibyte are refused, quoted or not, and what follows is read")
    func longRows() throws {
        let long = String(repeating: "x", count: CSVReader.rowLimit + 10)
        let (_, plain) = try read("email,name\na@x.com,\(long)\nb@x.com,Bob\n")
        #expect(bad(plain) == ["2: the row is longer than 1048576 bytes"])
        #expect(rows(plain) == [["b@x.com", "Bob"]])
        guard case .bad(_, _, let raw) = plain[0] else { return #expect(Bool(false)) }
        #expect(raw.utf8.count <= CSVReader.rawLimit)
        let lines = String(repeating: "c@x.com,Cy\n", count: 100_000)
        let (_, open) = try read("email,name\na@x.com,\"open\n\(lines)")
        #expect(bad(open).count == 1)
        #expect(bad(open)[0].hasPrefix("2: a double quote that begins in this row is not closed"))
        #expect(rows(open).count == 100_000)
        let near = String(repeating: "y", count: CSVReader.rowLimit - 100)
        let (_, fits) = try read("email,name\na@x.com,\"\(near)\"\nb@x.com,Bob\n")
        #expect(rows(fits).map { $0[0] } == ["a@x.com", "b@x.com"])
    }

    @Test("whatever the fields, written and read they are the same, across any buffer edge")
    func roundTrip() throws {
        var random = SeededRandom(7)
        var expected: [[String]] = []
        var text = "a,email,b\n"
        for index in 0..<30_000 {
            let fields = [
                random.text("ab\",;\n é王\t", 0...12), "u\(index)@x.com", random.text("xy\"\r\n, 😀", 0...8),
            ]
            expected.append(fields)
            text +=
                fields.map {
                    "\"" + $0.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
                }
                .joined(separator: ",") + (Bool.random(using: &random) ? "\n" : "\r\n")
        }
        let (_, records) = try read(text)
        #expect(rows(records) == expected)
    }

    @Test("no input makes the reader trap, loop or lose count of bad rows")
    func hostile() throws {
        var random = SeededRandom(3)
        for _ in 0..<400 {
            let body = random.text("a,\"\n\r;\t\u{0}\u{1F}é@.x", 0...60)
            let (_, records) = try read("email,b\n" + body)
            for record in records {
                if case .row(_, let row) = record {
                    #expect(row.fields.count == 2)
                    #expect(!row.joined.utf8.contains(0))
                }
            }
        }
    }

    @Test("no bytes at all make the reader trap or loop, in any encoding")
    func hostileBytes() throws {
        var random = SeededRandom(4)
        let starts: [[UInt8]] = [
            [], [0xEF, 0xBB, 0xBF], [0xFF, 0xFE, 0x65, 0, 0x6D, 0], [0xFE, 0xFF, 0, 0x65], Array("email,b\n".utf8),
            [0xFF, 0xFE] + Array("email,b\n".utf16).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] },
        ]
        var readable = 0
        for round in 0..<600 {
            let tail = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            do {
                let (_, records) = try read(starts[round % starts.count] + tail)
                readable += 1
                for case .row(_, let row) in records { #expect(row.fields.count >= 1) }
            } catch is CSVError {
                continue
            }
        }
        #expect(readable >= 200)
    }

    @Test("the census of bytes agrees with the language's own idea of UTF-8, however it is cut")
    func census() {
        var random = SeededRandom(5)
        let bytes: [UInt8] = [0x61, 0x80, 0xBF, 0xC2, 0xC1, 0xE0, 0xA0, 0x9F, 0xED, 0xE4, 0xF0, 0x90, 0xF4, 0x8F, 0xF5]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                bytes[Int.random(in: 0..<15, using: &random)]
            }
            // An ASCII end, since a sequence cut off at the very end is not held against the file.
            let whole = text + [0x0A]
            var census = UTF8Census()
            let cut = Int.random(in: 0...whole.count, using: &random)
            Array(whole[..<cut]).withUnsafeBytes { census.count($0) }
            Array(whole[cut...]).withUnsafeBytes { census.count($0) }
            #expect((census.illFormed == 0) == (String(validating: whole, as: UTF8.self) != nil), "\(text)")
        }
    }
}
