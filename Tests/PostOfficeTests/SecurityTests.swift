import Testing

@testable import PostOffice
@testable import Transport

@Suite struct SecurityTests {
    private func secure(_ folder: Folder, _ change: (inout PostOfficeOptions) -> Void = { _ in }) throws -> PostOffice {
        try office {
            $0.tls = .starttls
            $0.anchorFile = folder.path + "/ca.pem"
            $0.users = ["bob": "se cret", "用户": "密码"]
            change(&$0)
        }
    }

    private func encrypted(_ office: PostOffice, _ folder: Folder) async throws -> Talker {
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        #expect(try await talker.say("STARTTLS").hasPrefix("220"))
        try await talker.startTLS(try TLSContext.client(anchors: [folder.path + "/ca.pem"]))
        return talker
    }

    @Test("a login is offered only under TLS, and mail is taken only after it")
    func login() async throws {
        let folder = try Folder()
        let office = try secure(folder)
        let plain = try await Talker.open(office)
        #expect(!(try await plain.say("EHLO x").contains("AUTH")))
        #expect(try await plain.say("AUTH PLAIN AGJvYgBzZSBjcmV0").hasPrefix("538"))
        #expect(try await plain.say("MAIL FROM:<a@a.test>").hasPrefix("530"))

        let talker = try await encrypted(office, folder)
        #expect(try await talker.say("MAIL FROM:<a@a.test>").hasPrefix("503"))
        let offer = try await talker.say("EHLO x")
        #expect(offer.contains("AUTH PLAIN LOGIN"))
        #expect(!offer.contains("STARTTLS"))
        #expect(try await talker.say("STARTTLS").hasPrefix("503"))
        #expect(try await talker.say("AUTH PLAIN AGJvYgB3cm9uZw==").hasPrefix("535"))
        #expect(try await talker.say("AUTH PLAIN AGJvYgBzZSBjcmV0").hasPrefix("235"))
        #expect(try await talker.deliver().hasPrefix("250"))
        #expect(office.counts().logins == 1)
    }

    @Test(
        "PLAIN and LOGIN work with and without an initial response; what is not base64 is refused",
        arguments: [
            (["AUTH PLAIN", "AGJvYgBzZSBjcmV0"], "235"),
            (["AUTH LOGIN", "Ym9i", "c2UgY3JldA=="], "235"),
            (["AUTH LOGIN Ym9i", "c2UgY3JldA=="], "235"),
            (["AUTH LOGIN", "55So5oi3", "5a+G56CB"], "235"),
            (["auth plain AGJvYgBzZSBjcmV0"], "235"),
            (["AUTH LOGIN", "*"], "501"),
            (["AUTH PLAIN", "!!!"], "501"),
            (["AUTH PLAIN AGJvYg=="], "501"),
            (["AUTH PLAIN ="], "501"),
            (["AUTH LOGIN", "Ym9i", "eA=="], "535"),
            (["AUTH CRAM-MD5"], "504"),
            (["AUTH"], "501"),
        ])
    func mechanisms(lines: [String], expected: String) async throws {
        let office = try office {
            $0.users = ["bob": "se cret", "用户": "密码"]
            $0.allowsPlaintextAuth = true
        }
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        var last = ""
        for line in lines { last = try await talker.say(line) }
        #expect(last.hasPrefix(expected), "\(lines) → \(last)")
    }

    @Test("what is said before the handshake has no effect behind it")
    func injection() async throws {
        let folder = try Folder()
        let office = try secure(folder) {
            $0.users = [:]
            $0.log = folder.path + "/log"
        }
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        try await talker.send("STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@a.test>\r\n")
        #expect(try await talker.reply().hasPrefix("220"))
        try await talker.startTLS(try TLSContext.client(anchors: [folder.path + "/ca.pem"]))
        // Were the injected EHLO obeyed, its answer would come first, and MAIL would be under way.
        #expect(try await talker.say("NOOP") == "250 2.0.0 Ok")
        #expect(try await talker.say("MAIL FROM:<a@a.test>").hasPrefix("503 5.5.1 Say EHLO first"))
        #expect(Folder.lines(folder.path + "/log").contains { $0.contains("\"event\":\"injected\"") })
    }

    @Test("implicit TLS greets after the handshake")
    func implicit() async throws {
        let folder = try Folder()
        let office = try secure(folder) { $0.tls = .implicit }
        let talker = try await Talker.open(office, greeting: false)
        try await talker.startTLS(try TLSContext.client(anchors: [folder.path + "/ca.pem"]))
        #expect(try await talker.reply().hasPrefix("220"))
        #expect(try await talker.say("EHLO x").contains("AUTH PLAIN LOGIN"))
        #expect(office.counts().tlsSessions == 1)
    }

    @Test("a certificate file that is missing is named")
    func missingCertificate() {
        #expect {
            _ = try office {
                $0.tls = .implicit
                $0.certificateFile = "/nonexistent/cert.pem"
            }
        } throws: {
            "\($0)".contains("/nonexistent/cert.pem")
        }
    }

    @Test("no password reaches the log")
    func noPasswordInLog() async throws {
        let folder = try Folder()
        let office = try office {
            $0.users = ["bob": "hunter2"]
            $0.allowsPlaintextAuth = true
            $0.log = folder.path + "/log"
        }
        let talker = try await Talker.open(office)
        _ = try await talker.say("EHLO x")
        _ = try await talker.say("AUTH PLAIN AGJvYgBodW50ZXIz")
        _ = try await talker.say("AUTH PLAIN AGJvYgBodW50ZXIy")
        let log = Folder.lines(folder.path + "/log").joined()
        #expect(log.contains("\"user\":\"bob\",\"right\":true"))
        for secret in ["hunter2", "hunter3", "aHVudGVyMg", "AGJvYgBodW50ZXIy"] { #expect(!log.contains(secret)) }
    }
}
