import Testing

@testable import outpost

@Suite struct TranslationTests {
    @Test(
        "the language is chosen as gettext chooses it",
        arguments: [
            (["LANG": "zh_CN.UTF-8"], ["zh_CN", "zh"]), (["LANG": "C.UTF-8"], []), (["LANG": "en_US.UTF-8"], []),
            (["LANG": "zh_CN.UTF-8", "LC_ALL": "C"], []),
            (["LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"], ["zh_CN", "zh"]),
            (["LANGUAGE": "zh_CN"], []), (["LANG": "zh_SG.UTF-8"], ["zh_SG", "zh_CN", "zh"]),
            (["LC_ALL": "", "LC_MESSAGES": "zh_CN", "LANG": "de"], ["zh_CN", "zh"]),
            (["LANG": "C.UTF-8", "LANGUAGE": "zh_CN"], ["zh_CN", "zh"]),
        ])
    func wanted(_ environment: [String: String], _ names: [String]) {
        #expect(Translation.wanted { environment[$0] } == names)
    }

    @Test("placeholders are filled in any order, once, and unknown ones are left")
    func filled() {
        #expect(Translation.filled("{1} of {0}", ["a", "b"]) == "b of a")
        #expect(Translation.filled("{0}", ["{1}", "x"]) == "{1}")
        #expect(Translation.filled("{2} {x} {", ["a"]) == "{2} {x} {")
    }

    @Test("a catalogue is read, and one that is cut off anywhere is refused or harmless")
    func catalogue() throws {
        let bytes = Self.mo([
            ("", "Plural-Forms: nplurals=1; plural=0;\n"), ("{0} dog\u{0}{0} dogs", "{0} 只狗"), ("cat", "猫"),
        ])
        let found = try #require(Translation.Catalogue(bytes))
        #expect(found.plurals == 1)
        let chinese = Translation(catalogue: found, language: "zh_CN")
        #expect(chinese.text("cat") == "猫")
        #expect(chinese.text("bird") == "bird")
        #expect(chinese.text("{0} dog", "{0} dogs", 1) == "{0} 只狗")
        #expect(Translation.english.text("{0} dog", "{0} dogs", 2) == "{0} dogs")
        for length in 0..<bytes.count { _ = Translation.Catalogue(Array(bytes[..<length])) }
        #expect(Translation.Catalogue(Array(bytes[..<20])) == nil)
        #expect(Translation.Catalogue([UInt8](repeating: 0xFF, count: 64)) == nil)
    }

    @Test("every text of the console is translated, with the same placeholders")
    func complete() throws {
        let chinese = try #require(try Catalogues.chinese().catalogue)
        for place in Place.single {
            for command in ConsoleCommand.here(place) {
                #expect(chinese.messages[command.does] != nil, "\(command.does)")
            }
        }
        func places(_ text: String) -> Set<String> {
            Set((0..<5).map { "{\($0)}" }.filter { text.contains($0) })
        }
        for (key, forms) in chinese.messages {
            // a singular may leave out the number that its plural has
            for form in forms { #expect(places(key).isSubset(of: places(form)), "\(key)") }
        }
    }

    /// The bytes of a .mo file.
    static func mo(_ entries: [(String, String)]) -> [UInt8] {
        func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (8 * $0) & 0xFF) } }
        let count = entries.count
        var text: [UInt8] = []
        var tables: [[UInt8]] = [[], []]
        let base = 28 + count * 16
        for (index, strings) in [entries.map(\.0), entries.map(\.1)].enumerated() {
            for string in strings {
                tables[index] += word(string.utf8.count) + word(base + text.count)
                text += Array(string.utf8) + [0]
            }
        }
        return word(0x9504_12DE) + word(0) + word(count) + word(28) + word(28 + count * 8) + word(0) + word(0)
            + tables[0]
            + tables[1] + text
    }
}
