import Mail
import Queue

extension CampaignFile {
    /// Attached files up to this size are stored in the queue; larger ones are found by path and held to their hash.
    static let largestStored = 20_000_000

    /// What the campaign sends, read from its folder, and the attached files to be stored with it.
    /// - Throws: `Failure` (65 for text that is not UTF-8, 66 for a missing file, 78 without a sender).
    func content(account: AccountSettings?) throws -> (content: CampaignContent, attachments: [StoredAttachment]) {
        guard let from = from ?? account?.from else {
            throw Failure(
                .configuration, tr("The campaign \"{0}\" has no sender.", name),
                next: tr("Write from = \"Name <you@example.com>\" in campaign.toml, or in the account."))
        }
        var content = CampaignContent(from: from, replyTo: replyTo, subject: subject)
        content.text = try text.map(Self.text)
        content.html = try html.map(Self.text)
        content.markdown = try markdown.map(Self.text)
        content.sourceNames = CampaignContent.SourceNames(
            text: text.map(FilePath.name), html: html.map(FilePath.name), markdown: markdown.map(FilePath.name))
        content.headers = Dictionary(headers.map { ($0.name, $0.value) }) { first, _ in first }
        content.unsubscribe = unsubscribe.map { CampaignContent.Unsubscribe(url: $0.url, mailto: $0.mailto) }
        content.attachments = attachments
        var stored: [StoredAttachment] = []
        for name in attachments where !name.contains("{{") {
            let bytes = try FilePath.read(FilePath.resolved(name, in: folder))
            let hash = try Digest.sha256(bytes)
            content.attachmentHashes[name] = hash
            if bytes.count <= Self.largestStored { stored.append(StoredAttachment(hash: hash, bytes: bytes)) }
        }
        return (content, stored)
    }

    /// The campaign as the queue stores it.
    /// - Throws: as `content`, and `ContentError` with every fault of the message.
    func draft(account: AccountSettings, columns: [String]) throws -> CampaignDraft {
        let (content, stored) = try content(account: account)
        // Every placeholder is looked at before anything is stored.
        _ = try FrozenMessage.plan(content, columns: columns, folder: folder) { hash in
            stored.first { $0.hash == hash }?.bytes
        }
        return CampaignDraft(
            name: name, account: account.name, folder: folder, columns: columns, content: try content.encoded(),
            contentHash: try content.hash, limits: limits.map(Limit.init), schedule: schedule,
            attachments: stored)
    }

    private static func text(of path: String) throws -> String {
        let bytes = try FilePath.read(path)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.badData, tr("{0} is not UTF-8 text.", path), next: tr("Save it as UTF-8 and try again."))
        }
        return text.utf8.starts(with: [0xEF, 0xBB, 0xBF]) ? String(text.unicodeScalars.dropFirst()) : text
    }
}
