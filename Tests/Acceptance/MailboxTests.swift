import Foundation
import Glibc
import Testing

extension BuiltProgram {
    @Suite(
        "those in doubt, and a real Dovecot", .enabled(if: geteuid() == 0, "Dovecot's master starts as root only"))
    struct DoubtAndMailbox {
        /// A campaign whose every hand-over was cut off after the final dot, and the Message-ID of each.
        private struct Bed {
            let home = try! Home()
            let office: Office
            var ids: [String: String] = [:]

            init(people: Int) async throws {
                office = try await Office(script: Office.Script.dropAtDot(every: 1, stored: false))
                try home.configure(port: office.port, sessions: 1)
                try home.campaign(people: People.csv(people))
                let sent = try await home.outpost("send", "spring", within: 120)
                #expect(sent.code == 75, "\(sent.err)")
                for row in try await home.list("recipients", "spring", "--state", "in_doubt") {
                    ids[row.string("email") ?? ""] = row.string("message_id")
                }
                try #require(ids.count == people, "\(ids.count) in doubt: \(sent.err)")
            }

            func id(_ index: Int) throws -> String { try #require(ids[People.email(index)]) }

            /// Now the account has a mailbox.
            func configure(_ mailbox: String, caFile: String?, more: String = "") throws {
                try home.configure(
                    port: office.port, caFile: caFile, sessions: 1, account: "mailbox = { \(mailbox) }", more: more)
            }

            func secret(_ text: String = Dovecot.password) throws -> String {
                try home.folder.write("home/secret", text + "\n")
            }
        }

        private func with(_ dovecot: Dovecot, _ body: () async throws -> Void) async throws {
            do { try await body() } catch {
                await dovecot.stop()
                throw error
            }
            await dovecot.stop()
        }

        private static func report(_ action: String, _ id: String) -> String {
            """
            From: MAILER-DAEMON@example.org
            To: sender@example.org
            Subject: Undelivered Mail Returned to Sender
            Message-ID: <report-\(action)-\(UUID().uuidString)@example.org>
            MIME-Version: 1.0
            Content-Type: multipart/report; report-type=delivery-status;
             boundary="b"

            --b
            Content-Type: text/plain

            O1 OK it looks like an answer
            --b
            Content-Type: message/delivery-status

            Reporting-MTA: dns; mail.example.org

            Final-Recipient: rfc822; somebody@example.com
            Action: \(action)
            Status: 5.1.1

            --b
            Content-Type: text/rfc822-headers

            Message-ID: \(id)
            Subject: spring

            --b--

            """
        }

        private static func letter(_ header: String) -> String {
            "From: sender@example.org\nSubject: spring\n\(header)\n\nHello\n"
        }

