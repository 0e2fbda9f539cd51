import Foundation
import Testing

extension BuiltProgram {
    @Suite("the main job")
    struct MainJob {
        @Test("sixty people get their letter over STARTTLS with a login, once")
        func letters() async throws {
            let office = try await Office(tls: "starttls", user: "sender", password: "correct horse")
            let home = try Home()
            let secret = try home.folder.write("home/secret", "correct horse\n")
            try home.configure(
                port: office.port, tls: "starttls", caFile: office.caFile, user: "sender", passwordFile: secret)
            try home.campaign(people: People.csv(60), html: "<p>你好 <b>{{name}}</b></p>\n")

            let sent = try await home.outpost("send", "spring")
            #expect(sent.code == 0, "\(sent.err)")
            #expect(office.mails().count == 60)
            let tallies = try await home.tallies()
            #expect(tallies["sent"] == 60 && tallies.total == 60 && tallies.sum == 60, "\(tallies)")
            #expect(tallies.state == "finished")

            let letters = try await Delivered.read(office.mails(), in: home.folder)
            #expect(Set(letters.map(\.to)).count == 60)
            for letter in letters {
                let index = try #require((0..<60).first { letter.to.contains(People.email($0)) }, "\(letter.to)")
                let name = People.name(index)
                #expect(letter.subject == "\(name) 的春天")
                #expect(letter.text.contains("你好 \(name)！"), "\(letter.text)")
                #expect(letter.defects == [])
                let escaped = name.replacingOccurrences(of: "\"", with: "&quot;")
                let html = letter.html.replacingOccurrences(of: "&#34;", with: "&quot;").replacingOccurrences(
                    of: "&#39;", with: "'")
                #expect(html.contains("<b>\(escaped)</b>"), "\(letter.html)")
            }
            #expect(Set(letters.compactMap { $0.headers["message-id"] }).count == 60)

            // Again: nothing. Three more rows: those three.
            let again = try await home.outpost("send", "spring")
            #expect(again.code == 0, "\(again.err)")
            #expect(office.mails().count == 60)
            try home.folder.write("spring/people.csv", People.csv(63))
            let more = try await home.outpost("send", "spring")
            #expect(more.code == 0, "\(more.err)")
            #expect(office.mails().count == 63)
            let after = try await home.tallies()
            #expect(after["sent"] == 63 && after.total == 63, "\(after)")
            #expect(office.accepted().count == 63)
        }

        @Test("a server is trusted that the system's file of certificates vouches for, or its folder, and no other")
        func systemTrust() async throws {
            let office = try await Office(tls: "starttls")
            let home = try Home()
            try home.configure(port: office.port, tls: "starttls")
            try home.campaign(people: People.csv(3))
            let authority = office.caFile
            let folder = try home.folder.make("hashed")
            try FileManager.default.copyItem(atPath: authority, toPath: folder + "/authority.pem")
            let hashed = try await Running(
                "openssl", ["rehash", folder], environment: Program.environment([:]), folder: home.folder
            ).ended()
            #expect(hashed.code == 0, "\(hashed.err)")
            let nothing = home.folder.file("nothing")
            let cases = [(nothing, nothing, false), (authority, nothing, true), (nothing, folder, true)]
            for (file, path, trusts) in cases {
                let before = office.accepted().count
                let outcome = try await home.outpost(
                    "send", "spring", "--limit", "1", "--progress", "none",
                    environment: ["SSL_CERT_FILE": file, "SSL_CERT_DIR": path])
                #expect((outcome.code == 69) != trusts, "\(outcome.code) \(outcome.err)")
                #expect(office.accepted().count == before + (trusts ? 1 : 0), "\(outcome.err)")
            }
        }

