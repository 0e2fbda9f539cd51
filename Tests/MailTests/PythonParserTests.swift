import Clock
import Foundation
import Testing

@testable import Mail

/// What another implementation reads in our messages.
@Suite("Read by another parser")
struct PythonParserTests {
    private static let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    private static let script = """
        import email, email.policy, json, sys
        m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
        defects = [repr(d) for p in m.walk() for d in p.defects]
        print(json.dumps({"subject": m["subject"], "from": m["from"].addresses[0].display_name, "to": str(m["to"]),
            "text": m.get_body(("plain",)).get_content().replace("\\r", ""),
            "html": m.get_body(("html",)).get_content().replace("\\r", ""),
            "files": [a.get_filename() for a in m.iter_attachments()],
            "types": [p.get_content_type() for p in m.walk()], "defects": defects}))
        """

    private struct Reading: Decodable {
        let subject: String, from: String, to: String, text: String, html: String
        let files: [String], types: [String], defects: [String]
    }

    private func read(_ message: [UInt8], with python: String) throws -> Reading {
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = ["-c", Self.script]
        let stdin = Pipe()
        let stdout = Pipe()
        process.standardInput = stdin
        process.standardOutput = stdout
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: Data(message))
        try stdin.fileHandleForWriting.close()
        let output = try #require(try stdout.fileHandleForReading.readToEnd())
        process.waitUntilExit()
        return try JSONDecoder().decode(Reading.self, from: output)
    }

    @Test(
        "subject, names, both texts and file names are what was meant, without defects",
        .enabled(if: python != nil), arguments: ["Ann Lee", "王小明", "Jürgen \"J\" Müller & Söhne", "x=_y ..."])
    func readBack(name: String) throws {
        let given = CampaignContent(
            from: "\"Łódź, Shop\" <shop@example.com>",
            subject: "{{name}}: Neues für dich, 您好, und noch etwas mehr dazu",
            text: "Hello {{name}},\n.\n  two = blanks  \n\n{{name}}\n", html: "<p>您好 {{name}}</p>\n",
            attachments: ["价格表 2026.pdf", "plain.txt"])
        let plan = try MessagePlan(given, columns: ["email", "name"]) { AttachmentBytes(Array($0.utf8)) }
        let message = try plan.render(
            RenderInput(
                email: "a@x.com", fields: "a@x.com\u{1F}\(name)", messageID: "<1@example.com>",
                date: Timestamp(seconds: 1_767_323_045)))
        let found = try read(message.unstuffed, with: try #require(Self.python))
        #expect(found.defects == [])
        #expect(found.subject == "\(name): Neues für dich, 您好, und noch etwas mehr dazu")
        #expect(found.from == "Łódź, Shop" || found.from == "Łódź")
        #expect(found.to == "a@x.com")
        #expect(found.text == "Hello \(name),\n.\n  two = blanks  \n\n\(name)\n")
        let escaped = name.replacing("&", with: "&amp;").replacing("\"", with: "&quot;")
        #expect(found.html == "<p>您好 \(escaped)</p>\n")
        #expect(found.files == ["价格表 2026.pdf", "plain.txt"])
        #expect(
            found.types == [
                "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf", "text/plain",
            ])
    }
}
