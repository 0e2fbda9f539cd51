import Clock
import IMAP

/// Looks into the account's own mailbox: for the messages themselves in the folder of sent mail, and for delivery
/// reports about them in the inbox (RFC 3464).
///
/// It needs one connection, a search a message (or a few for all of them), and memory for what is looked for. That
/// something is not found proves nothing: many providers keep no copy of what comes by SMTP.
struct MailboxEvidence {
    /// The most of what is gone through, newest first: messages by their headers, and reports.
    static let mostHeaders = 5_000
    private static let mostReports = 1_000
    /// Of a report, in bytes: what it says of the message stands at its beginning.
    private static let reportLength = 131_072
    /// So many at once are looked for before what was found is stored.
    static let batch = 500

    /// One message that is looked for.
    struct Wanted {
        var messageID: String
        var since: Timestamp
    }

    private let mailbox: IMAPMailbox
    private let inbox: IMAPFolder
    /// The folder of sent mail; nil when there is none to be known.
    let sent: IMAPFolder?
    /// Whether the server finds a message by its Message-ID; nil before it was tried.
    private var searchWorks: Bool?
    /// What a person should know of how it was done.
    private(set) var notes: [String] = []

    /// - Parameter configured: the folder of sent mail that config.toml names.
    /// - Throws: `IMAPError`; `Failure` (78) when the folder named is not there.
    init(_ mailbox: IMAPMailbox, sent configured: String?) throws {
        self.mailbox = mailbox
        let folders = try mailbox.folders()
        inbox =
            folders.first { $0.name.uppercased() == "INBOX" } ?? IMAPFolder(name: "INBOX", wire: Array("INBOX".utf8))
        sent = SentFolder.choose(folders, configured: configured)
        if let configured, sent == nil {
            throw Failure(
                .configuration,
                tr("The mailbox at {0} has no folder \"{1}\".", mailbox.server.host, configured),
                next: tr("It has: {0}.", folders.prefix(30).map(\.name).joined(separator: ", ")))
        }
        if sent == nil {
            say(
                tr(
                    "The mailbox at {0} shows no folder of sent mail: only the inbox was looked at.",
                    mailbox.server.host))
        }
    }

    private mutating func say(_ note: String) { if !notes.contains(note) { notes.append(note) } }

    /// Adds to `evidence` what the mailbox knows of these messages.
    /// - Throws: `IMAPError`.
    mutating func look(for wanted: [Wanted], _ evidence: inout Evidence) throws {
        guard let since = wanted.map(\.since).min() else { return }
        if let sent { try lookThrough(sent, wanted.map(\.messageID), since, &evidence) }
        try readReports(since, &evidence)
    }

    // MARK: Sent mail

    private mutating func lookThrough(
        _ folder: IMAPFolder, _ ids: [String], _ since: Timestamp, _ evidence: inout Evidence
    ) throws {
        let host = mailbox.server.host
        let total = try mailbox.open(folder)
        guard total > 0 else { return }
        // Where few came since, their headers are fetched at once: 200 take as long as ten searches, and less of the server.
        if let recent = try mailbox.search(.since(since)), recent.count <= min(Self.mostHeaders, ids.count * 20) {
            try mailbox.fetch(recent, .field("MESSAGE-ID")) { message in
                if let id = Self.id(message) { evidence.accept(id, source: Self.origin(host, folder, message)) }
            }
        } else if try searches(total) {
            for id in ids {
                guard let key = IMAPMailbox.SearchKey.header("Message-ID", id), let uids = try mailbox.search(key)
                else { continue }
                // What a search finds is a hint; the header decides.
                try mailbox.fetch(uids.suffix(20), .field("MESSAGE-ID")) { message in
                    if Self.id(message) == id { evidence.accept(id, source: Self.origin(host, folder, message)) }
                }
            }
        } else {
            try walk(since, total, folder, .field("MESSAGE-ID")) { message in
                if let id = Self.id(message) { evidence.accept(id, source: Self.origin(host, folder, message)) }
            }
        }
    }

