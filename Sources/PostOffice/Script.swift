/// A point of the dialogue at which a rule may act.
public enum Stage: String, Sendable, Hashable, CaseIterable {
    /// The greeting. `ehlo` is HELO too; `dot` is the answer to a whole message.
    case banner, ehlo, starttls, auth, mail, rcpt, data, dot, rset, noop, vrfy, quit

    var bit: UInt32 { 1 << UInt32(Stage.allCases.firstIndex(of: self) ?? 0) }
}

/// How the post office misbehaves: a text of one rule a line.
///
///     # a comment
///     seed 7                                            the same chances at every run
///     at rcpt to *@nouser.test reply 550 5.1.1 No such user
///     at mail from *@spam.test reply 554 5.7.1 Not from you
///     at data rate 5% reply 451 4.3.0 Try again later
///     at mail rate 2% reply 421 4.7.0 Too many connections      421 also closes
///     at dot first 3 drop-before                        the connection is lost, the message was not stored
///     at dot every 100 drop-after                       stored, and the connection lost before the answer
///     at dot latency 20ms                               before the answer; others go on
///     at rcpt after 50 stall 30s
///     at ehlo garbage                                   binary junk for an answer
///     at data slow 1000 byte/s                          the body is read that slowly
///     at auth user bob reply 535 5.7.8 Wrong password
///     cap 100 per 1h reply 550 Connection frequency limited     a rolling window over accepted messages
///     cap 20 per 5s by peer at rcpt                     by all (default), peer, from or domain; at mail (default) or rcpt
///     greylist 30s                                      a new pair of peer and recipient is deferred for so long
///     sessions 10 reply 421 4.7.0 Too many sessions     connections at once
///
/// `at STAGE`, then any of `to`, `from`, `user` PATTERN (`*` stands for anything, case is ignored), then one of `first N`,
/// `after N`, `every N`, `rate P%`, then the action. `\xD3` in a reply is that byte. Of replies and drops the first rule that fits decides; latency, stalls
/// and slowness add up. Durations are `20ms`, `5s`, `2m`, `1h`, `1d`.
public struct Script: Sendable {
    public struct Rule: Sendable {
        enum Chance: Sendable { case always, first(Int), after(Int), every(Int), rate(Double) }
        enum Action: Sendable {
            case reply([UInt8], code: Int)
            case drop, dropBefore, dropAfter, garbage
            case wait(Duration)
            case slow(bytesPerSecond: Int)
        }
        var stage: Stage
        var to: Glob?
        var from: Glob?
        var user: Glob?
        var chance: Chance
        var action: Action
    }

    public struct Cap: Sendable {
        enum Key: String, Sendable { case all, peer, from, domain }
        var count: Int
        var per: Duration
        var key: Key
        var stage: Stage
        var reply: [UInt8]
        var code: Int
    }

    var rules: [Rule] = []
    var caps: [Cap] = []
    var greylist: Duration?
    var sessions: (count: Int, reply: [UInt8])?
    var seed: UInt64 = 1

    public init() {}

    /// Reads a script. Throws `PostOfficeError` that names the line and what was wrong with it.
    public init(_ text: String) throws {
        for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = raw.prefix { $0 != "#" }.filter { $0 != "\r" }
            guard line.contains(where: { !$0.isWhitespace }) else { continue }
            try add(line, number: index + 1)
        }
    }

    /// Adds one rule; `number` is the line for messages.
    public mutating func add(_ line: String, number: Int = 1) throws {
        var words = Words(line, number: number)
        let verb = try words.next("a rule: at, cap, greylist, sessions or seed")
        switch verb {
        case "at": rules.append(try rule(&words))
        case "cap": caps.append(try cap(&words))
        case "greylist":
            greylist = try words.duration()
            try words.end()
        case "sessions":
            let count = try words.count()
            let reply = words.isEmpty ? (Array("421 4.7.0 Too many sessions".utf8), 421) : try words.reply()
            sessions = (count, reply.0)
        case "seed":
            seed = UInt64(try words.count())
            try words.end()
        default: throw words.fault("unknown rule \"\(verb)\"; it begins with at, cap, greylist, sessions or seed")
        }
    }

    private func rule(_ words: inout Words) throws -> Rule {
        let name = try words.next("a stage")
        guard let stage = Stage(rawValue: name == "connect" ? "banner" : name) else {
            let known = Stage.allCases.map(\.rawValue).joined(separator: ", ")
            throw words.fault("unknown stage \"\(name)\"; known are \(known)")
        }
        var rule = Rule(stage: stage, chance: .always, action: .drop)
        while true {
            let word = try words.next("an action")
            switch word {
            case "to": rule.to = Glob(try words.next("a pattern"))
            case "from": rule.from = Glob(try words.next("a pattern"))
            case "user": rule.user = Glob(try words.next("a pattern"))
            case "first": rule.chance = .first(try words.count())
            case "after": rule.chance = .after(try words.count())
            case "every": rule.chance = .every(max(1, try words.count()))
            case "rate":
                let text = try words.next("a percentage")
                guard text.hasSuffix("%"), let share = Double(text.dropLast()), (0...100).contains(share) else {
                    throw words.fault("\"\(text)\" is not a percentage like 5%")
                }
                rule.chance = .rate(share / 100)
            default:
                rule.action = try action(word, stage, &words)
                try words.end()
                return rule
            }
        }
    }

    private func action(_ word: String, _ stage: Stage, _ words: inout Words) throws -> Rule.Action {
        switch word {
        case "reply":
            let (bytes, code) = try words.reply()
            return .reply(bytes, code: code)
        case "drop": return stage == .dot ? .dropBefore : .drop
        case "drop-before", "drop-after":
            guard stage == .dot else { throw words.fault("\(word) belongs to the stage dot; elsewhere say drop") }
            return word == "drop-before" ? .dropBefore : .dropAfter
        case "garbage": return .garbage
        case "latency", "stall": return .wait(try words.duration())
        case "slow":
            let count = try words.count()
            let unit = words.isEmpty ? "byte/s" : try words.next("byte/s")
            guard stage == .data, count > 0, unit == "byte/s" || unit == "bytes/s" else {
                throw words.fault("slowness is said as: at data slow 1000 byte/s")
            }
            return .slow(bytesPerSecond: count)
        default:
            throw words.fault(
                "unknown action \"\(word)\"; known are reply, drop, drop-before, drop-after, garbage, latency, stall, slow"
            )
        }
    }

    private func cap(_ words: inout Words) throws -> Cap {
        var cap = Cap(
            count: try words.count(), per: .zero, key: .all, stage: .mail,
            reply: Array("550 Connection frequency limited".utf8), code: 550)
        guard try words.next("per") == "per" else { throw words.fault("a cap is said as: cap 100 per 1h") }
        cap.per = try words.duration()
        while !words.isEmpty {
            switch try words.next("by, at or reply") {
            case "by":
                let key = try words.next("all, peer, from or domain")
                guard let known = Cap.Key(rawValue: key) else {
                    throw words.fault("a cap is by all, peer, from or domain")
                }
                cap.key = known
            case "at":
                let name = try words.next("mail or rcpt")
                guard let stage = Stage(rawValue: name), stage == .mail || stage == .rcpt else {
                    throw words.fault("a cap is counted at mail or rcpt")
                }
                cap.stage = stage
            case "reply": (cap.reply, cap.code) = try words.reply(keywordSeen: true)
            case let word: throw words.fault("\"\(word)\" is not part of a cap: by, at or reply")
            }
        }
        if cap.key == .domain { cap.stage = .rcpt }
        return cap
    }
}

