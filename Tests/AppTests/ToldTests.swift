import ArgumentParser
import Foundation
import IMAP
import Mail
import Queue
import Testing
@testable import Transport

@testable import Sender
@testable import outpost

@Suite("What other rooms and the argument parser say, in the user's language")
struct ToldTests {
    private func chinese<T>(_ body: () throws -> T) throws -> T {
        try Translation.$local.withValue(try Catalogues.chinese(), operation: body)
    }

    /// Letters of an English sentence: what is left of one when names, paths and keywords are set aside.
    private func isEnglish(_ text: String) -> Bool {
        text.split { !($0.isASCII && ($0.isLetter || $0 == " ")) }.contains { run in
            run.split(separator: " ").count > 3
        }
    }

    @Test("every error of the queue is told in Chinese, with what it names")
    func queue() throws {
        let errors: [QueueError] = [
            .missing(path: "/q"), .cannotCreate(path: "/q", detail: "denied"), .notAQueue(path: "/q"),
            .corrupt(path: "/q", detail: "page 3"), .readOnly(path: "/q"), .locked(path: "/q"), .full(path: "/q"),
            .io(path: "/q", detail: "x"), .newer(path: "/q"), .noSuchCampaign("paused"), .campaignExists("spring"),
            .illegalTransition(from: .finished, order: .pause), .halted(.paused),
            .columnsChanged(was: ["email"], now: ["email", "name"]),
            .unclaimed(reason: "it is a copy of /elsewhere/q"), .networkFileSystem(path: "/q", kind: "nfs"),
            .notOpen(attempt: 7), .stopped, .invalid("A search needs a text to look for."),
        ]
        for error in errors {
            let text = try chinese { Boundary.failure(for: error).what }
            #expect(text != error.description && !isEnglish(text), "\(text)")
            #expect(Boundary.failure(for: error).what == error.description, "English stays as it is")
        }
        #expect(try chinese { told(QueueError.full(path: "/var/q").description) }.contains("/var/q"))
        // A campaign that is called as a word of ours is not translated; a reason within a text is.
        #expect(try chinese { told(QueueError.noSuchCampaign("paused").description) }.contains(" paused "))
        #expect(try chinese { told(errors[14].description) }.contains("它是 /elsewhere/q 的副本"))
        #expect(try chinese { Boundary.failure(for: QueueError.halted(.paused)).what }.contains("已暂停"))
    }

