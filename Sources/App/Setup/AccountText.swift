/// An account as config.toml text, and adding it to a file without touching what is there.
struct AccountText: Sendable {
    /// Key and value in the order they are written; values are TOML already.
    private var lines: [(String, String)] = []

    mutating func add(_ key: String, _ text: String?) {
        if let text { lines.append((key, Self.quoted(text))) }
    }

    mutating func add(_ key: String, _ number: Int?) {
        if let number { lines.append((key, String(number))) }
    }

    mutating func add(_ key: String, _ words: [String]?) {
        if let words { lines.append((key, "[" + words.map(Self.quoted).joined(separator: ", ") + "]")) }
    }

    var text: String { "[[account]]\n" + lines.map { "\($0) = \($1)\n" }.joined() }

    /// A TOML basic string.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case let control where control.value < 32 || control.value == 127:
                result += "\\u00" + (control.value < 16 ? "0" : "") + String(control.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Adds the account to the file (made when it is not there, 0600), after checking that the whole is still right.
    /// - Throws: `Failure`: 78 when the result would not be a valid configuration; nothing is written then.
    func append(to places: Places) throws -> Config {
        try Places.makeFolder(of: places.config)
        let old = FilePath.exists(places.config) ? try FilePath.read(places.config, unreadable: .configuration) : []
        var all = String(decoding: old, as: UTF8.self)
        if !all.isEmpty { all += all.hasSuffix("\n") ? "\n" : "\n\n" }
        all += text
        let config = try Config(
            TOMLFile(text: all, path: places.config), presets: PresetCatalogue(folder: places.configFolder))
        try FilePath.replace(places.config, with: Array(all.utf8))
        return config
    }
}