        @Test("status, log, recipients and limits have the contract's keys")
        func json() async throws {
            let office = try await Office(tls: "starttls")
            let home = try Home()
            try home.configure(port: office.port, tls: "starttls", caFile: office.caFile)
            try home.campaign(people: People.csv(12))
            #expect(try await home.outpost("send", "spring").code == 0)

            let status = try await home.tallies().json
            let needed: Set = [
                "campaign", "state", "total", "pending", "sending", "sent", "deferred", "failed", "suppressed",
                "in_doubt",
                "cancelled", "rate_per_second", "started", "finished", "forecast", "limits",
            ]
            #expect(needed.isSubset(of: status.keys), "missing: \(needed.subtracting(status.keys))")
            #expect(status.string("campaign") == "spring")
            #expect(status.string("started")?.hasSuffix("Z") == true && status.string("started")?.count == 24)
            let limit = try #require(status.list("limits").first)
            #expect(Set(["scope", "key", "per_seconds", "count", "used", "next_free"]).isSubset(of: limit.keys))
            #expect(limit.int("used") == 12 && limit.int("per_seconds") == 3600 && limit.string("key") == "default")
            #expect(try await home.list("status").count == 1)
            #expect(try await home.list("list").first?.string("campaign") == "spring")

            let attempts = try await home.list("log")
            #expect(attempts.count == 12)
            let attempt = try #require(attempts.first)
            let attemptKeys: Set = [
                "id", "campaign", "email", "account", "source", "server", "started", "finished", "outcome", "code",
                "enhanced", "reply", "message_id", "tls", "bytes",
            ]
            #expect(attemptKeys.isSubset(of: attempt.keys), "missing: \(attemptKeys.subtracting(attempt.keys))")
            #expect(attempt.string("outcome") == "sent" && attempt.int("code") == 250)
            #expect(attempt.string("tls")?.hasPrefix("TLSv1.") == true)
            #expect((attempt.int("bytes") ?? 0) > 200)
            #expect(attempt.string("server")?.hasSuffix(":\(office.port)") == true)
            #expect(attempt.string("source") == "default" && attempt.string("account") == "main")

            let recipients = try await home.list("recipients", "spring")
            #expect(recipients.count == 12)
            let recipient = try #require(recipients.first)
            #expect(
                Set(["email", "state", "attempts", "next_attempt", "message_id", "reply"]).isSubset(of: recipient.keys))
            #expect(recipient.string("state") == "sent" && recipient.int("attempts") == 1)
            #expect(
                Set(recipients.compactMap { $0.string("message_id") })
                    == Set(attempts.compactMap { $0.string("message_id") }))
            #expect(try await home.list("recipients", "spring", "--state", "failed").isEmpty)

            let limits = try await home.list("limits")
            #expect(limits.contains { $0.int("used") == 12 && $0.string("scope") == "source" })