    /// Asks for a message that is known to be there: some servers search headers not at all, or not for this.
    private mutating func searches(_ total: Int) throws -> Bool {
        if let searchWorks { return searchWorks }
        var works = false
        for message in try mailbox.newest(5, of: total, .field("MESSAGE-ID")) {
            guard let id = Self.id(message), let key = IMAPMailbox.SearchKey.header("Message-ID", id) else { continue }
            let found = try mailbox.search(key) ?? []
            works = found.contains(message.uid) && found.count <= 20
            break
        }
        searchWorks = works
        return works
    }

    /// Goes through the headers of what came since a day.
    private mutating func walk(
        _ since: Timestamp, _ total: Int, _ folder: IMAPFolder, _ part: IMAPMailbox.Part,
        also key: IMAPMailbox.SearchKey? = nil, _ each: (IMAPMessage) throws -> Void
    ) throws {
        let most = Self.mostHeaders
        guard var uids = try mailbox.search(.since(since)) else {
            if total > most { sayCut(folder) }
            return try mailbox.newest(most, of: total, part).forEach(each)
        }
        if uids.count > most, let key, let fewer = try mailbox.search(.since(since) & key) { uids = fewer }
        if uids.count > most { sayCut(folder) }
        try mailbox.fetch(uids.suffix(most), part, each)
    }

    private mutating func sayCut(_ folder: IMAPFolder) {
        say(tr("Of folder {0} only the newest {1} messages were looked at.", folder.name, "\(Self.mostHeaders)"))
    }

    // MARK: Reports

    private mutating func readReports(_ since: Timestamp, _ evidence: inout Evidence) throws {
        let (host, inbox) = (mailbox.server.host, inbox)
        let total = try mailbox.open(inbox)
        guard total > 0 else { return }
        var reports: [UInt32] = []
        let key = IMAPMailbox.SearchKey.header("Content-Type", "multipart/report")
        try walk(since, total, inbox, .field("CONTENT-TYPE"), also: key) { message in
            let type = String(decoding: message.part, as: UTF8.self).lowercased()
            if type.contains("multipart/report") { reports.append(message.uid) }
        }
        if reports.count > Self.mostReports {
            say(tr("Only the newest {0} delivery reports were read.", "\(Self.mostReports)"))
        }
        try mailbox.fetch(reports.suffix(Self.mostReports), .beginning(Self.reportLength)) { message in
            evidence.begin(Self.origin(host, inbox, message))
            for line in message.part.split(separator: 10, omittingEmptySubsequences: false) {
                evidence.read(String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self))
            }
        }
    }

    // MARK: Words

    /// The Message-ID in a fetched header field, which may be folded.
    private static func id(_ message: IMAPMessage) -> String? {
        guard let open = message.part.firstIndex(of: UInt8(ascii: "<")),
            let close = message.part[open...].firstIndex(of: UInt8(ascii: ">"))
        else { return nil }
        return String(decoding: message.part[open...close], as: UTF8.self)
    }

    /// `imap.qq.com/Sent Messages, UID 12, 30-Nov-2026 08:00:00 +0000`
    private static func origin(_ host: String, _ folder: IMAPFolder, _ message: IMAPMessage) -> String {
        OutsideText.plain("\(host)/\(folder.name), UID \(message.uid), \(message.date.trimmingSpaces)")
    }
}

/// Which folder holds what was sent.
enum SentFolder {
    private static let names: Set<String> = [
        "sent", "sent messages", "sent items", "sent mail", "sent-mail", "已发送", "已发送邮件", "已发邮件", "已傳送", "寄件備份",
        "已发送信件", "发件箱", "gesendet", "envoyés",
    ]

    /// The configured one; else the one that says so of itself (RFC 6154); else one of a usual name.
    static func choose(_ folders: [IMAPFolder], configured: String?) -> IMAPFolder? {
        if let configured { return folders.first { $0.name.lowercased() == configured.lowercased() } }
        return folders.first { $0.attributes.contains("\\sent") }
            ?? folders.first { names.contains($0.leaf.lowercased()) }
    }
}
