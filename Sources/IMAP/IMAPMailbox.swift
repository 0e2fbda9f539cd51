import Clock

/// A folder as LIST tells it.
public struct IMAPFolder: Sendable, Equatable {
    /// For people, `已发送`.
    public var name: String
    /// As the server writes it, and wants it back.
    public var wire: [UInt8]
    /// `\sent`, `\noselect`, … in lower case (RFC 6154).
    public var attributes: Set<String>
    /// Between the names of a path; nil for none.
    public var separator: Character?

    public init(name: String, wire: [UInt8], attributes: Set<String> = [], separator: Character? = nil) {
        self.name = name
        self.wire = wire
        self.attributes = attributes
        self.separator = separator
    }

    /// The last part of its path.
    public var leaf: String { separator.flatMap { name.split(separator: $0).last.map(String.init) } ?? name }
}

/// A message as it is looked at here: which one, when it came, and a part of it.
public struct IMAPMessage: Sendable, Equatable {
    public var uid: UInt32
    /// When the server got it, in its own words: `30-Nov-2026 08:00:00 +0000`.
    public var date: String
    /// The part asked for.
    public var part: [UInt8]
}

/// A mailbox that is read and left as it is: folders are opened by EXAMINE, parts fetched by PEEK, so that nothing is
/// marked as seen. It blocks, and belongs to one thread.
public final class IMAPMailbox {
    public let server: IMAPServer
    private let connection: IMAPConnection
    private let capabilities: Set<String>

    /// Connects and logs in.
    /// - Throws: `IMAPError`.
    public init(_ server: IMAPServer, password: String?, clock: any WallClock = SystemClock()) throws {
        self.server = server
        connection = try IMAPConnection(server, password: password, clock: clock)
        var known: Set<String> = []
        try connection.run("CAPABILITY") { answer in
            guard answer.name == "CAPABILITY" else { return }
            known = Set(answer.values.compactMap { $0.string?.uppercased() })
        }
        capabilities = known
        // NetEase lets nobody open a folder who has not said who he is (RFC 2971).
        if known.contains("ID") { try? connection.run(#"ID ("name" "outpost" "vendor" "outpost")"#) }
    }

    /// Every folder that can be opened; of more than 10,000 the rest is passed over.
    public func folders() throws -> [IMAPFolder] {
        let asksForUse = capabilities.isSuperset(of: ["LIST-EXTENDED", "SPECIAL-USE"])
        var found: [IMAPFolder] = []
        try connection.run(#"LIST "" "*""# + (asksForUse ? " RETURN (SPECIAL-USE)" : "")) { answer in
            guard answer.name == "LIST", answer.values.count >= 4, found.count < 10_000,
                let wire = answer.values[3].bytes, !wire.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 })
            else { return }
            let attributes = Set(answer.values[1].items.compactMap { $0.string?.lowercased() })
            guard attributes.isDisjoint(with: ["\\noselect", "\\nonexistent"]) else { return }
            var separator: Character?
            if case .text(let bytes) = answer.values[2], bytes.count == 1 {
                separator = Character(Unicode.Scalar(bytes[0]))
            }
            found.append(
                IMAPFolder(
                    name: FolderName.decoded(wire), wire: wire, attributes: attributes, separator: separator))
        }
        return found
    }

    /// Opens a folder for reading; answers how many messages are in it.
    public func open(_ folder: IMAPFolder) throws -> Int {
        var count = 0
        try connection.run(Array("EXAMINE ".utf8) + Self.quoted(folder.wire)) { answer in
            if answer.name == "EXISTS", let number = answer.values.first?.string.flatMap(Int.init) { count = number }
        }
        return count
    }

    /// UIDs of the open folder that fit, in ascending order; nil when the server cannot search so.
    public func search(_ key: SearchKey) throws -> [UInt32]? {
        var found: [UInt32] = []
        do {
            try connection.run(Array("UID SEARCH ".utf8) + key.wire) { answer in
                guard answer.name == "SEARCH" else { return }
                found += answer.values.dropFirst().compactMap { $0.string.flatMap { UInt32($0) } }
            }
        } catch let error as IMAPError where error.kind == .refused {
            return nil
        }
        return found.sorted()
    }

    /// A part of each of these messages of the open folder, in the server's order. 200 are asked for at once.
    public func fetch(_ uids: [UInt32], _ part: Part, _ each: (IMAPMessage) throws -> Void) throws {
        var rest = uids[...]
        while !rest.isEmpty {
            let some = Set(rest.prefix(200))
            let list = rest.prefix(200).map { String($0) }.joined(separator: ",")
            rest = rest.dropFirst(200)
            try connection.run("UID FETCH \(list) (UID INTERNALDATE \(part.wire))") { answer in
                // A server may tell of other messages in between.
                if let message = Self.message(answer), some.contains(message.uid) { try each(message) }
            }
        }
    }

    /// A part of the newest messages of the open folder.
    public func newest(_ count: Int, of total: Int, _ part: Part) throws -> [IMAPMessage] {
        guard total > 0 else { return [] }
        var found: [IMAPMessage] = []
        try connection.run("FETCH \(max(1, total - count + 1)):\(total) (UID INTERNALDATE \(part.wire))") { answer in
            if found.count < count, let message = Self.message(answer) { found.append(message) }
        }
        return found
    }

    public func close() { connection.close() }

    private static func message(_ answer: IMAPResponse) -> IMAPMessage? {
        guard answer.name == "FETCH", let uid = answer.item("UID")?.string.flatMap({ UInt32($0) }),
            let part = answer.item("BODY")?.bytes
        else { return nil }
        let date = String((answer.item("INTERNALDATE")?.string ?? "").prefix(40))
        return IMAPMessage(uid: uid, date: date, part: part)
    }

    /// Which part of a message is fetched.
    public enum Part: Sendable {
        /// Of its header, this field.
        case field(String)
        /// The whole from its start, at most so many bytes.
        case beginning(Int)

        var wire: String {
            switch self {
            case .field(let name): "BODY.PEEK[HEADER.FIELDS (\(name))]"
            case .beginning(let count): "BODY.PEEK[]<0.\(count)>"
            }
        }
    }

    /// What is searched for (RFC 9051 §6.4.4).
    public struct SearchKey: Sendable {
        fileprivate var wire: [UInt8]

        /// Received on this day or later, by the server's own calendar; a day is added before it.
        public static func since(_ time: Timestamp) -> SearchKey {
            let day = CivilTime(time + .seconds(-86_400), offset: 0)
            let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
            return SearchKey(wire: Array("SINCE \(day.day)-\(months[day.month - 1])-\(day.year)".utf8))
        }

        /// A field of the header has this text somewhere; nil when the text cannot be asked for.
        public static func header(_ name: String, _ text: String) -> SearchKey? {
            guard !text.isEmpty, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { return nil }
            return SearchKey(wire: Array("HEADER \(name) ".utf8) + quoted(Array(text.utf8)))
        }

        public static func & (a: SearchKey, b: SearchKey) -> SearchKey { SearchKey(wire: a.wire + [32] + b.wire) }
    }

    private static func quoted(_ bytes: [UInt8]) -> [UInt8] {
        let escaped = bytes.flatMap { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") ? [0x5C, $0] : [$0] }
        return [0x22] + escaped + [0x22]
    }
}
