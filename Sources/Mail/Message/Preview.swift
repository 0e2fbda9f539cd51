/// A message as its reader sees it: decoded, for showing.
public struct Preview: Sendable, Hashable, CustomStringConvertible {
    public let from: String
    public let to: String
    public let replyTo: String?
    public let subject: String
    /// Further headers, name and value.
    public let headers: [String]
    /// The plain text part; nil when the message has none.
    public let text: String?
    public let html: String?
    /// File names and sizes in bytes.
    public let attachments: [Attachment]

    public struct Attachment: Sendable, Hashable {
        public let name: String
        public let size: Int
    }

    /// Header lines, an empty line and the text (the HTML source when there is no text).
    public var description: String {
        var lines = ["From: \(from)", "To: \(to)"]
        if let replyTo { lines.append("Reply-To: \(replyTo)") }
        lines.append("Subject: \(subject)")
        lines += headers
        lines += attachments.map { "Attachment: \($0.name) (\($0.size) bytes)" }
        return lines.joined(separator: "\n") + "\n\n" + (text ?? html ?? "")
    }
}

extension MessagePlan {
    /// One recipient's message in readable form.
    /// - Throws: `RenderError`.
    public func preview(_ input: RenderInput) throws -> Preview {
        let to = try MessagePlan.recipient(input.email)
        var fields = input.fields
        return try fields.withUTF8 { bytes in
            let row = try self.row(bytes)
            let values = FieldValues(uses, row: row)
            func shown(_ mailbox: Mailbox) -> String {
                mailbox.displayName.map { "\($0) <\(mailbox.address)>" } ?? mailbox.address
            }
            func line(_ program: TextProgram) -> String {
                String(decoding: HeaderLine.cleaned(program.bytes(values, row)), as: UTF8.self)
            }
            var files: [Preview.Attachment] = []
            for attachment in attachments {
                let (name, size) = try attachment.description(values, row)
                files.append(Preview.Attachment(name: name, size: size))
            }
            return Preview(
                from: shown(from), to: shown(to), replyTo: replyTo.map(shown), subject: line(subject),
                headers: headers.map { "\($0.name): \(line($0.value))" }, text: text?.text(values, row),
                html: html?.text(values, row), attachments: files)
        }
    }
}
