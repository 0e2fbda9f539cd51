import Clock
import Glibc
import Queue
import Sender
import Testing

@testable import outpost

@Suite("Sending hours, warm-up and pace in the configuration")
struct ScheduleTests {
    private func config(_ account: String) throws -> Config {
        let text = "[[account]]\nname = \"a\"\nhost = \"127.0.0.1\"\ntls = \"none\"\n" + account
        return try Config(TOMLFile(text: text, path: "/c/config.toml"), presets: PresetCatalogue(folder: nil))
    }

    private func campaign(_ schedule: String) throws -> CampaignFile {
        let folder = temporaryFolder()
        let text =
            "name = \"spring\"\naccount = \"a\"\nfrom = \"s@example.com\"\nsubject = \"Hi\"\ntext = \"message.txt\"\n"
        try FilePath.create(folder + "/campaign.toml", with: Array((text + schedule).utf8))
        try FilePath.create(folder + "/people.csv", with: Array("email\na@example.com\n".utf8))
        try FilePath.create(folder + "/message.txt", with: Array("Hello".utf8))
        return try CampaignFile(folder: folder)
    }

    private func fault(_ body: () throws -> some Any) -> String? {
        do {
            _ = try body()
            return nil
        } catch { return (error as? Failure)?.what }
    }

    @Test("every key of a window is taken, for a campaign and for an account")
    func keys() throws {
        let keys = """
            days = ["workdays", "sun"]
            from = "22:30"
            to = "02:00"
            zone = "Australia/Lord_Howe"
            holidays = ["2027-01-01", 2027-12-25]
            workdays = ["2027-02-06", 2027-02-20]
            """
        let wanted = SendingWindow(
            days: [.workdays, .weekday(0)], from: 1350, to: 120, zone: "Australia/Lord_Howe",
            holidays: [try #require(SendingWindow.day("2027-01-01")), try #require(SendingWindow.day("2027-12-25"))],
            workdays: [try #require(SendingWindow.day("2027-02-06")), try #require(SendingWindow.day("2027-02-20"))])
        let file = try campaign("[schedule]\nat = 2027-01-02T09:00:00Z\n" + keys)
        #expect(file.schedule == Schedule(at: Timestamp(iso8601: "2027-01-02T09:00:00Z"), window: wanted))
        let account = try config("warmup = [50, 100]\npace = \"even\"\n[account.window]\n" + keys).accounts[0]
        #expect(account.window == wanted && account.warmup == [50, 100])
        #expect(try campaign("[schedule]\nat = 2027-01-02T09:00:00Z\n").schedule.window == nil)
        #expect(try campaign("").schedule == Schedule())
        let preset = try campaign("[schedule]\npreset = \"non-working-10-16\"\nto = \"15:00\"\n").schedule.window
        #expect(preset == SendingWindow(days: .nonWorking, from: 600, to: 900))
    }

    @Test("a fault names file, line and key")
    func faults() {
        for (text, part) in [
            ("days = [\"monday\"]", "days: \"monday\" is none of"), ("days = []", "days: names no day"),
            ("from = \"9:00\"", "from: \"9:00\" is no time of day"), ("from = \"24:00\"", "from: 24:00 is the end"),
            ("to = 17", "to: must be"), ("zone = \"CST\"", "zone: there is no time zone"),
            ("zone = \"Europe/Berln\"", "zone: there is no time zone"),
            ("holidays = [\"2027-02-29\"]", "holidays: \"2027-02-29\" is no date"),
            ("holidays = [1]", "holidays: must be a list of dates"),
            ("workdays = [\"2027-02-6\"]", "workdays: \"2027-02-6\" is no date"),
            ("workdays = true", "workdays: must be a list of dates"),
            (
                "workdays = [\"2027-02-06\", \"2027-02-07\"]\nholidays = [\"2027-02-07\"]",
                "workdays: 2027-02-07 is in holidays, too"
            ),
            ("preset = \"night\"", "preset: there is no preset"),
            ("day = \"mon\"", "day: unknown key"),
        ] {
            let found = fault { try campaign("[schedule]\n" + text + "\n") }
            #expect(found?.contains("campaign.toml:7: schedule." + part) == true, "\(found ?? "it passed")")
            #expect(fault { try config("[account.window]\n" + text + "\n") }?.contains(":6: account.window.") == true)
        }
        #expect(fault { try config("[account.window]\nat = \"2027-01-02T09:00:00Z\"\n") } != nil)
        for text in ["warmup = []", "warmup = [0]", "warmup = 50", "warmup = [\"50\"]"] {
            #expect(fault { try config(text + "\n") }?.contains(":5: account.warmup: must be") == true, "\(text)")
        }
    }

    @Test("window, warm-up and pace reach the sender; the warm-up is among the caps of a campaign")
    func reaching() throws {
        let config = try config("warmup = [5, 10]\npace = \"even\"\n[account.window]\nfrom = \"10:00\"\n")
        let account = try config.sender(config.accounts[0])
        #expect(account.window?.from == 600 && account.pace == .even)
        #expect(account.limits.contains(Limit.warmup(account: "a", [5, 10])))
        let queue = try Queue.open(at: temporaryFolder() + "/q.sqlite3", access: .create)
        let file = try campaign("[schedule]\ndays = [\"sat\"]\n")
        let outcome = try Intake(file, config: config).store(in: queue) { false }
        #expect(outcome.campaign.schedule == file.schedule)
        #expect(config.limits(for: outcome.campaign).contains { $0.warmup == [5, 10] })
        let use = try #require(
            try queue.limitUse(config.caps(for: config.accounts[0]), account: "a", source: "default", domains: [])
                .first { $0.warmupDay != nil })
        #expect(use.count == 5 && LimitReport.json(use).line.hasSuffix(",\"warmup_day\":1}"))
        #expect(LimitReport.table([use], now: SystemClock().now()).contains("account (warm-up, day 1)"))
    }

    @Test("a changed schedule is stored with the next import, without a question")
    func changed() throws {
        let config = try config("")
        let queue = try Queue.open(at: temporaryFolder() + "/q.sqlite3", access: .create)
        let file = try campaign("[schedule]\ndays = [\"sat\"]\n")
        _ = try Intake(file, config: config).store(in: queue) { false }
        let path = file.folder + "/campaign.toml"
        let text = String(decoding: try FilePath.read(path), as: UTF8.self).replacing("sat", with: "sun")
        unlink(path)
        try FilePath.create(path, with: Array(text.utf8))
        let outcome = try Intake(CampaignFile(folder: file.folder), config: config).store(in: queue) { false }
        #expect(outcome.campaign.schedule.window?.days == .weekday(0))
    }

    @Test("the reason says when it opens, with the weekday, and with the date from a week ahead")
    func words() throws {
        let now = try #require(Timestamp(iso8601: "2027-01-04T10:00:00Z"))
        let saturday = try #require(Timestamp(iso8601: "2027-01-09T10:00:00Z"))
        #expect(TimeText.opening(saturday, now: now, offset: 0) == "Sat 10:00")
        #expect(TimeText.opening(saturday + .seconds(7 * 86_400), now: now, offset: 0) == "Sat 2027-01-16 10:00")
        let line = try #require(ProgressLine.words(.closed(until: saturday), now: now))
        #expect(line.hasPrefix("outside the sending window, next opening S"))
    }
}
