import Glibc

/// Walks files and folders (a Maildir, say) line by line.
enum EvidenceFiles {
    /// The longest line looked at, in bytes; of longer ones the rest is passed over.
    private static let longestLine = 65_536

    /// Reads every file of `paths`, folders to the bottom.
    /// - Throws: `Failure` (66) for what cannot be read.
    static func read(_ paths: [String], into evidence: inout Evidence) throws {
        for path in paths {
            if FilePath.isFolder(path) {
                try read(entries(path), into: &evidence)
            } else {
                try readFile(path, &evidence)
            }
        }
    }

    private static func entries(_ folder: String) throws -> [String] {
        guard let open = opendir(folder) else {
            throw Failure(.notFound, tr("Cannot read {0}: {1}.", folder, FilePath.reason()))
        }
        defer { closedir(open) }
        var names: [String] = []
        while let entry = readdir(open) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            // A link could lead round in circles.
            if name != ".", name != "..", entry.pointee.d_type != UInt8(DT_LNK) { names.append(folder + "/" + name) }
        }
        return names.sorted()
    }

    private static func readFile(_ path: String, _ evidence: inout Evidence) throws {
        guard let file = fopen(path, "re") else {
            throw Failure(.notFound, tr("Cannot read {0}: {1}.", path, FilePath.reason()))
        }
        defer { fclose(file) }
        evidence.begin(path, isNumbered: true)
        var line: UnsafeMutablePointer<CChar>?
        var room = 0
        defer { free(line) }
        while true {
            let count = getline(&line, &room, file)
            guard count > 0, let line else { return }
            var bytes = UnsafeRawBufferPointer(start: line, count: min(count, longestLine))[...]
            while let last = bytes.last, last == 10 || last == 13 { bytes.removeLast() }
            evidence.read(String(decoding: bytes, as: UTF8.self))
        }
    }
}
