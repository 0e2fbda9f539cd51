import Glibc

/// The files of `config/` that the program carries inside itself, and the user's own that replace or add to them.
enum Resources {
    /// Name and text of each `.toml` file of a kind (`presets`, `replies`), by name; a file of the same name in
    /// `folder/kind` replaces the built-in one.
    static func files(in kind: String, overriddenBy folder: String?) -> [(path: String, text: String)] {
        var files: [String: (path: String, text: String)] = [:]
        for (path, text) in builtinResources where path.hasPrefix(kind + "/") {
            files[FilePath.name(path)] = (path, text)
        }
        if let folder, let directory = opendir(folder + "/" + kind) {
            defer { closedir(directory) }
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                guard name.hasSuffix(".toml"), !name.hasPrefix(".") else { continue }
                let path = "\(folder)/\(kind)/\(name)"
                // One that cannot be read must not silently give way to the built-in one: parsing "" then says what
                // is missing, with the path.
                let bytes = (try? FilePath.read(path)) ?? []
                files[name] = (path, String(decoding: bytes, as: UTF8.self))
            }
        }
        return files.sorted { $0.key < $1.key }.map(\.value)
    }

    /// A built-in file, e.g. `example/campaign.toml`.
    static func text(_ path: String) -> String? { builtinResources.first { $0.path == path }?.text }
}
