import Mail
import Queue

/// A campaign's message as it was frozen, compiled.
enum FrozenMessage {
    /// The plan of a campaign in the queue: the same bytes for whoever sends it, wherever its folder is now.
    /// - Throws: `ContentError`, or `Failure` (65) for a content this version cannot read.
    static func plan(_ campaign: Campaign, in queue: Queue) throws -> MessagePlan {
        let content: CampaignContent
        do {
            content = try CampaignContent(decoding: campaign.content)
        } catch {
            throw Failure(
                .badData, tr("The stored message of \"{0}\" cannot be read: {1}", campaign.name, told("\(error)")))
        }
        return try plan(
            content, columns: campaign.columns, folder: campaign.folder, campaign: campaign.name
        ) { hash in try queue.attachment(hash: hash) }
    }

    /// - Parameters:
    ///   - campaign: its name, when it is in the queue: then files chosen by a recipient's fields are held to their hash.
    ///   - stored: the bytes kept under a hash; nil where they are to be read from the folder.
    static func plan(
        _ content: CampaignContent, columns: [String], folder: String, campaign: String? = nil,
        stored: @escaping @Sendable (String) throws -> [UInt8]?
    ) throws -> MessagePlan {
        let hashes = content.attachmentHashes
        return try MessagePlan(content, columns: columns) { name in
            if let hash = hashes[name] {
                if let bytes = try stored(hash) { return AttachmentBytes(bytes) }
                return try held(name, in: folder, to: hash)
            }
            guard let campaign, let kept = try stored(ChosenFiles.key(campaign: campaign, file: name)) else {
                return AttachmentBytes(try FilePath.read(FilePath.resolved(name, in: folder)))
            }
            return try held(name, in: folder, to: String(decoding: kept, as: UTF8.self))
        }
    }

    private static func held(_ name: String, in folder: String, to hash: String) throws -> AttachmentBytes {
        let bytes = try FilePath.read(FilePath.resolved(name, in: folder))
        guard try Digest.sha256(bytes) == hash else {
            throw Failure(
                .badData, tr("{0} has changed since the campaign was imported.", name),
                next: tr(
                    "Put the former file back, or type: outpost send {0} --accept-changes", ShellWords.quoted(folder)))
        }
        return AttachmentBytes(bytes)
    }
}
