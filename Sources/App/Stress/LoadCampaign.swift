import Clock
import Mail
import Queue

/// A campaign of made-up people, straight into a queue: what stress and drill send.
struct LoadCampaign: Sendable {
    let name: String
    /// The name of the account it goes over.
    let account: String
    /// Bytes of one message on the wire, nearly.
    let size: Int

    static let columns = ["email", "name"]
    private static let from = "Outpost <load@load.example>"

    /// The address of person `number` (from 0).
    static func email(_ number: Int) -> String { "p\(number)@load.example" }

    /// The number in an address of ours; nil in any other.
    static func number(in address: some Collection<UInt8>) -> Int? {
        var number = 0
        var digits = 0
        var index = address.startIndex
        guard index < address.endIndex, address[index] == UInt8(ascii: "p") else { return nil }
        address.formIndex(after: &index)
        while index < address.endIndex, digits < 15, address[index] >= 48, address[index] <= 57 {
            number = number * 10 + Int(address[index] - 48)
            digits += 1
            address.formIndex(after: &index)
        }
        return digits > 0 && address[index...].elementsEqual("@load.example".utf8) ? number : nil
    }

    /// Stores the campaign; people are added by `add`.
    func create(in queue: Queue) throws -> Campaign {
        let bare = try rendered(filler: 0)
        let content = Self.content(filler: max(0, size - bare))
        return try queue.create(
            CampaignDraft(
                name: name, account: account, columns: Self.columns, content: try content.encoded(),
                contentHash: try content.hash))
    }

    /// Adds people, numbered `range`.
    static func add(_ range: Range<Int>, to campaign: Campaign, in queue: Queue) throws {
        let importer = try queue.importer(for: campaign.id)
        for number in range {
            let email = email(number)
            try importer.add(
                ImportRow(
                    email: email, key: email, domain: "load.example", fields: "\(email)\u{1F}Person \(number)",
                    line: number + 2))
        }
        _ = try importer.finish()
    }

    /// Bytes of a message with so much filler.
    private func rendered(filler: Int) throws -> Int {
        let plan = try MessagePlan(Self.content(filler: filler), columns: Self.columns)
        let email = Self.email(0)
        return try plan.render(
            RenderInput(
                email: email, fields: "\(email)\u{1F}Person 0", messageID: "<0@load.example>",
                date: Timestamp(microseconds: 0))
        ).size
    }

    private static func content(filler: Int) -> CampaignContent {
        var content = CampaignContent(from: from, subject: "Hello {{name}}")
        let line = "This line is one of many, so that the message has the size that was asked for.\n"
        var text = "Hello {{name}},\n\n"
        text.reserveCapacity(filler + 100)
        // CR LF on the wire is a byte more a line.
        for _ in 0..<(filler / (line.utf8.count + 1)) { text += line }
        content.text = text + "Goodbye.\n"
        return content
    }
}
