import Glibc

/// Where this user's files are: one folder under `OUTPOST_HOME`, else the XDG folders.
struct Places: Sendable, Equatable {
    /// Absolute paths.
    let config: String
    let queue: String
    let log: String

    /// - Parameter environment: reads one variable; empty counts as unset.
    /// - Throws: `Failure` (78) when there is no home folder to put anything in.
    init(environment: (String) -> String? = Environment.value) throws {
        if let home = environment("OUTPOST_HOME") {
            let folder = FilePath.absolute(home)
            config = folder + "/config.toml"
            queue = folder + "/queue.sqlite3"
            log = folder + "/outpost.log"
            return
        }
        func base(_ variable: String, _ fallback: String) throws -> String {
            // The XDG specification: a relative path in these variables is to be ignored.
            if let value = environment(variable), value.hasPrefix("/") { return value + "/outpost" }
            guard let home = environment("HOME") ?? Environment.homeOfRecord(), home.hasPrefix("/") else {
                throw Failure(
                    .configuration, tr("There is no home folder to keep the queue in."),
                    next: tr("Set HOME, or OUTPOST_HOME to a folder of your choice."))
            }
            return home + fallback + "/outpost"
        }
        config = try base("XDG_CONFIG_HOME", "/.config") + "/config.toml"
        queue = try base("XDG_DATA_HOME", "/.local/share") + "/queue.sqlite3"
        log = try base("XDG_STATE_HOME", "/.local/state") + "/outpost.log"
    }

    var configFolder: String { FilePath.parent(config) }

    /// Makes the folder of a file (0700), with whatever folders lead to it.
    /// - Throws: `Failure` (73).
    static func makeFolder(of file: String) throws { try FilePath.makeFolder(FilePath.parent(file)) }
}

/// The process environment, as one function.
enum Environment {
    /// A variable's value; nil when unset or empty.
    static func value(_ name: String) -> String? {
        guard let raw = getenv(name), raw.pointee != 0 else { return nil }
        return String(cString: raw)
    }

    static func homeOfRecord() -> String? {
        guard let entry = getpwuid(getuid()), let folder = entry.pointee.pw_dir else { return nil }
        return String(cString: folder)
    }
}