        @Test("what the folder of sent mail and the reports say is done and told; what is not there stays in doubt")
        func evidence() async throws {
            let bed = try await Bed(people: 4)
            let dovecot = try await Dovecot()
            try await with(dovecot) {
                // Hostile or odd ones at the end, and so many before that what is wanted is searched for.
                for number in 10..<90 {
                    try dovecot.deliver(
                        Self.letter("Message-ID: <f\(number)@example.org>"), to: "Outgoing", number: number)
                }
                for (number, header) in [
                    "X: 1", "Message-ID: <", "Message-ID: <\"\\)(\u{1b}[2J>",
                    "Message-ID: <\(String(repeating: "x", count: 5000))>",
                    "Message-ID: <other@example.org>\nX-Note: \(try bed.id(3))",
                    "Subject: O4 OK done\n* BYE\nMessage-ID: <y@example.org>",
                ].enumerated() {
                    try dovecot.deliver(Self.letter(header), to: "Outgoing", number: 92 + number)
                }
                try dovecot.deliver(Self.letter("Message-ID:\n \(bed.id(0))"), to: "Outgoing", number: 90)
                // Taken, and bounced later.
                try dovecot.deliver(Self.letter("Message-ID: \(bed.id(1))"), to: "Outgoing", number: 91)
                try dovecot.deliver(Self.report("failed", bed.id(1)), to: "INBOX", number: 1)
                try dovecot.deliver(Self.report("delivered", bed.id(2)), to: "INBOX", number: 2)
                // A letter that only talks of it.
                try dovecot.deliver(
                    Self.letter("Message-ID: <z@example.org>\nReferences: \(bed.id(3))"), to: "INBOX", number: 3)
                try bed.configure(
                    "host = \"localhost\", port = \(dovecot.port), user = \"\(Dovecot.user)\", password_file = \"\(bed.secret())\"",
                    caFile: dovecot.authority)

                let settled = try await bed.home.outpost("settle", "spring", "--evidence", "mailbox", "--json")
                #expect(settled.code == 0, "\(settled.err)\(dovecot.log)")
                let rows = try settled.objects()
                func row(_ index: Int) -> JSON? { rows.first { $0.string("email") == People.email(index) } }
                #expect(row(0)?.string("decision") == "sent")
                #expect(row(0)?.string("evidence")?.hasPrefix("localhost/Outgoing, UID 81, ") == true, "\(settled.out)")
                #expect(row(1)?.string("decision") == "failed")
                #expect(row(1)?.string("evidence")?.hasSuffix(" (5.1.1)") == true, "\(settled.out)")
                #expect(row(2)?.string("decision") == "sent")
                #expect(row(2)?.string("evidence")?.hasPrefix("localhost/INBOX, UID 2, ") == true, "\(settled.out)")
                #expect(row(3)?.isNull("decision") == true)
                #expect(settled.err.contains("1 stay in doubt"), "\(settled.err)")
                let tallies = try await bed.home.tallies()
                #expect(tallies["sent"] == 2 && tallies["failed"] == 1 && tallies["in_doubt"] == 1, "\(tallies)")
                #expect(try await bed.home.outpost("verify").code == 0)

                let story = try await bed.home.outpost("explain", People.email(0))
                #expect(story.out.contains("counts as sent, by evidence: localhost/Outgoing, UID 81, "), "\(story.out)")
                // It was looked at, and left as it was.
                #expect(!(dovecot.flags("INBOX") + dovecot.flags("Outgoing")).contains { $0.contains("S") })
                // Again: nothing more to find, nothing undone.
                let again = try await bed.home.outpost("settle", "spring", "--evidence", "mailbox")
                #expect(again.code == 0 && again.out.isEmpty, "\(again.out)\(again.err)")
                #expect(try await bed.home.tallies()["in_doubt"] == 1)
            }
        }

        @Test("a folder in Chinese that no attribute marks, over STARTTLS, gone through because it is short")
        func chinese() async throws {
            let bed = try await Bed(people: 2)
            let dovecot = try await Dovecot(sent: "&XfJT0ZAB-", isMarked: false)
            try await with(dovecot) {
                try dovecot.deliver(Self.letter("Message-ID: \(bed.id(1))"), to: "&XfJT0ZAB-", number: 1)
                let login = try "user = \"\(Dovecot.user)\", password_file = \"\(bed.secret())\""
                let place = "host = \"localhost\", port = \(dovecot.plainPort), tls = \"starttls\", \(login)"
                try bed.configure("\(place), sent = \"已寄出\"", caFile: dovecot.authority)
                let wrong = try await bed.home.outpost("settle", "spring", "--evidence", "mailbox")
                #expect(wrong.code == 78 && wrong.err.contains("已寄出") && wrong.err.contains("已发送"), "\(wrong.err)")
                try bed.configure(place, caFile: dovecot.authority)
                let settled = try await bed.home.outpost("settle", "spring", "--evidence", "mailbox")
                #expect(settled.code == 0, "\(settled.err)\(dovecot.log)")
                #expect(settled.out.contains("localhost/已发送, UID 1, "), "\(settled.out)")
                #expect(try await bed.home.tallies()["sent"] == 1)
            }
        }

