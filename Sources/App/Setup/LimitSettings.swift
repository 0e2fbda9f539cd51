import Clock

/// A cap as the configuration writes it: at most `count` messages in any window of length `per`.
struct LimitSettings: Sendable, Equatable {
    enum Scope: String, CaseIterable, Sendable { case source, account, domain, campaign }

    var scope: Scope
    /// The one source, account or domain meant; nil means each of them.
    var key: String?
    var count: Int
    var per: Duration

    static let keys = ["scope", "key", "count", "per"]

    /// What holds when the file says nothing: 100 an hour and 500 a day from one address.
    static let standard = [
        LimitSettings(scope: .source, key: nil, count: 100, per: .seconds(3600)),
        LimitSettings(scope: .source, key: nil, count: 500, per: .seconds(86_400)),
    ]

    init(scope: Scope, key: String? = nil, count: Int, per: Duration) {
        self.scope = scope
        self.key = key
        self.count = count
        self.per = per
    }

    /// - Throws: `Failure` (78).
    init(_ section: TOMLSection, scope standard: Scope) throws {
        try section.allow(Self.keys)
        scope = try section.choice("scope") ?? standard
        key = try section.line(text: "key")
        guard let count = try section.int("count", in: 1...1_000_000_000_000) else { throw section.missing("count") }
        guard let per = try section.duration("per") else { throw section.missing("per") }
        self.count = count
        self.per = per
    }

    /// `100 / 1h`.
    var text: String { "\(count) / \(DurationText.text(per))" }

    /// Whether `other`, already in force, makes this cap say nothing new: as many or more, in as long or shorter a time.
    func isLooser(than other: LimitSettings) -> Bool {
        guard scope == other.scope, other.key == nil || other.key == key else { return false }
        if (count, per) == (other.count, other.per) { return false }
        return count >= other.count && per <= other.per
    }
}
