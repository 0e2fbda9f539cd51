import Clock
import Testing

@testable import outpost

@Suite("campaign.toml")
struct CampaignFileTests {
    private func folder(_ campaign: String, message: Bool = true) throws -> String {
        let folder = temporaryFolder()
        try FilePath.create(folder + "/campaign.toml", with: Array(campaign.utf8))
        try FilePath.create(folder + "/people.csv", with: Array("email\na@example.com\n".utf8))
        if message { try FilePath.create(folder + "/message.txt", with: Array("Hello".utf8)) }
        return folder
    }

    private func failure(_ campaign: String, message: Bool = true) throws -> Failure? {
        let folder = try folder(campaign, message: message)
        do {
            _ = try CampaignFile(folder: folder)
            return nil
        } catch { return error as? Failure }
    }

    static let start = "name = \"spring\"\nsubject = \"Hi\"\nrecipients = \"people.csv\"\ntext = \"message.txt\"\n"

    @Test("every key of the contract is taken")
    func everyKey() throws {
        let folder = try folder(
            """
            name = "spring"
            account = "qq"
            from = "Shop <shop@example.com>"
            reply_to = "answers@example.com"
            subject = "Hello {{name}}"
            recipients = "people.csv"
            text = "message.txt"
            unsubscribe = { url = "https://example.com/u?e={{email}}", mailto = "leave@example.com" }
            attachments = ["{{name}}.pdf"]
            [schedule]
            at = 2026-01-02T09:00:00Z
            [[limit]]
            count = 10
            per = "1h"
            [headers]
            X-Campaign = "spring"
            """)
        let file = try CampaignFile(folder: folder + "/")
        #expect(file.name == "spring" && file.account == "qq" && file.folder == folder)
        #expect(file.recipients == folder + "/people.csv" && file.text == folder + "/message.txt")
        #expect(file.unsubscribe?.mailto == "leave@example.com")
        #expect(file.startAt == Timestamp(iso8601: "2026-01-02T09:00:00Z"))
        #expect(file.limits == [LimitSettings(scope: .campaign, count: 10, per: .seconds(3600))])
        #expect(file.headers.map(\.name) == ["X-Campaign"])
    }

    @Test("a missing file is named, with the line that names it")
    func missing() throws {
        let found = try #require(try failure(Self.start, message: false))
        #expect(found.status == .notFound)
        #expect(found.what.contains("campaign.toml:4: text: there is no file"), "\(found.what)")
        #expect(throws: Failure.self) { try CampaignFile(folder: "/nonexistent") }
    }

    @Test("faults are faults")
    func faults() throws {
        #expect(try failure(Self.start) == nil)
        for (text, part) in [
            (Self.start + "subjekt = \"x\"\n", "subjekt: unknown key"),
            ("name = \"a\"\nrecipients = \"people.csv\"\ntext = \"message.txt\"\n", "\"subject\" is missing"),
            ("subject = \"a\"\n", "there is no message"),
            (Self.start.replacing("spring", with: "../x"), "cannot name a campaign"),
            (Self.start + "[schedule]\nat = \"soon\"\n", "is no time"),
            (Self.start + "[schedule]\nwindow = \"9-17\"\n", "schedule.window: unknown key"),
            (Self.start + "unsubscribe = {}\n", "needs url or mailto"),
            (Self.start + "attachments = [\"none.pdf\"]\n", "none.pdf"),
        ] {
            let found = try failure(text)
            #expect(found?.what.contains(part) == true, "\(String(describing: found))")
        }
    }

    @Test("an account that is not there is a fault of the line that names it")
    func account() throws {
        let accounts = ["qq", "mail1"].map { "[[account]]\nname = \"\($0)\"\nhost = \"127.0.0.1\"\ntls = \"none\"\n" }
        let config = try Config(
            TOMLFile(text: accounts.joined(), path: "/c/config.toml"), presets: PresetCatalogue(folder: nil))
        for (text, part, next) in [
            (
                "account = \"qqq\"\n", "campaign.toml:5: account: There is no account \"qqq\" in /c/config.toml.",
                "\"qq\""
            ),
            ("", "campaign.toml: account: There are several accounts (qq, mail1)", "Write account = "),
        ] {
            let file = try CampaignFile(folder: try folder(Self.start + text))
            let fault = #expect(throws: Failure.self) { _ = try Intake(file, config: config) }
            #expect(
                fault?.what.contains(part) == true && fault?.status == .configuration, "\(String(describing: fault))")
            #expect(fault?.next?.contains(next) == true, "\(String(describing: fault))")
        }
        // Without a file, as for a campaign that is stored, the place is config.toml.
        #expect(
            throws: Failure(
                .configuration, "There is no account \"x\" in /c/config.toml.", next: "There are: qq, mail1.")
        ) {
            _ = try config.account(named: "x")
        }
    }

    @Test("a campaign's cap may only tighten")
    func tighten() throws {
        let standing = LimitSettings.standard
        let scoped = { (text: String) in try CampaignFile(folder: try self.folder(Self.start + text)) }
        let looser = try scoped("[[limit]]\nscope = \"source\"\ncount = 200\nper = \"1h\"\n")
        do {
            try looser.requireTighter(than: standing)
            Issue.record("it passed")
        } catch let failure as Failure {
            #expect(failure.what.contains("campaign.toml:7: limit.count"), "\(failure.what)")
            #expect(failure.status == .configuration)
        }
        try scoped("[[limit]]\nscope = \"source\"\ncount = 50\nper = \"1h\"\n").requireTighter(than: standing)
        try scoped("[[limit]]\nscope = \"source\"\ncount = 300\nper = \"12h\"\n").requireTighter(than: standing)
        try scoped("[[limit]]\ncount = 5000\nper = \"1h\"\n").requireTighter(than: standing)
    }
}
