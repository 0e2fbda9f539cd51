import Clock
import Queue

/// campaign.toml, read and checked; the files it names are looked for, not read.
struct CampaignFile: Sendable {
    struct Unsubscribe: Sendable, Equatable {
        var url: String?
        var mailto: String?
    }

    /// The folder, absolute.
    let folder: String
    let name: String
    let account: String?
    let from: String?
    let replyTo: String?
    let subject: String
    /// Paths, absolute.
    let recipients: String
    let text: String?
    let html: String?
    let markdown: String?
    /// As written: relative to the folder, perhaps with placeholders.
    let attachments: [String]
    let unsubscribe: Unsubscribe?
    /// Not before its hour, not outside its window.
    let schedule: Schedule
    /// The campaign's own caps, beside those of config.toml.
    let limits: [LimitSettings]
    /// In order of name.
    let headers: [(name: String, value: String)]
    private let file: TOMLFile

    /// Not before this.
    var startAt: Timestamp? { schedule.at }

    static let fileName = "campaign.toml"
    static let keys = [
        "name", "account", "from", "reply_to", "subject", "recipients", "text", "html", "markdown", "attachments",
        "unsubscribe", "schedule", "limit", "headers",
    ]

    static func isCampaign(_ folder: String) -> Bool { FilePath.exists(folder + "/" + fileName) }

    /// - Throws: `Failure`: 66 when the folder or a file it names is missing, 78 for a fault in campaign.toml.
    init(folder given: String) throws {
        let folder = FilePath.absolute(given)
        guard FilePath.isFolder(folder) else {
            throw Failure(
                .notFound, tr("There is no folder {0}.", given),
                next: tr("To write one to start from, type: outpost new {0}", ShellWords.quoted(given)))
        }
        guard Self.isCampaign(folder) else {
            throw Failure(
                .notFound, tr("There is no {0} in {1}.", Self.fileName, given),
                next: tr("To write a sample, type: outpost new {0}", ShellWords.quoted(given)))
        }
        try self.init(TOMLFile(reading: folder + "/" + Self.fileName), folder: folder)
    }

    /// - Throws: `Failure` as above.
    init(_ file: TOMLFile, folder: String) throws {
        self.file = file
        self.folder = folder
        let root = file.section
        try root.allow(
            Self.keys,
            notes: ["to": tr("the people are in the file that \"recipients\" names")])
        let name = try root.line(text: "name") ?? FilePath.name(folder)
        guard name.utf8.count <= 100, !name.contains("/"), !name.hasPrefix("-"), name != ".", name != ".." else {
            throw root.fault("name", tr("\"{0}\" cannot name a campaign", name))
        }
        self.name = name
        account = try root.line(text: "account")
        from = try root.mailbox("from")
        replyTo = try root.mailbox("reply_to")
        subject = try root.required("subject")
        recipients = FilePath.resolved(try root.line(text: "recipients") ?? "people.csv", in: folder)
        text = try root.line(text: "text").map { FilePath.resolved($0, in: folder) }
        html = try root.line(text: "html").map { FilePath.resolved($0, in: folder) }
        markdown = try root.line(text: "markdown").map { FilePath.resolved($0, in: folder) }
        if text == nil, html == nil, markdown == nil {
            throw Failure(
                .configuration, tr("{0}: there is no message.", file.path),
                next: tr("Write text = \"message.txt\", html = \"message.html\" or markdown = \"message.md\"."))
        }
        if markdown != nil, html != nil {
            throw root.fault("html", tr("goes with text, not with markdown, which makes its own HTML"))
        }
        attachments = try root.strings("attachments") ?? []
        if let section = try root.section("unsubscribe") {
            try section.allow(["url", "mailto"])
            let link = Unsubscribe(url: try section.line(text: "url"), mailto: try section.line(text: "mailto"))
            if link.url == nil, link.mailto == nil { throw root.fault("unsubscribe", tr("needs url or mailto")) }
            unsubscribe = link
        } else {
            unsubscribe = nil
        }
        schedule = try Self.schedule(root)
        limits = try root.sections("limit").map { try LimitSettings($0, scope: .campaign) }
        var headers: [(name: String, value: String)] = []
        if let section = try root.section("headers") {
            for key in section.values.keys.sorted() {
                guard let value = try section.line(text: key) else { continue }
                headers.append((key, value))
            }
        }
        self.headers = headers
        try requireFiles(root)
    }

    /// What campaign.toml says is looser than what already holds.
    /// - Throws: `Failure` (78).
    func requireTighter(than standing: [LimitSettings]) throws {
        for (index, limit) in limits.enumerated() {
            guard let other = standing.first(where: { limit.isLooser(than: $0) }) else { continue }
            let section = TOMLSection(file: file, path: ["limit", String(index)], values: [:])
            throw section.fault(
                "count",
                tr(
                    "{0} is looser than the cap {1} that already holds; a campaign may only tighten", limit.text,
                    other.text))
        }
    }

    /// A fault of one of its keys.
    func fault(_ key: String, _ what: String, next: String?) -> Failure {
        file.section.fault(key, what, next: next)
    }

    private func requireFiles(_ root: TOMLSection) throws {
        for (key, path) in [("recipients", recipients), ("text", text), ("html", html), ("markdown", markdown)] {
            guard let path else { continue }
            let next: String? = key == "recipients" ? tr("It is a CSV file with a column named email.") : nil
            if FilePath.isFolder(path) || !FilePath.exists(path) {
                var failure = root.fault(key, tr("there is no file {0}", path), next: next)
                if !root.has(key) { failure.what = "\(file.path): \(key): " + tr("there is no file {0}", path) }
                failure.status = .notFound
                throw failure
            }
        }
        for name in attachments where !name.contains("{{") {
            let path = FilePath.resolved(name, in: folder)
            if FilePath.isFolder(path) || !FilePath.exists(path) {
                var failure = root.fault("attachments", tr("there is no file {0}", path))
                failure.status = .notFound
                throw failure
            }
        }
    }

    private static func schedule(_ root: TOMLSection) throws -> Schedule {
        guard let section = try root.section("schedule") else { return Schedule() }
        let window = try WindowSettings.window(section, others: ["at"])
        return Schedule(at: try start(section), window: window)
    }

    private static func start(_ section: TOMLSection) throws -> Timestamp? {
        guard let node = section.values["at"] else { return nil }
        let written: String
        switch node {
        case .string(let text), .time(let text): written = text
        default: throw section.fault("at", tr("must be a time such as \"2026-01-02T09:00:00Z\""))
        }
        guard let time = Timestamp(iso8601: written) else {
            throw section.fault(
                "at", tr("\"{0}\" is no time", written), next: tr("Write UTC in quotes: \"2026-01-02T09:00:00Z\"."))
        }
        return time
    }
}