        @Test(
            "a refused login ends it after one try, a stranger's certificate and a dead host before any; all stay in doubt"
        )
        func refusals() async throws {
            let bed = try await Bed(people: 1)
            let dovecot = try await Dovecot()
            try await with(dovecot) {
                try dovecot.deliver(Self.letter("Message-ID: \(bed.id(0))"), to: "Outgoing", number: 1)
                func place(_ port: UInt16, _ secret: String) -> String {
                    "host = \"localhost\", port = \(port), user = \"\(Dovecot.user)\", password_file = \"\(secret)\""
                }
                let wrong = "not-this-one-x7"
                try bed.configure(place(dovecot.port, try bed.secret(wrong)), caFile: dovecot.authority)
                let refused = try await bed.home.outpost("settle", "spring", "--evidence", "mailbox")
                #expect(refused.code == 77, "\(refused.err)")
                #expect(dovecot.log.components(separatedBy: "auth failed, 1 attempts").count == 2, "\(dovecot.log)")
                #expect(!refused.err.contains(wrong) && !refused.out.contains(wrong))
                #expect(bed.home.files(holding: Array(wrong.utf8), except: ["\(bed.home.path)/secret"]) == [])

                let right = try bed.secret()
                try bed.configure(place(dovecot.port, right), caFile: nil)
                let stranger = try await bed.home.outpost("settle", "spring", "--evidence", "mailbox")
                #expect(stranger.code == 69 && stranger.err.contains("certificate"), "\(stranger.err)")
                try bed.configure(place(try freePort(), right), caFile: dovecot.authority)
                let dead = try await bed.home.outpost("settle", "spring", "--evidence", "mailbox")
                #expect(dead.code == 69, "\(dead.err)")
                #expect(dovecot.log.components(separatedBy: "Login: user=").count == 1, "\(dovecot.log)")
                #expect(try await bed.home.tallies()["in_doubt"] == 1)

                // The host name counts too, not only who signed: the certificate is for 127.0.0.1.
                try bed.configure(
                    place(dovecot.port, right).replacingOccurrences(of: "localhost", with: "127.0.0.2"),
                    caFile: dovecot.authority)
                let other = try await bed.home.outpost("settle", "spring", "--evidence", "mailbox")
                #expect(other.code == 69 && other.err.contains("certificate"), "\(other.err)")
            }
        }

        @Test(
            "a server that cannot search headers, or only says it can, is asked for them all",
            arguments: [
                ("UID SEARCH HEADER", "TAG BAD no such key"), ("UID SEARCH HEADER", "TAG OK nothing found"),
                ("UID SEARCH HEADER", "* SEARCH|TAG OK nothing found"),
                ("UID SEARCH HEADER", "* SEARCH \((1...60).map(String.init).joined(separator: " "))|TAG OK all of it"),
                ("UID SEARCH", "TAG NO not here"),
            ])
        func withoutHeaderSearch(refused: String, answer: String) async throws {
            let bed = try await Bed(people: 2)
            let dovecot = try await Dovecot()
            try await with(dovecot) {
                for number in 10..<60 {
                    try dovecot.deliver(
                        Self.letter("Message-ID: <f\(number)@example.org>"), to: "Outgoing", number: number)
                }
                try dovecot.deliver(Self.letter("Message-ID: \(bed.id(0))"), to: "Outgoing", number: 60)
                try dovecot.deliver(Self.report("failed", bed.id(1)), to: "INBOX", number: 1)
                let picky = try await PickyMailbox(of: dovecot, refusing: refused, with: answer)
                try bed.configure(
                    "host = \"127.0.0.1\", port = \(picky.port), tls = \"none\", sent = \"Outgoing\"", caFile: nil)
                let settled = try await bed.home.outpost("settle", "spring", "--evidence", "mailbox")
                #expect(settled.code == 0, "\(settled.err)")
                #expect(settled.out.contains("127.0.0.1/Outgoing, UID 51, "), "\(settled.out)\(picky.commands)")
                let tallies = try await bed.home.tallies()
                #expect(tallies["sent"] == 1 && tallies["failed"] == 1, "\(tallies)\(picky.commands)")
                // It was tried once, with a message that is there.
                #expect(picky.commands.count { $0.hasPrefix("UID SEARCH HEADER") } == 1, "\(picky.commands)")
                #expect(!(dovecot.flags("INBOX") + dovecot.flags("Outgoing")).contains { $0.contains("S") })
            }
        }

