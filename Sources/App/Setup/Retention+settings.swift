import Clock
import Queue

extension Retention {
    /// `[retention]` of config.toml; without it, the standard.
    /// - Throws: `Failure` (78).
    init(_ section: TOMLSection?) throws {
        guard let section else {
            self = .standard
            return
        }
        try section.allow(["sent", "bounces"])
        self.init(
            sent: try Self.duration("sent", in: section, standard: .seconds(7 * 86_400)),
            bounces: try Self.duration("bounces", in: section, standard: .seconds(30 * 86_400)))
    }

    /// nil for ever.
    private static func duration(_ key: String, in section: TOMLSection, standard: Duration) throws -> Duration? {
        guard let text = try section.string(key) else { return standard }
        if text == "forever" { return nil }
        guard let duration = DurationText.duration(text) else {
            throw section.fault(key, tr("must be a duration such as \"7d\", or \"forever\", and is \"{0}\"", text))
        }
        return duration
    }
}

extension Config {
    /// Every cap that is configured, whoever it holds for.
    var allCaps: [Limit] { limits.map(Limit.init) + accounts.flatMap { limits(for: $0) }.map(Limit.init) }
}
