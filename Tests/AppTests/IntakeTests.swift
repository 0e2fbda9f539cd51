import Clock
import Glibc
import Mail
import Queue
import Testing

@testable import outpost

@Suite("Import of a campaign folder")
struct IntakeTests {
    private let folder = temporaryFolder()

    private func write(_ name: String, _ text: String) throws {
        try FilePath.replace("\(folder)/\(name)", with: Array(text.utf8))
    }

    private func campaign(_ people: String, message: String = "Hello {{name}}") throws -> Intake {
        try write(
            "campaign.toml",
            "name = \"spring\"\nsubject = \"Hi\"\nfrom = \"Shop <s@example.com>\"\nrecipients = \"people.csv\"\ntext = \"m.txt\"\n"
        )
        try write("people.csv", people)
        try write("m.txt", message)
        let config = try Config(
            TOMLFile(text: "[[account]]\nname = \"a\"\nhost = \"127.0.0.1\"\ntls = \"none\"\n", path: "config.toml"),
            presets: PresetCatalogue(folder: nil))
        return try Intake(CampaignFile(folder: folder), config: config)
    }

    private func queue() throws -> Queue { try Queue.open(at: folder + "/queue.sqlite3", access: .create) }

    @Test("the totals add up, and every rejected row is in the rejects file with line and reason")
    func totals() throws {
        let queue = try queue()
        _ = try queue.suppress([
            Suppression(key: "never@example.com", reason: "test", since: SystemClock().now(), by: "user")
        ])
        let intake = try campaign(
            "email,name\na@example.com,Ann\nA@EXAMPLE.com,Ann again\nno-at,Bob\n=x y@example.com,Eve\nnever@example.com,Nan\nb@example.com\n"
        )
        let outcome = try intake.store(in: queue) { false }
        let counts = outcome.counts
        #expect(counts.in == counts.new + counts.known + counts.duplicate + counts.rejected + counts.suppressed)
        #expect((counts.in, counts.new, counts.duplicate, counts.rejected, counts.suppressed) == (6, 1, 1, 3, 1))
        #expect(ImportReport.line(counts) == "in 6 = new 1 + known 0 + duplicate 1 + rejected 3 + suppressed 1")
        let rejects = String(decoding: try FilePath.read(folder + "/people.rejects.csv"), as: UTF8.self)
        let lines = rejects.split(separator: "\r\n")
        #expect(lines.first == "line,reason,row" && lines.count == 4, "\(rejects)")
        #expect(lines.contains { $0.hasPrefix("4,") && $0.contains("no-at,Bob") })
        #expect(lines.contains { $0.hasPrefix("5,") && $0.contains("'=x y@example.com") })
        var info = stat()
        #expect(stat(folder + "/people.rejects.csv", &info) == 0 && info.st_mode & 0o777 == 0o600)
        #expect(outcome.rejects.first?.hasPrefix("line 4: ") == true)
    }

    @Test("reasons in the rejects file are the same in every language; what is told of them is the user's")
    func reasons() throws {
        let queue = try queue()
        let outcome = try Translation.$local.withValue(try Catalogues.chinese()) {
            try campaign("email,name\na@example.com,Ann\nno-at,Bob\n").store(in: queue) { false }
        }
        let rejects = String(decoding: try FilePath.read(folder + "/people.rejects.csv"), as: UTF8.self)
        #expect(rejects.contains("3,no @ in the address,"), "\(rejects)")
        #expect(outcome.rejects.first?.hasPrefix("第 3 行") == true, "\(outcome.rejects)")
    }

    @Test("a second import adds only what is new, and an old rejects file goes when nothing is rejected")
    func again() throws {
        let queue = try queue()
        _ = try campaign("email,name\na@example.com,Ann\nbad,Bob\n").store(in: queue) { false }
        #expect(FilePath.exists(folder + "/people.rejects.csv"))
        let outcome = try campaign("email,name\na@example.com,Ann\nb@example.com,Bob\n").store(in: queue) { false }
        #expect((outcome.counts.new, outcome.counts.known) == (1, 1) && !outcome.isNew)
        #expect(outcome.campaign.total == 2)
        #expect(!FilePath.exists(folder + "/people.rejects.csv"))
    }