            let csv = try await home.outpost("recipients", "spring", "--csv")
            #expect(csv.code == 0)
            #expect(csv.out.split(whereSeparator: \.isNewline).count == 13)
            #expect(csv.out.hasPrefix("email,"))
        }

        @Test("duplicates, bad rows and suppressed people are counted, and the bad ones written down")
        func counts() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            #expect(try await home.outpost("suppress", "add", "leave@example.com").code == 0)
            let rows = [
                "email,name", "a@example.com,A", "A@EXAMPLE.COM,again", "b@例子.中国,B", "not an address,C",
                "leave@example.com,D",
                "a@@example.com,E", "c@example.com,\"F, \"\"quoted\"\"\"",
            ]
            try home.campaign(people: rows.joined(separator: "\r\n") + "\r\n")
            let imported = try await home.outpost("import", "spring", "--json")
            #expect(imported.code == 0, "\(imported.err)")
            let counts = try imported.object()
            #expect(
                counts.int("new") == 3 && counts.int("duplicate") == 1 && counts.int("rejected") == 2, "\(imported.out)"
            )
            #expect(counts.int("suppressed") == 1 && counts.int("known") == 0, "\(imported.out)")
            #expect(imported.err.contains("not an address") || imported.err.contains("line 5"), "\(imported.err)")
            let rejects = home.folder.text("spring/people.rejects.csv")
            #expect(rejects.contains("not an address") && rejects.contains("a@@example.com"), "\(rejects)")
            #expect(rejects.contains("5,") && rejects.contains("7,"))
            #expect(try await home.outpost("send", "spring").code == 0)
            let tallies = try await home.tallies()
            #expect(tallies["sent"] == 3 && tallies.sum == tallies.total, "\(tallies)")
            #expect(office.accepted().map(\.email).contains { $0.contains("leave@") } == false)
        }

        @Test("a file with no valid row at all is exit 65", arguments: ["email\nnobody\nnothing\n", "email,name\n"])
        func nothingValid(_ people: String) async throws {
            let home = try Home()
            try home.configure(port: 25)
            try home.campaign(people: people)
            let outcome = try await home.outpost("import", "spring")
            #expect(outcome.code == 65, "\(outcome.err)")
        }

        @Test("the same people come in from GB18030, UTF-16 with a BOM, and semicolons")
        func encodings() async throws {
            let home = try Home()
            try home.configure(port: 25)
            let text = "姓名;email\r\n张伟;a@example.com\r\n\"王;芳\";b@example.com\r\n"
            try home.folder.write("plain.csv", text)
            for (name, encoding) in [("gb", "GB18030"), ("wide", "UTF-16"), ("bom", "UTF-8")] {
                let folder = try home.campaign(name, people: "", message: "你好 {{姓名}}", subject: "{{姓名}}")
                let bytes = try await run(
                    "sh",
                    [
                        "-c",
                        "(\(name == "bom" ? "printf '\\357\\273\\277'" : ":"); iconv -f UTF-8 -t \(encoding) plain.csv) > \(folder)/people.csv",
                    ],
                    in: home.folder)
                #expect(bytes.code == 0, "\(bytes.err)")
                let imported = try await home.outpost("import", name)
                #expect(imported.code == 0, "\(name): \(imported.err)")
                let preview = try await home.outpost("preview", name, "--to", "b@example.com")
                #expect(preview.code == 0 && preview.out.contains("王;芳"), "\(name): \(preview.out)\(preview.err)")
            }
        }

        @Test("preview gives one recipient's message as one JSON object, too")
        func preview() async throws {
            let home = try Home()
            try home.configure(port: 25)
            try home.campaign(people: "email,name\na@example.com,Ann\nli@example.com,李伟\n")
            let message = try await home.outpost("preview", "spring", "--to", "li@example.com", "--json").object()
            #expect(message.string("email") == "li@example.com" && message.string("to") == "li@example.com")
            #expect(message.string("text")?.contains("李伟") == true)
            #expect(message.has("subject") && message.has("from") && message.has("html") && message.has("attachments"))
            #expect(try await home.outpost("preview", "spring", "--raw", "--json").code == 64)
        }

        @Test("a changed message after sending began asks first")
        func changes() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(10))
            _ = try await home.outpost("send", "spring", "--limit", "4")
            #expect(office.mails().count == 4)
            try home.folder.write("spring/message.txt", "Another letter for {{name}}.\n")
            let asked = try await home.outpost("send", "spring")
            #expect(asked.code != 0)
            #expect(asked.err.contains("--accept-changes"), "\(asked.err)")
            #expect(office.mails().count == 4)
            let accepted = try await home.outpost("send", "spring", "--accept-changes")
            #expect(accepted.code == 0, "\(accepted.err)")
            let texts = try await Delivered.read(office.mails(), in: home.folder).map(\.text)
            #expect(texts.filter { $0.contains("Another letter") }.count == 6)
        }

        @Test("a sample goes out beside the campaign and is in no tally of it")
        func sample() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            try home.campaign(people: People.csv(5))
            let outcome = try await home.outpost("test", "spring", "--to", "me@example.org")
            #expect(outcome.code == 0, "\(outcome.err)")
            #expect(office.accepted().map(\.email) == ["me@example.org"])
            let list = try await home.outpost("status", "spring", "--json")
            if list.code == 0 { #expect(try list.object().int("sent") == 0) }
        }
    }
}