    @Test("what is wrong with an address, a list or a message is told in Chinese")
    func mail() throws {
        for address in [
            "", "nobody", "a@b@c.test", "a b@c.test", "@c.test", "a@", ".a@c.test", "a@c", "a@c.test, b@c.test",
            "a@c.test.",
            "a@c..test", "a@-c.test", "(x)a@c.test", String(repeating: "x", count: 65) + "@c.test",
        ] {
            let error = #expect(throws: AddressError.self) { _ = try Mailbox(parsing: address) }
            let english = try #require(error).description
            let text = try chinese { told(english) }
            #expect(text != english && !isEnglish(text), "\(text)")
        }
        let folder = temporaryFolder()
        for (number, csv) in ["", "name\nAnn\n", "email,email\n", "name,name,email\n", "a@b.test,Ann\n"].enumerated() {
            let path = folder + "/\(number).csv"
            try FilePath.create(path, with: Array(csv.utf8))
            let error = #expect(throws: CSVError.self) { _ = try CSVReader(path: path) }
            let text = try chinese { told(try #require(error).description) }
            #expect(text.hasPrefix(path) && !isEnglish(text.replacing(path, with: "")), "\(text)")
        }
        let content = CampaignContent(
            from: "nobody", subject: "{{nam}} {{", text: "{{#name}}x {{>part}} {{/email}}", headers: [:])
        let error = #expect(throws: ContentError.self) { _ = try MessagePlan(content, columns: ["email", "name"]) }
        let faults = try #require(error).description.split(separator: "\n").map(String.init)
        #expect(faults.count >= 4)
        for fault in faults {
            let text = try chinese { told(fault) }
            #expect(text != fault && !isEnglish(text), "\(text)")
        }
    }

    @Test("why there is no session is told in Chinese; what nobody knows stays as it is")
    func sessions() throws {
        let errors: [String] = [
            SessionError.login(Reply(code: 535, text: "no")).description, SessionError.garbage("x y z").description,
            TransportError.from(111, doing: "connecting to", peer: "127.0.0.1:25").description,
            TransportError.from(104, doing: "reading from", peer: "127.0.0.1:25").description,
            IMAPError(.login, "imap.test:993", "no").description,
            IMAPError(.unreachable, "imap.test:993", "no answer came in time").description,
        ]
        for error in errors {
            let text = try chinese { told(error) }
            #expect(text != error && !isEnglish(text), "\(text)")
        }
        let words = "550 5.1.1 no such user here, my friend"
        #expect(try chinese { told(words) } == words)
        #expect(told(errors[0]) == errors[0])
    }

    @Test("the help of every command is Chinese but for its names, and no line is wider than the terminal")
    func help() throws {
        try chinese {
            func all(_ command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
                [command] + command.configuration.subcommands.flatMap(all)
            }
            let commands = all(Outpost.self)
            #expect(commands.count > 30)
            for command in commands {
                let english = Outpost.helpMessage(for: command, columns: 100_000)
                let text = ParserText.translated(english, width: 80)
                for line in text.split(separator: "\n") where !line.contains("outpost ") && !line.hasPrefix("  at ") {
                    #expect(!isEnglish(String(line.dropFirst(26))), "\(line)")
                    #expect(line.hasPrefix("用法：") || CellWidth.of(String(line)) <= 80, "\(line)")
                }
                #expect(text.contains("选项：") && !text.contains("OPTIONS") && !text.contains("OVERVIEW"))
                // Nothing is lost: each option stands there as it is typed.
                for word in english.split(whereSeparator: { " \n,/".contains($0) }) where word.hasPrefix("--") {
                    let name = word.prefix { $0.isASCII && ($0.isLetter || $0 == "-") }
                    #expect(text.contains(name), "\(command): \(name)")
                }
            }
        }
    }

    @Test("faults of use are told in Chinese, and name what was typed")
    func usage() throws {
        for (words, part) in [
            (["send"], "缺少参数"), (["send", "x", "--no-such-flag"], "没有选项 --no-such-flag"),
            (["send", "x", "--limt", "3"], "是不是 --limit"), (["send", "x", "--limit", "many"], "“many”不能用作"),
            (["send", "x", "--limit"], "缺少值"), (["status", "a", "b", "c"], "多余的参数"),
            (["settle", "x", "--in-doubt", "perhaps"], "“perhaps”不能用作"),
            (["settle", "x", "--in-doubt", "perhaps"], "'resend'、'sent' 或 'failed'"),
            (["list", "--json", "--csv"], "--json"),
        ] {
            try chinese {
                let error = #expect(throws: (any Error).self) { _ = try Outpost.parseAsRoot(words) }
                let english = Outpost.fullMessage(for: try #require(error), columns: 100_000)
                let text = ParserText.translated(english, width: 80)
                #expect(text.hasPrefix("错误：") && text.contains(part), "\(text)")
                #expect(text.contains("用法：outpost ") && text.contains("--help"), "\(text)")
                #expect(!isEnglish(text.replacing("[--home <dir>]", with: "")) || words[0] == "list", "\(text)")
            }
        }
    }

    @Test("what verify and prove find is told in Chinese, with its numbers; names, states and keys stay")
    func findings() throws {
        let findings = [
            "A row of attempt belongs to nothing.", "spring: 3 sent in the tally, 4 recipients.",
            "spring: the tallies add up to 3, not to 4.", "spring is finished with 2 unsettled.",
            "Recipient 7 is not the one its address leads to.", "spring: 3 addresses, 4 recipients.",
            "Recipient 7 is sending without an open attempt.",
            "Attempt 9 is open, but its recipient is not sending it.",
            "Recipient 7 is sent, but no attempt of it was.", "Recipient 7 is settled without an attempt.",
            "Recipient 7 was handed over 2 times with the outcome sent.",
            "Attempt 9 is open, and its runner 3 is gone.",
            "Cap key qq counts 5 grants, the ledger 4.",
            "Cap key qq counts 5 grants, the ledger 4 after the 3 that retention took out.",
            "Grant 5 of cap key 2 is older than the one before.", "Cap key qq counts 1 in flight, the log 0.",
            "Attempt 9 was settled without a grant of its source and account.",
            "Cap key qq counts 5 grants, the log 4 settled attempts.",
            "A grant names the attempt 9, which is not in the log as settled.", "Recipient 7 is of no campaign.",
            "Recipient 7 is in the unknown state 12.",
            "Recipient 7 of spring names attempt 9, which is not in the log.",
            "Recipient 7 of spring names attempt 9, which is somebody else's.",
            "Recipient 7 of spring is sent, but it was never tried.",
            "Recipient 7 of spring is sent, but attempt 9 is open.",
            "Recipient 7 of spring is sent, but attempt 9 ended deferred.",
            "spring: the tally says 3 sent, there are 4.", "spring: its total is 3, there are 4.",
            "spring is finished, but 4 are not settled.", "Recipient 7 was accepted by a server 2 times.",
            "Grant 5 is missing from source default.", "Grant 5 to 7 are missing from source default.",
            "Grant 5 of source default is older than the one before it.",
            "source default says it gave 5 grants; the last one there is 4.",
            "source default says its last grant was at 12; it is at 13.",
            "Attempt 9 is open, but has grant 5 of source default.",
            "source default counts 1 in flight; the log has 0.",
            "Grant 5 of the unknown cap key 8 is for attempt 9, which is not in the log.",
            "Attempt 9 is of the source default, for which nothing is counted.",
            "Attempt 9 is of the account qq, for which nothing is counted.",
            "Attempt 9 has an outcome without an end, or an end without an outcome.",
            "Attempt 9 is settled with no grant of account qq.",
            "Attempt 9 is settled with 2 grants of account qq.",
            "Grant 5 of account qq is for attempt 9, which is not charged to it.",
            "Grant 5 of account qq is not of the moment at which attempt 9 was settled.",
            "domain qq.com: 7 messages can have been counted within 60.0 s up to an unknown time; the cap is 6.",
            "And 12 more of this kind.",
        ]
        for english in findings {
            let text = try chinese { told(english) }
            #expect(
                !isEnglish(text) && text.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }, "\(text)")
            for word in english.split(whereSeparator: { !($0.isNumber || $0 == ".") })
            where word.contains(where: \.isNumber) {
                #expect(text.contains(word.trimmingPrefix(".").prefix { $0 != "." }), "\(english): \(text)")
            }
            // No word is left but names, states and what config.toml calls by it.
            let left = text.split { !($0.isASCII && $0.isLetter) }.map(String.init)
            let names = [
                "spring", "sent", "deferred", "attempt", "qq", "com", "default", "source", "account", "domain",
            ]
            #expect(left.allSatisfy(names.contains), "\(text)")
            #expect(told(english) == english)
        }
    }

    @Test("a Chinese user gets a Chinese sample, with the same keys, that is a campaign")
    func sample() throws {
        for file in ["campaign.toml", "message.md", "people.csv"] {
            let own = try #require(Resources.text("example/zh_CN/" + file))
            #expect(own.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) })
        }
        func keys(_ path: String) throws -> [Substring] {
            try #require(Resources.text(path)).split(separator: "\n").compactMap { line in
                line.drop { "# ".contains($0) }.split(separator: " ", maxSplits: 1).first.flatMap {
                    line.contains(" = ") || $0.hasPrefix("[") ? $0 : nil
                }
            }
        }
        #expect(try keys("example/zh_CN/campaign.toml") == keys("example/campaign.toml"))
    }
}