    @Test("a list without one recipient leaves no campaign behind")
    func nobody() throws {
        let queue = try queue()
        for people in ["email,name\n", "email,name\nbad,Bob\n"] {
            do {
                _ = try campaign(people).store(in: queue) { false }
                Issue.record("it was stored")
            } catch let failure as Failure { #expect(failure.status == .badData) }
        }
        #expect(try queue.campaigns().isEmpty)
    }

    @Test("a placeholder without a column is an error before anything is stored")
    func unknownPlaceholder() throws {
        let queue = try queue()
        #expect(throws: ContentError.self) {
            try campaign("email,name\na@example.com,Ann\n", message: "Hello {{nmae}}").store(in: queue) { false }
        }
        #expect(try queue.campaigns().isEmpty)
    }

    @Test("a changed message goes in by itself before sending began, and only when accepted after")
    func changed() async throws {
        let queue = try queue()
        let people = "email,name\na@example.com,Ann\n"
        _ = try campaign(people).store(in: queue) { false }
        let second = try campaign(people, message: "Hello again {{name}}").store(in: queue) {
            Issue.record("asked though nothing was sent")
            return false
        }
        let runner = try await queue.startRunner(
            second.campaign.id, account: "a", source: "default", limits: [], doubt: .hold)
        try await runner.stop()
        let third = try campaign(people, message: "A third text {{name}}")
        do {
            _ = try third.store(in: queue) { false }
            Issue.record("it was taken")
        } catch let failure as Failure {
            #expect(failure.status == .badData && failure.next?.contains("--accept-changes") == true)
        }
        #expect(try queue.campaign(named: "spring")?.contentHash == second.campaign.contentHash)
        let accepted = try third.store(in: queue) { true }
        #expect(accepted.acceptedChange && accepted.campaign.contentHash != second.campaign.contentHash)
    }

    @Test("columns may come in another order or be more, not fewer")
    func columns() throws {
        let queue = try queue()
        _ = try campaign("email,name\na@example.com,Ann\n").store(in: queue) { false }
        let outcome = try campaign("city,name,email\nRome,Bea,b@example.com\n").store(in: queue) { false }
        let stored = try queue.recipients(outcome.campaign.id, state: nil, after: 0, limit: 10)
        #expect(stored.map(\.fields) == ["a@example.com\u{1F}Ann", "b@example.com\u{1F}Bea"])
        #expect(throws: (any Error).self) {
            try campaign("email\nc@example.com\n", message: "Hello").store(in: queue) { false }
        }
    }

    @Test("a review finds every message's fault, and two rows that read the same")
    func review() throws {
        let intake = try campaign(
            "email,name\na@example.com,Ann\nb@example.com,Bob\n", message: "Hello {{#name}}you{{/name}}")
        let review = try Review(intake.file, account: intake.account)
        #expect(review.errors.isEmpty && review.people == 2)
        #expect(review.warnings.contains { $0.contains("lines 2 and 3 differ") }, "\(review.warnings)")
        let wrong = try campaign("email,name\na@example.com,Ann\n", message: "Hello {{nmae}}")
        #expect(try !Review(wrong.file, account: wrong.account).errors.isEmpty)
    }

    @Test("an attached file is stored, and the plan needs no folder any more")
    func attachment() throws {
        let queue = try queue()
        _ = try campaign("email,name\na@example.com,Ann\n")
        try write("list.txt", "prices")
        let text = String(decoding: try FilePath.read(folder + "/campaign.toml"), as: UTF8.self)
        try write("campaign.toml", text + "attachments = [\"list.txt\"]\n")
        let config = try Config(
            TOMLFile(text: "[[account]]\nname = \"a\"\nhost = \"h\"\n", path: "c"),
            presets: PresetCatalogue(folder: nil))
        let outcome = try Intake(CampaignFile(folder: folder), config: config).store(in: queue) { false }
        unlink(folder + "/list.txt")
        let plan = try FrozenMessage.plan(outcome.campaign, in: queue)
        #expect(plan.attachmentSize > 0)
    }
}