/// The words of one line.
private struct Words {
    private var rest: [Substring]
    private let number: Int

    init(_ line: String, number: Int) {
        rest = line.split { $0 == " " || $0 == "\t" }
        self.number = number
    }

    var isEmpty: Bool { rest.isEmpty }

    func fault(_ text: String) -> PostOfficeError {
        PostOfficeError(.script(line: number), "script line \(number): \(text)", cause: text)
    }

    mutating func next(_ wanted: String) throws -> String {
        guard !rest.isEmpty else { throw fault("\(wanted) is missing at the end") }
        return String(rest.removeFirst())
    }

    mutating func count() throws -> Int {
        let word = try next("a number")
        guard let count = Int(word), count >= 0 else { throw fault("\"\(word)\" is not a number") }
        return count
    }

    mutating func duration() throws -> Duration {
        let word = try next("a duration")
        let digits = word.prefix { $0.isNumber }
        let units: [String: Int] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let count = Int(digits), let unit = units[String(word.dropFirst(digits.count))], count < 1_000_000 else {
            throw fault("\"\(word)\" is not a duration like 20ms, 5s, 2m, 1h or 1d")
        }
        return .milliseconds(count * unit)
    }

    /// `reply 550 5.1.1 No such user`, to the end of the line.
    mutating func reply(keywordSeen: Bool = true) throws -> ([UInt8], Int) {
        if rest.first == "reply" { rest.removeFirst() }
        guard let first = rest.first, first.utf8.count == 3, let code = Int(first), (200...599).contains(code) else {
            throw fault("a reply begins with a code of three digits, as in: reply 550 5.1.1 No such user")
        }
        let text = rest.joined(separator: " ")
        rest.removeAll()
        return (Self.bytes(text.utf8.count > 3 ? text : text + " no reason given"), code)
    }

    /// `\xD3` is one byte: servers write texts that are no UTF-8.
    private static func bytes(_ text: String) -> [UInt8] {
        let all = Array(text.utf8)
        var bytes: [UInt8] = []
        var at = 0
        while at < all.count {
            if all[at...].starts(with: [0x5C, 0x78]), at + 4 <= all.count,
                let byte = UInt8(String(decoding: all[(at + 2)..<(at + 4)], as: UTF8.self), radix: 16)
            {
                bytes.append(byte)
                at += 4
            } else {
                bytes.append(all[at])
                at += 1
            }
        }
        return bytes
    }

    func end() throws {
        if let extra = rest.first { throw fault("\"\(extra)\" is too much") }
    }
}

/// A pattern in which `*` stands for any bytes; ASCII letters match in either case.
struct Glob: Sendable, Equatable {
    private let pattern: [UInt8]

    init(_ text: String) { pattern = text.utf8.map(Glob.lower) }

    private static func lower(_ byte: UInt8) -> UInt8 { byte >= 65 && byte <= 90 ? byte | 0x20 : byte }

    func matches(_ text: [UInt8]) -> Bool {
        var at = 0
        var inPattern = 0
        // Where to go back to: behind the last star, and one byte further in the text.
        var star = -1
        var resume = 0
        while at < text.count {
            if inPattern < pattern.count, pattern[inPattern] == UInt8(ascii: "*") {
                star = inPattern
                resume = at
                inPattern += 1
            } else if inPattern < pattern.count, pattern[inPattern] == Glob.lower(text[at]) {
                inPattern += 1
                at += 1
            } else if star >= 0 {
                inPattern = star + 1
                resume += 1
                at = resume
            } else {
                return false
            }
        }
        return pattern[inPattern...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
