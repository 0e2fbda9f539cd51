import Foundation
import Testing

@testable import outpost

@Suite("Evidence about those in doubt")
struct EvidenceTests {
    private func findings(_ text: String, wanted: Set<String> = ["<1.2@x.example>"]) -> [String: Evidence.Finding] {
        var evidence = Evidence(messageIDs: wanted)
        evidence.begin("f")
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            evidence.read(String(line))
        }
        return evidence.findings
    }

    @Test("Postfix took it when its queue manager has it, not when it has only seen its header")
    func postfix() {
        let seen = "Nov 25 10:00:00 mx postfix/cleanup[12]: 4F2A1B9C: message-id=<1.2@x.example>"
        #expect(findings(seen).isEmpty)
        let taken =
            seen
            + "\nNov 25 10:00:00 mx postfix/qmgr[9]: 4F2A1B9C: from=<a@x.example>, size=900, nrcpt=1 (queue active)"
        #expect(findings(taken) == ["<1.2@x.example>": .accepted("f")])
        let other = seen + "\nNov 25 10:00:00 mx postfix/qmgr[9]: 4F2A1B9D: from=<a@x.example>, size=900 (queue active)"
        #expect(findings(other).isEmpty)
        let bounced =
            taken + "\nNov 25 10:00:01 mx postfix/smtp[9]: 4F2A1B9C: to=<b@y.example>, status=bounced (no such user)"
        #expect(findings(bounced) == ["<1.2@x.example>": .failed("f", status: "(no such user)")])
    }

    @Test("Exim's arrival line is proof")
    func exim() {
        let line = "2026-11-25 10:00:00 1abc-00-2x <= a@x.example H=(me) P=esmtps S=900 id=1.2@x.example"
        #expect(findings(line) == ["<1.2@x.example>": .accepted("f")])
    }

    @Test("the post office's own log: accepted only")
    func office() {
        #expect(findings(#"{"event":"mail","message_id":"<1.2@x.example>"}"#).isEmpty)
        #expect(findings(#"{"event":"accepted","message_id":"<1.2@x.example>"}"#).count == 1)
    }

    @Test("a message in a Sent folder, its header folded, and an mbox with several")
    func messages() {
        #expect(findings("Subject: a\nMessage-ID:\n <1.2@x.example>\n\nbody") == ["<1.2@x.example>": .accepted("f")])
        #expect(findings("Subject: a\n\nMessage-ID: <1.2@x.example>\n").isEmpty, "a body proves nothing")
        let mbox = "From a\nMessage-ID: <9@z>\n\nhello\n\nFrom b\nMessage-ID: <1.2@x.example>\n\nx"
        #expect(findings(mbox).count == 1)
    }

    @Test("a delivery report decides by its action, and a failure outweighs an acceptance")
    func report() {
        func dsn(_ action: String) -> String {
            """
            From: MAILER-DAEMON
            Content-Type: multipart/report; report-type=delivery-status

            --b
            Content-Type: message/delivery-status

            Final-Recipient: rfc822; b@y.example
            Action: \(action)
            Status: 5.1.1

            --b
            Content-Type: text/rfc822-headers

            Message-ID: <1.2@x.example>
            """
        }
        #expect(findings(dsn("failed")) == ["<1.2@x.example>": .failed("f", status: "5.1.1")])
        #expect(findings(dsn("delivered")) == ["<1.2@x.example>": .accepted("f")])
        #expect(findings(dsn("delayed")).isEmpty)
        var evidence = Evidence(messageIDs: ["<1.2@x.example>"])
        for text in [dsn("failed"), "Message-ID: <1.2@x.example>\n\n"] {
            evidence.begin("f")
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
                evidence.read(String(line))
            }
        }
        #expect(evidence.findings == ["<1.2@x.example>": .failed("f", status: "5.1.1")])
    }

    @Test("a bounce after the log was rotated counts, whatever the order and however the older one is packed")
    func rotated() throws {
        let folder = NSTemporaryDirectory() + "evidence-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let taken = """
            Nov 25 23:59:58 mx postfix/cleanup[12]: 4F2A1B9C: message-id=<1.2@x.example>
            Nov 25 23:59:59 mx postfix/qmgr[9]: 4F2A1B9C: from=<a@x.example>, size=900, nrcpt=1 (queue active)

            """
        let bounced = "Nov 26 00:00:01 mx postfix/smtp[9]: 4F2A1B9C: to=<b@y.example>, status=bounced (no such user)\n"
        try taken.write(toFile: folder + "/mail.log.1", atomically: true, encoding: .utf8)
        try bounced.write(toFile: folder + "/mail.log", atomically: true, encoding: .utf8)
        func findings(_ paths: [String]) throws -> [String: Evidence.Finding] {
            var evidence = Evidence(messageIDs: ["<1.2@x.example>"])
            try EvidenceFiles.read(paths, into: &evidence)
            return evidence.findings
        }
        let failed: [String: Evidence.Finding] = [
            "<1.2@x.example>": .failed(folder + "/mail.log:1", status: "(no such user)")
        ]
        let (new, old) = (folder + "/mail.log", folder + "/mail.log.1")
        #expect(try findings([old, new]) == failed && findings([new, old]) == failed && findings([folder]) == failed)
        let gzip = Process()
        gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        gzip.arguments = ["gzip", old]
        try gzip.run()
        gzip.waitUntilExit()
        #expect(try findings([new, old + ".gz"]) == failed && findings([folder]) == failed)
        // Cut off, it is refused: what is missing could be the bounce.
        let whole = try Data(contentsOf: URL(fileURLWithPath: old + ".gz"))
        try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: old + ".gz"))
        #expect(throws: Failure.self) { try findings([old + ".gz"]) }
    }

    @Test("a name of the server's queue that comes again is another message's")
    func reused() {
        let line = "Nov 25 10:00:00 mx postfix/cleanup[12]: 4F2A1B9C: message-id="
        let other = "Nov 25 10:00:09 mx postfix/qmgr[9]: 4F2A1B9C: from=<a@x.example>, size=9 (queue active)"
        #expect(findings("\(line)<1.2@x.example>\n\(line)<other@x.example>\n\(other)").isEmpty)
    }

    @Test("rotated logs are read from the oldest on, in the places they had")
    func rotation() {
        #expect(
            LogRotation.ordered(["m.log", "a.1", "m.log.1", "x", "m.log.10.gz", "m.log.2.gz"]) == [
                "m.log.10.gz", "a.1", "m.log.2.gz", "x", "m.log.1", "m.log",
            ])
        #expect(
            LogRotation.ordered(["m", "m-20261130.gz", "m-20261129"]) == ["m-20261129", "m-20261130.gz", "m"])
        // Those of a Maildir are no logs.
        #expect(LogRotation("1700000000.M1P2.host:2,S").rank == 0)
    }

    @Test("somebody else's mail is no evidence")
    func others() { #expect(findings("Message-ID: <other@x.example>\n\n").isEmpty) }
}
