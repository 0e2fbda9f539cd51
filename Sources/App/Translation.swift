import Glibc
import Synchronization

/// The text in the user's language; `{0}`, `{1}` … are replaced by the arguments. The English text is the key.
func tr(_ text: String, _ arguments: any CustomStringConvertible...) -> String {
    Translation.filled(Translation.current.text(text), arguments)
}

/// The same for a counted thing; `{0}` is the count.
func trn(_ one: String, _ many: String, _ count: Int, _ arguments: any CustomStringConvertible...) -> String {
    Translation.filled(Translation.current.text(one, many, count), [count] + arguments)
}

/// The catalogue in force.
///
/// The .mo file is read here and not by the C library's gettext: that one translates nothing where the locale is C.UTF-8
/// (glibc 2.39 and later), which is all a machine without generated locales has, and a Chinese user of such a machine
/// shall read Chinese. Language is chosen as gettext does: LANGUAGE, LC_ALL, LC_MESSAGES, LANG.
struct Translation: Sendable {
    /// Empty for English.
    let catalogue: Catalogue?
    /// `en`, or the catalogue's name, as `zh_CN`.
    let language: String

    private static let chosen = Mutex<Translation?>(nil)
    /// Another language for one task: tests run side by side.
    @TaskLocal static var local: Translation?

    static var current: Translation {
        if let local { return local }
        return chosen.withLock { chosen in
            if let chosen { return chosen }
            let found = Translation.fromEnvironment()
            chosen = found
            return found
        }
    }

    /// Whatever the environment asks for: for words that a program reads.
    static func speakEnglish() { chosen.withLock { $0 = .english } }

    static let english = Translation(catalogue: nil, language: "en")

    func text(_ text: String) -> String { catalogue?.messages[text]?.first ?? text }

    func text(_ one: String, _ many: String, _ count: Int) -> String {
        guard let forms = catalogue?.messages[one], let catalogue else { return count == 1 ? one : many }
        let index = catalogue.plurals == 1 ? 0 : (count == 1 ? 0 : 1)
        return index < forms.count ? forms[index] : forms.first ?? many
    }

    static func filled(_ text: String, _ arguments: [any CustomStringConvertible]) -> String {
        guard !arguments.isEmpty, text.utf8.contains(UInt8(ascii: "{")) else { return text }
        var result = ""
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{") {
            result += rest[..<open]
            let after = rest.index(after: open)
            if let close = rest[after...].firstIndex(of: "}"), let number = Int(rest[after..<close]),
                arguments.indices.contains(number)
            {
                result += arguments[number].description
                rest = rest[rest.index(after: close)...]
            } else {
                result += "{"
                rest = rest[after...]
            }
        }
        return result + rest
    }

    /// The languages the environment asks for, best first, as catalogue names without charset: `zh_CN`, `zh`.
    static func wanted(_ environment: (String) -> String?) -> [String] {
        func set(_ name: String) -> String? {
            guard let value = environment(name), !value.isEmpty else { return nil }
            return value
        }
        guard let locale = set("LC_ALL") ?? set("LC_MESSAGES") ?? set("LANG"), locale != "C", locale != "POSIX" else {
            return []
        }
        let list = (set("LANGUAGE").map { $0.split(separator: ":").map(String.init) } ?? []) + [locale]
        var result: [String] = []
        for entry in list {
            let bare = String(entry.prefix { $0 != "." && $0 != "@" })
            if bare == "en" || bare.hasPrefix("en_") || bare == "C" || bare == "POSIX" { break }
            result.append(bare)
            // One catalogue of Chinese: better for a reader in Singapore than English.
            if bare == "zh" || bare.hasPrefix("zh_Hans") || bare == "zh_SG" { result.append("zh_CN") }
            if let short = bare.split(separator: "_").first, short != bare { result.append(String(short)) }
        }
        return result
    }

    private static func fromEnvironment() -> Translation {
        let names = wanted { name in getenv(name).map { String(cString: $0) } }
        guard !names.isEmpty else { return .english }
        for folder in folders() {
            for name in names {
                if let bytes = contents("\(folder)/\(name)/LC_MESSAGES/outpost.mo"), let found = Catalogue(bytes) {
                    return Translation(catalogue: found, language: name)
                }
            }
        }
        return .english
    }

    /// `.build/locale` of the source tree or `share/locale` of an installation, found upwards from the executable.
    private static func folders() -> [String] {
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard length > 0 else { return [] }
        let path = String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var result: [String] = []
        var parts = path.split(separator: "/").dropLast()
        while !parts.isEmpty {
            let folder = "/" + parts.joined(separator: "/")
            result.append(folder + "/.build/locale")
            result.append(folder + "/share/locale")
            parts = parts.dropLast()
        }
        return result
    }

    private static func contents(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while result.count < 8 << 20 {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            result += buffer[..<count]
        }
        return result
    }

    /// A compiled catalogue (GNU gettext manual, "The Format of GNU MO Files").
    struct Catalogue: Sendable {
        /// Plural forms by the singular text.
        var messages: [String: [String]]
        /// How many plural forms the language has.
        var plurals: Int

        init(messages: [String: [String]], plurals: Int) {
            self.messages = messages
            self.plurals = plurals
        }

        /// Nil when the bytes are no .mo file, or cut off.
        init?(_ bytes: [UInt8]) {
            func word(_ at: Int) -> Int? {
                guard at >= 0, at + 4 <= bytes.count else { return nil }
                let raw = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) }
                return Int(swapped ? raw.byteSwapped : raw)
            }
            func string(_ table: Int, _ index: Int) -> [Substring]? {
                guard let length = word(table + index * 8), let start = word(table + index * 8 + 4),
                    start + length <= bytes.count
                else { return nil }
                let text = String(decoding: bytes[start..<start + length], as: UTF8.self)
                return text.split(separator: "\0", omittingEmptySubsequences: false)
            }
            var swapped = false
            guard let magic = word(0), magic == 0x9504_12DE || magic == 0xDE12_0495 else { return nil }
            swapped = magic == 0xDE12_0495
            guard let count = word(8), let keys = word(12), let values = word(16), count < 1 << 20 else { return nil }
            messages = [:]
            messages.reserveCapacity(count)
            plurals = 2
            for index in 0..<count {
                guard let key = string(keys, index), let value = string(values, index) else { return nil }
                let name = String(key.first ?? "")
                if name.isEmpty {
                    if value.joined().contains("nplurals=1") { plurals = 1 }
                } else {
                    messages[name] = value.map(String.init)
                }
            }
        }
    }
}
