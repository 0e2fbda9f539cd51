import Foundation
import Testing

extension BuiltProgram {
    @Suite("hostile input")
    struct Hostile {
        /// Control characters a terminal would act on.
        static func controls(_ text: String) -> [Unicode.Scalar] {
            text.unicodeScalars.filter {
                ($0.value < 32 && $0 != "\n" && $0 != "\t" && $0 != "\r") || (0x7F...0x9F).contains($0.value)
            }
        }

        @Test("line breaks, NUL and escapes in a CSV field reach no header, no command and no terminal")
        func fields() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            let names = [
                "A\r\nBcc: victim@example.net", "B\nX-Evil: yes\n\nbody", "C\r\n.\r\nMAIL FROM:<x@example.net>",
                "D\u{1b}]0;owned\u{07}\u{1b}[2J", "E\u{0}F",
            ]
            var people = "email,name\n"
            for (index, name) in names.enumerated() { people += "p\(index)@example.com,\"\(name)\"\n" }
            people += "\"evil@example.com\r\nRCPT TO:<victim@example.net>\",G\nfine@example.com,H\n"
            try home.campaign(people: people, subject: "Hi {{name}}", more: "[headers]\nX-Name = \"{{name}}\"\n")
            let outcome = try await home.outpost("send", "spring")
            #expect(Self.controls(outcome.out + outcome.err).isEmpty, "\(outcome.err.debugDescription)")
            let accepted = office.accepted().map(\.email)
            #expect(!accepted.contains { $0.contains("victim") || $0.contains("evil@") }, "\(accepted)")
            #expect(accepted.contains("fine@example.com"))
            for letter in try await Delivered.read(office.mails(), in: home.folder) {
                #expect(letter.headers["bcc"] == nil && letter.headers["x-evil"] == nil, "\(letter.headers)")
                #expect(letter.defects == [])
                #expect(!letter.subject.contains("\n") && !letter.subject.contains("\r"))
                #expect(Self.controls(letter.subject).isEmpty)
            }
            for arguments in [
                ["recipients", "spring"], ["log"], ["status"], ["list"],
                ["preview", "spring", "--to", "p3@example.com"],
            ] {
                let shown = try await home.start(arguments).ended()
                #expect(Self.controls(shown.out + shown.err).isEmpty, "\(arguments): \(shown.out.debugDescription)")
            }
            #expect(try await home.outpost("check", "spring").out.unicodeScalars.allSatisfy { $0 != "\u{1b}" })
        }

        @Test("a reply of escape codes, overlong lines or endless lines does no harm", arguments: Office.Script.garbage)
        func replies(_ script: String) async throws {
            let office = try await Office(script: script)
            let home = try Home()
            try home.configure(
                port: office.port,
                account:
                    "timeouts = { connect = \"5s\", reply = \"5s\", final = \"5s\", idle = \"5s\" }\nretry = \"1h\"\n")
            try home.campaign(people: People.csv(4))
            let outcome = try await home.outpost("send", "spring", within: 60)
            #expect([0, 69, 75].contains(outcome.code), "\(outcome.code) \(outcome.err)")
            #expect(Self.controls(outcome.out + outcome.err).isEmpty, "\(outcome.err.debugDescription)")
            #expect(outcome.peakKilobytes < 200_000)
            let tallies = try await home.tallies()
            #expect(tallies.sum == 4 && tallies["sending"] == 0, "\(tallies)")
            let log = try await home.outpost("log")
            #expect(Self.controls(log.out).isEmpty, "\(log.out.debugDescription)")
            for attempt in try await home.list("log") {
                let reply = attempt.string("reply") ?? ""
                #expect(reply.utf8.count <= 4096 && Self.controls(reply).isEmpty)
            }
            #expect(try await home.outpost("verify").code == 0)
        }

        @Test("the password is in no file, no output and no process list")
        func password() async throws {
            let password = "Zq7-hunter-x91"
            let office = try await Office(
                tls: "starttls", user: "sender", password: password, script: Office.Script.slow)
            let home = try Home()
            let secret = try home.folder.write("home/secret", password + "\n")
            try home.configure(
                port: office.port, tls: "starttls", caFile: office.caFile, user: "sender", passwordFile: secret)
            try home.campaign(people: People.csv(200))
            let runner = try home.start(["send", "spring", "--progress", "plain"])
            var seen = 0
            while runner.isRunning {
                let line = Folder.bytes("/proc/\(runner.pid)/cmdline") + Folder.bytes("/proc/\(runner.pid)/environ")
                if !line.isEmpty {
                    seen += 1
                    #expect(Data(line).range(of: Data(password.utf8)) == nil)
                }
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(seen > 0)
            let outcome = try await runner.ended()
            #expect(outcome.code == 0, "\(outcome.err)")
            // As it is, and as AUTH PLAIN and AUTH LOGIN carry it.
            let forms = [
                password, Data("\0sender\0\(password)".utf8).base64EncodedString(),
                Data(password.utf8).base64EncodedString(),
            ]
            for form in forms {
                #expect(home.files(holding: Array(form.utf8), except: [secret]) == [])
                #expect(!(outcome.out + outcome.err).contains(form))
            }
        }
    }
}
