import Mail
import Queue

/// The files that single recipients get (`attachments = ["{{number}}.pdf"]`): what each is like when its row is imported
/// is written down as its hash, so that a missing one is a bad row and a changed one is noticed, not sent.
struct ChosenFiles {
    /// Files written down in one commit.
    private static let batch = 20_000

    private let plan: MessagePlan
    private let campaign: String
    private let folder: String
    private let accept: () -> Bool
    private var accepted: Bool?
    private var seen: Set<String> = []
    private var notes: [StoredAttachment] = []

    /// - Parameter accept: asked once, when a file changed after sending began.
    init(_ content: CampaignContent, columns: [String], campaign: String, folder: String, accept: @escaping () -> Bool)
        throws
    {
        plan = try FrozenMessage.plan(content, columns: columns, folder: folder) { _ in nil }
        self.campaign = campaign
        self.folder = folder
        self.accept = accept
    }

    /// Under what a file's hash is kept in the queue.
    static func key(campaign: String, file: String) -> String { "file\u{1F}\(campaign)\u{1F}\(file)" }

    /// Why a row's recipient cannot get his files; nil when they are there.
    func fault(_ row: ImportRow) -> String? {
        do {
            for name in try plan.chosenAttachments(fields: row.fields) where !seen.contains(name) {
                let path = FilePath.resolved(name, in: folder)
                guard FilePath.size(path) != nil, !FilePath.isFolder(path) else {
                    return "there is no file \(path)"
                }
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// Writes down what the files of a row are like.
    /// - Throws: `Failure` (65) for a file that changed after sending began, when that is not accepted.
    mutating func note(_ row: ImportRow, in queue: Queue, started: Bool) throws {
        for name in try plan.chosenAttachments(fields: row.fields) where seen.insert(name).inserted {
            let hash = Array(try Digest.sha256(try FilePath.read(FilePath.resolved(name, in: folder))).utf8)
            let key = Self.key(campaign: campaign, file: name)
            let before = try queue.attachment(hash: key)
            if before == hash { continue }
            if before != nil, started {
                let yes = accepted ?? accept()
                accepted = yes
                guard yes else {
                    throw Failure(
                        .badData, tr("{0} has changed since the campaign was imported.", name),
                        next: tr(
                            "Put the former file back, or type: outpost send {0} --accept-changes",
                            ShellWords.quoted(folder)))
                }
            }
            notes.append(StoredAttachment(hash: key, bytes: hash))
            if notes.count >= Self.batch { try flush(queue) }
        }
    }

    mutating func flush(_ queue: Queue) throws {
        guard !notes.isEmpty else { return }
        try queue.keep(notes)
        notes.removeAll(keepingCapacity: true)
    }
}