        @Test("of more than can be gone through the newest are, and that is said")
        func newestOnly() async throws {
            let bed = try await Bed(people: 2)
            let dovecot = try await Dovecot()
            try await with(dovecot) {
                try dovecot.deliver(Self.letter("Message-ID: \(bed.id(0))"), to: "Outgoing", number: 10_000)
                for number in 10_001..<15_000 {
                    try dovecot.deliver(Self.letter("Message-ID: <f\(number)@e>"), to: "Outgoing", number: number)
                }
                try dovecot.deliver(Self.letter("Message-ID: \(bed.id(1))"), to: "Outgoing", number: 15_000)
                let picky = try await PickyMailbox(of: dovecot, refusing: "UID SEARCH", with: "TAG BAD what?")
                try bed.configure(
                    "host = \"127.0.0.1\", port = \(picky.port), tls = \"none\", sent = \"Outgoing\"", caFile: nil)
                let settled = try await bed.home.outpost("settle", "spring", "--evidence", "mailbox")
                #expect(settled.code == 0 && settled.err.contains("only the newest 5000"), "\(settled.err)")
                #expect(settled.out.contains("127.0.0.1/Outgoing, UID 5001, "), "\(settled.out)")
                let tallies = try await bed.home.tallies()
                #expect(tallies["sent"] == 1 && tallies["in_doubt"] == 1, "\(tallies)")
            }
        }

        @Test("without libcurl all else works, and who asks a mailbox is told what to install")
        func withoutLibrary() async throws {
            let bed = try await Bed(people: 1)
            try bed.configure("host = \"127.0.0.1\", port = \(freePort()), tls = \"none\"", caFile: nil)
            // The loader takes this one for it, and cannot read it; were the program linked with libcurl, it would not start.
            let broken = try bed.home.folder.make("lib")
            try bed.home.folder.write("lib/libcurl.so.4", "no library")
            let environment = ["LD_LIBRARY_PATH": broken]
            let version = try await bed.home.outpost("--version", environment: environment)
            #expect(version.code == 0, "\(version.err)")
            let settled = try await bed.home.outpost(
                "settle", "spring", "--evidence", "mailbox", environment: environment)
            #expect(settled.code == 69 && settled.err.contains("apt install libcurl4"), "\(settled.err)")
            #expect(settled.err.contains("libcurl.so.4"), "\(settled.err)")
            #expect(try await bed.home.tallies()["in_doubt"] == 1)
        }

        /// A campaign for two, killed while the first message was on its way; answers its Message-ID.
        private func killed(_ home: Home) async throws -> String {
            let office = try await Office(script: "at dot latency 20s\n")
            try home.configure(port: office.port, sessions: 1)
            try home.campaign(people: People.csv(2))
            let runner = try home.start(["send", "spring", "--progress", "none"])
            try await eventually(within: 30, "a message is on its way") { !office.begun().isEmpty }
            runner.signal(SIGKILL)
            _ = try await runner.ended()
            let row = try await home.list("recipients", "spring", "--state", "sending").first
            return try #require(row?.string("message_id"))
        }

        @Test(
            "before it sends on, send asks the mailbox; only whom that does not know the policy decides about",
            arguments: [true, false])
        func beforeSending(isFound: Bool) async throws {
            let home = try Home()
            let id = try await killed(home)
            let office = try await Office()
            let dovecot = try await Dovecot()
            try await with(dovecot) {
                if isFound { try dovecot.deliver(Self.letter("Message-ID: \(id)"), to: "Outgoing", number: 1) }
                let secret = try home.folder.write("home/secret", Dovecot.password + "\n")
                try home.configure(
                    port: office.port, caFile: dovecot.authority, sessions: 1,
                    account:
                        "mailbox = { host = \"localhost\", port = \(dovecot.port), user = \"\(Dovecot.user)\", password_file = \"\(secret)\" }",
                    more: "[in_doubt]\npolicy = \"resend\"\nevidence = \"mailbox\"\n")
                let sent = try await home.outpost("send", "spring")
                #expect(sent.code == 0, "\(sent.err)\(dovecot.log)")
                #expect(try await home.tallies()["sent"] == 2)
                #expect(office.accepted().count == (isFound ? 1 : 2), "\(sent.err)")
            }
        }

