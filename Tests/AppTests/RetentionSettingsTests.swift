import Queue
import Testing

@testable import outpost

@Suite struct RetentionSettingsTests {
    private func retention(_ text: String) throws -> Retention {
        try Config(TOMLFile(text: text, path: "/c/config.toml"), presets: PresetCatalogue(folder: nil)).retention
    }

    @Test("a week and a month without a word, else what it says, or for ever")
    func values() throws {
        #expect(try retention("") == .standard)
        #expect(try retention("[retention]") == .standard)
        #expect(
            try retention("[retention]\nsent = \"1d\"")
                == Retention(sent: .seconds(86_400), bounces: .seconds(2_592_000)))
        #expect(
            try retention("[retention]\nsent = \"forever\"\nbounces = \"12h\"")
                == Retention(sent: nil, bounces: .seconds(43_200)))
    }

    @Test(
        "anything else is refused with file, line and key", arguments: ["sent = \"week\"", "sent = 7", "keep = \"7d\""])
    func faults(_ line: String) throws {
        #expect {
            try retention("[retention]\n" + line)
        } throws: {
            let failure = $0 as? Failure
            return failure?.status == .configuration && failure?.what.hasPrefix("/c/config.toml:2: retention.") == true
        }
    }
}
