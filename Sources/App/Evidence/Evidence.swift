/// What a server's log, a mailbox or a delivery report says about messages whose hand-over was cut off, found by their
/// Message-IDs. It reads line by line and remembers only what it looks for.
///
/// It understands Postfix's and Exim's logs, the log of `outpost postoffice`, messages and mboxes (a Sent folder, or a
/// recipient's own mailbox), and delivery reports (RFC 3464).
struct Evidence {
    /// What is known of one message.
    enum Finding: Equatable {
        /// A server took it; the text is where that stands.
        case accepted(String)
        /// A report says that it failed for good, with its status.
        case failed(String, status: String)
    }

    /// By Message-ID, angle brackets included.
    private(set) var findings: [String: Finding] = [:]
    private let wanted: Set<String>
    /// Message-IDs by the names under which a server's queue has them. A name outlives the file it was read in, since logs are
    /// rotated between a message's arrival and its bounce.
    private var queued: [String: String] = [:]
    private var message = MessageState()
    private var source = ""
    private var line = 0
    private var isNumbered = false

    private struct MessageState {
        var inHeader = true
        var field = ""
        var isReport = false
        var action = ""
        var status = ""
    }

    init(messageIDs: Set<String>) { wanted = messageIDs }

    /// A file or a message begins: no message goes on from what came before.
    /// - Parameters:
    ///   - source: names it for people.
    ///   - isNumbered: findings name the line too.
    mutating func begin(_ source: String, isNumbered: Bool = false) {
        self.source = source
        self.isNumbered = isNumbered
        line = 0
        message = MessageState()
    }

    /// Takes in one line, without its line end.
    mutating func read(_ line: String) {
        self.line += 1
        readLog(line)
        if line.hasPrefix("From ") { message = MessageState() }
        if message.inHeader { readHeader(line) } else { readBody(line) }
    }

    /// A server has it: the message itself was found, at `source`.
    mutating func accept(_ id: String, source: String) {
        guard wanted.contains(id) else { return }
        note(id, .accepted(source))
    }

    private mutating func note(_ id: String, _ finding: Finding) {
        // A failure is the later news: what was accepted can bounce, never the other way round.
        if case .failed? = findings[id] { return }
        findings[id] = finding
    }

    private var here: String { isNumbered ? "\(source):\(line)" : source }

    // MARK: Logs

    private mutating func readLog(_ line: String) {
        if line.hasPrefix("{"), line.contains("\"event\":\"accepted\""), let id = known(in: line) {
            return note(id, .accepted(here))
        }
        if line.contains("message-id="), let name = Self.queueName(line) {
            // Names come again once their message has left: then it is another one's.
            queued[name] = known(in: line)
            return
        }
        // Exim: `<= sender … id=…` is written when the message has been taken over.
        if line.contains(" <= "), line.contains(" id="), let id = known(in: line, bare: true) {
            return note(id, .accepted(here))
        }
        guard !queued.isEmpty, let name = Self.queueName(line), let id = queued[name] else { return }
        if line.contains("queue active") || line.contains("status=sent") { note(id, .accepted(here)) }
        if line.contains("status=bounced") {
            let words = line.split(separator: "status=bounced").last.map(String.init) ?? ""
            note(id, .failed(here, status: words.trimmingSpaces))
        }
    }

    /// `4F2A1B: …` after the process's `]: ` in a syslog line.
    private static func queueName(_ line: String) -> String? {
        let parts = line.split(separator: "]: ", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let rest = parts[1]
        guard let colon = rest.firstIndex(of: ":") else { return nil }
        let name = rest[..<colon]
        return name.count >= 5 && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } ? String(name) : nil
    }

    // MARK: Messages

    private mutating func readHeader(_ line: String) {
        if line.isEmpty {
            message.inHeader = false
            return
        }
        if line.first != " ", line.first != "\t" {
            message.field = line.split(separator: ":", maxSplits: 1).first.map { $0.lowercased() } ?? ""
        }
        switch message.field {
        case "message-id": if let id = known(in: line) { note(id, .accepted(here)) }
        case "content-type": if line.lowercased().contains("multipart/report") { message.isReport = true }
        default: break
        }
    }

    private mutating func readBody(_ line: String) {
        guard message.isReport, let colon = line.firstIndex(of: ":") else { return }
        let value = line[line.index(after: colon)...].drop { $0 == " " }
        switch line[..<colon].lowercased() {
        case "action": message.action = value.lowercased()
        case "status": message.status = String(value.prefix(40))
        case "message-id", "original-envelope-id":
            guard let id = known(in: line) else { return }
            switch message.action {
            case "failed": note(id, .failed(here, status: message.status))
            case "delivered", "relayed", "expanded": note(id, .accepted(here))
            default: break
            }
        default: break
        }
    }

    /// The Message-ID in a line that is one of those looked for.
    private func known(in line: String, bare: Bool = false) -> String? {
        if bare {
            let words = line.split(separator: " ").filter { $0.hasPrefix("id=") }
            return words.map { "<\($0.dropFirst(3))>" }.first(where: wanted.contains)
        }
        var rest = Substring(line)
        while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
            let id = String(rest[open...close])
            if wanted.contains(id) { return id }
            rest = rest[rest.index(after: open)...]
        }
        return nil
    }
}