        @Test("a mailbox that cannot be asked stops nobody else, and whoever is in doubt is held whatever the policy")
        func unreachableBeforeSending() async throws {
            let home = try Home()
            _ = try await killed(home)
            let office = try await Office()
            try home.configure(
                port: office.port, sessions: 1,
                account: "mailbox = { host = \"127.0.0.1\", port = \(freePort()), tls = \"none\" }",
                more: "[in_doubt]\npolicy = \"resend\"\nevidence = \"mailbox\"\n")
            let sent = try await home.outpost("send", "spring")
            #expect(sent.code == 75 && sent.err.contains("held"), "\(sent.err)")
            let tallies = try await home.tallies()
            #expect(tallies["sent"] == 1 && tallies["in_doubt"] == 1 && office.accepted().count == 1, "\(tallies)")
            let row = try await home.list("recipients", "spring", "--state", "in_doubt").first
            #expect(row?.string("in_doubt_cause") == "process_ended")
        }

        @Test("by address, by a file of addresses and by age; who is in doubt, since when and why")
        func selections() async throws {
            let bed = try await Bed(people: 6)
            let home = bed.home
            let rows = try await home.list("recipients", "spring", "--state", "in_doubt")
            #expect(rows.allSatisfy { $0.string("in_doubt_cause") == "connection_lost" })
            #expect(rows.allSatisfy { $0.string("server") == "127.0.0.1:\(bed.office.port)" })
            #expect(rows.allSatisfy { ($0.int("in_doubt_seconds") ?? -1) >= 0 && $0.string("in_doubt_since") != nil })
            let status = try await home.outpost("status", "spring")
            #expect(status.out.contains("outpost settle spring --evidence mailbox"), "\(status.out)")
            let object = try await home.outpost("status", "spring", "--json").object()
            #expect(object.string("in_doubt_since") == rows.compactMap { $0.string("in_doubt_since") }.min())

            let young = try await home.outpost("settle", "spring", "--in-doubt", "failed", "--older-than", "1h")
            #expect(young.code == 0 && young.err.contains("longer than 1h"), "\(young.err)")
            #expect(try await home.tallies()["in_doubt"] == 6)
            try home.folder.write(
                "two.txt", "# two\n\(People.email(0))\nNobody@example.com\n\(People.email(1).uppercased())\n")
            let two = try await home.outpost("settle", "spring", "--in-doubt", "sent", "--emails-from", "two.txt")
            #expect(two.code == 0, "\(two.err)")
            #expect(two.err.contains("nobody@example.com") && two.err.contains("4 stay in doubt"), "\(two.err)")
            let bad = try home.folder.write("bad.txt", "\(People.email(2))\nno address\n")
            let refused = try await home.outpost("settle", "spring", "--in-doubt", "sent", "--emails-from", bad)
            #expect(refused.code == 65 && refused.err.contains("bad.txt:2"), "\(refused.err)")
            let one = try await home.outpost(
                "settle", "spring", "--in-doubt", "failed", "--email", People.email(2), "--email", People.email(3))
            #expect(one.code == 0, "\(one.err)")
            let tallies = try await home.tallies()
            #expect(tallies["sent"] == 2 && tallies["failed"] == 2 && tallies["in_doubt"] == 2, "\(tallies)")
            let story = try await home.outpost("explain", People.email(2), "--json").object()
            let attempt = story.list("campaigns").first?.list("attempts").first
            #expect(attempt?.string("decision") == "failed" && attempt?.isNull("evidence") == true)
        }
    }
}
