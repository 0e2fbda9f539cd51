import Clock
import Sender

/// The reply rules of `config/replies`, with the user's own in `replies/` beside config.toml before them.
enum ReplyRules {
    static let keys = ["id", "host", "code", "text", "level", "action", "kind", "rest", "suppress"]

    /// Rules in the order in which they are tried: single providers' first, `general.toml` last.
    /// - Throws: `Failure` (78, naming file, line and key).
    static func load(folder: String?) throws -> [ReplyRule] {
        let files = Resources.files(in: "replies", overriddenBy: folder)
        let general = files.filter { FilePath.name($0.path) == "general.toml" }
        let special = files.filter { FilePath.name($0.path) != "general.toml" }
        // Of the special ones the user's come first: they are there to overrule.
        let own = special.filter { $0.path.hasPrefix("/") }
        let builtin = special.filter { !$0.path.hasPrefix("/") }
        return try (own + builtin + general).flatMap { try rules(TOMLFile(text: $0.text, path: $0.path)) }
    }

    static func rules(_ file: TOMLFile) throws -> [ReplyRule] {
        try file.section.allow(["rule"])
        return try file.section.sections("rule").map { section in
            try section.allow(keys)
            guard let level: ReplyLevel = try section.choice("level") else { throw section.missing("level") }
            guard let action: ReplyAction = try section.choice("action") else { throw section.missing("action") }
            let code = try section.line(text: "code")
            if let code, !isCode(code) {
                throw section.fault("code", tr("\"{0}\" is no code such as 550, 5xx or 5.1.1", code))
            }
            let text = try section.line(text: "text")
            guard code != nil || text != nil else {
                throw section.fault("id", tr("a rule needs a code or a text"))
            }
            if (action == .rest || action == .login) != (level == .route) {
                throw section.fault(
                    "action", tr("\"{0}\" does not go with level \"{1}\"", action.rawValue, level.rawValue))
            }
            let kind: ReplyKind? = try section.choice("kind")
            if let kind, kind.isRetried != (action == .rest || action == .defer) {
                throw section.fault(
                    "kind", tr("\"{0}\" does not go with action \"{1}\"", kind.rawValue, action.rawValue))
            }
            return ReplyRule(
                id: try section.required("id"), host: try section.line(text: "host"), code: code, text: text,
                level: level, action: action, kind: kind, rest: try section.duration("rest"),
                suppress: try section.bool("suppress") ?? false)
        }
    }

    private static func isCode(_ code: String) -> Bool {
        let parts = code.split(separator: ".", omittingEmptySubsequences: false)
        guard let class_ = parts.first?.first, class_ == "4" || class_ == "5" else { return false }
        let isNumber = { (part: Substring) in
            !part.isEmpty && part.allSatisfy { $0 == "x" || $0.isASCII && $0.isNumber }
        }
        switch parts.count {
        case 1: return code.count == 3 && isNumber(parts[0])
        case 3: return parts[0].count == 1 && parts.allSatisfy(isNumber)
        default: return false
        }
    }
}
