/// A campaign's content compiled for one set of columns. Rendering is pure, from any thread, and costs little more than
/// copying the message.
public struct MessagePlan: Sendable {
    let columnCount: Int
    let from: Mailbox
    let replyTo: Mailbox?
    let subject: TextProgram
    let headers: [(name: String, value: TextProgram)]
    let unsubscribe: UnsubscribeProgram?
    let text: PartProgram?
    let html: PartProgram?
    let attachments: [AttachmentProgram]
    /// Whether subject, text or HTML hold any placeholder: then two rows that come out alike are worth a warning.
    public let isPersonal: Bool
    /// Each field in each form that any part needs.
    let uses: [FieldUse]
    /// The From and Reply-To lines, the same for everybody.
    let head: [UInt8]
    /// The sender's address for MAIL FROM.
    public let envelopeFrom: String
    private let seed: UInt64
    private let sizeHint: Int

    /// Compiles the content.
    /// - Parameter columns: the names of the columns, in the order of `RenderInput.fields`.
    /// - Parameter attachments: finds the attached files; called here for those that are the same for everybody.
    /// - Throws: `ContentError` with every fault of the content at once.
    public init(
        _ content: CampaignContent, columns: [String],
        attachments loader: @escaping AttachmentLoader = { name in throw NoAttachments(name: name) }
    ) throws {
        var faults: [ContentFault] = []
        var slots: [FieldUse] = []
        let names = ColumnNames(columns)
        let from = MessagePlan.mailbox(content.from, part: "from", faults: &faults)
        replyTo = content.replyTo.flatMap { MessagePlan.mailbox($0, part: "reply_to", faults: &faults) }
        let subjectTemplate = Template(
            content.subject, part: "subject", form: .plain, columns: names, faults: &faults)
        if content.subject.allSatisfy(\.isWhitespace) {
            faults.append(ContentFault("subject", "it is empty; give the message one"))
        }
        subject = TextProgram(subjectTemplate, part: "subject", slots: &slots, faults: &faults)
        let templates = BodyTemplates(content, columns: names, faults: &faults)
        isPersonal =
            subjectTemplate.hasFields || templates.text?.hasFields == true || templates.html?.hasFields == true
        text = templates.text.map {
            PartProgram($0, part: templates.textName, subtype: "plain", slots: &slots, faults: &faults)
        }
        html = templates.html.map {
            PartProgram($0, part: templates.htmlName, subtype: "html", slots: &slots, faults: &faults)
        }
        headers = MessagePlan.headers(content.headers, columns: names, slots: &slots, faults: &faults)
        unsubscribe = content.unsubscribe.flatMap {
            UnsubscribeProgram($0, columns: names, slots: &slots, faults: &faults)
        }
        self.attachments = content.attachments.map {
            AttachmentProgram($0, columns: names, loader: loader, slots: &slots, faults: &faults)
        }
        guard faults.isEmpty, let from else { throw ContentError(faults: faults) }
        self.from = from
        envelopeFrom = from.envelopeAddress
        columnCount = columns.count
        uses = slots
        var head = ByteWriter(capacity: 256)
        HeaderLine.writeMailbox("From", from, to: &head)
        if let replyTo { HeaderLine.writeMailbox("Reply-To", replyTo, to: &head) }
        self.head = head.array()
        var mixer = Mixer(seed: 0)
        mixer.add(content.subject)
        mixer.add(content.text ?? "")
        mixer.add(content.html ?? "")
        mixer.add(content.markdown ?? "")
        seed = mixer.value
        let bodies = [content.text, content.html, content.markdown, content.markdown].compactMap { $0?.utf8.count }
        sizeHint = 2048 + bodies.reduce(0, +) * 3 / 2 + self.attachments.reduce(0) { $0 + $1.size + 128 }
    }

    /// Bytes of a message that are the same for everybody and known before anything is sent: attachments, encoded.
    public var attachmentSize: Int { attachments.reduce(0) { $0 + $1.size } }

    /// Makes one recipient's message.
    /// - Throws: `RenderError`.
    public func render(_ input: RenderInput) throws -> RenderedMessage {
        let to = try MessagePlan.recipient(input.email)
        var fields = input.fields
        return try fields.withUTF8 { bytes in
            let row = try self.row(bytes)
            var values = FieldValues(uses, row: row)
            var mixer = Mixer(seed: seed)
            var writer = ByteWriter(capacity: sizeHint)
            try writeHeaders(input, to: to, values, row, &mixer, &writer)
            try writeBody(Boundary(input.messageID), &values, row, &mixer, &writer)
            writer.put(".\r\n")
            let unicode = to.needsSMTPUTF8 || from.needsSMTPUTF8 || replyTo?.needsSMTPUTF8 == true
            return RenderedMessage(
                wire: writer.array(), envelopeFrom: envelopeFrom, envelopeTo: to.envelopeAddress,
                size: writer.count - 3, needs8BitMIME: unicode, needsSMTPUTF8: unicode, hash: mixer.value)
        }
    }

    /// The names of the files that one recipient's fields choose; those that are the same for everybody are left out.
    /// - Throws: `RenderError`.
    public func chosenAttachments(fields: String) throws -> [String] {
        var fields = fields
        return try fields.withUTF8 { bytes in
            let row = try self.row(bytes)
            let values = FieldValues(uses, row: row)
            return try attachments.compactMap { try $0.chosenName(values, row) }
        }
    }

    static func recipient(_ email: String) throws(RenderError) -> Mailbox {
        do {
            return try Mailbox(parsing: email)
        } catch {
            throw RenderError.address(email, error)
        }
    }

    func row(_ bytes: UnsafeBufferPointer<UInt8>) throws(RenderError) -> FieldRow {
        let row = FieldRow(bytes, columns: columnCount)
        guard row.ranges.count == columnCount else {
            throw RenderError.fields(found: row.ranges.count, wanted: columnCount)
        }
        return row
    }

    private static func mailbox(_ text: String, part: String, faults: inout [ContentFault]) -> Mailbox? {
        if text.contains("{{") {
            faults.append(ContentFault(part, "a placeholder is not allowed here; everybody gets the same sender"))
            return nil
        }
        do {
            return try Mailbox(parsing: text)
        } catch {
            faults.append(ContentFault(part, "\"\(text)\": \(error); write it as Name <name@example.com>"))
            return nil
        }
    }
}
