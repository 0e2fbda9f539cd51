import Glibc

/// Walks files and folders (a Maildir, say) line by line.
enum EvidenceFiles {
    /// The longest line looked at, in bytes; of longer ones the rest is passed over.
    private static let longestLine = 65_536

    /// Reads every file of `paths`, folders to the bottom, rotated logs from the oldest to the newest.
    /// - Throws: `Failure`: 66 for what cannot be read, 65 for what is compressed and cannot be unpacked.
    static func read(_ paths: [String], into evidence: inout Evidence) throws {
        for path in LogRotation.ordered(paths) {
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
        guard let program = unpacker(of: file) else { return readLines(file, &evidence) }
        let command: PipedCommand
        do { command = try PipedCommand([program, "-dc", "--", path]) } catch {
            throw Failure(
                .notFound, tr("{0} is compressed, and {1} cannot be run: {2}.", path, program, error.words),
                next: tr("Install {0}, or unpack the file first.", program))
        }
        guard let unpacked = fdopen(command.output, "r") else {
            close(command.output)
            _ = command.wait()
            throw Failure(.notFound, tr("Cannot read {0}: {1}.", path, FilePath.reason()))
        }
        readLines(unpacked, &evidence)
        fclose(unpacked)
        guard command.wait() == 0 else {
            throw Failure(
                .badData, tr("{0} is compressed, and {1} could not unpack it.", path, program),
                next: tr("It may be cut off. Unpack what is left of it by hand, and name that file."))
        }
    }

    /// The program that unpacks a file, known by the file's first bytes; nil for a plain one.
    private static func unpacker(of file: UnsafeMutablePointer<FILE>) -> String? {
        var head = [UInt8](repeating: 0, count: 6)
        let count = pread(fileno(file), &head, head.count, 0)
        guard count > 0 else { return nil }
        let programs: [(String, [UInt8])] = [
            ("gzip", [0x1F, 0x8B]), ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A]), ("bzip2", [0x42, 0x5A, 0x68]),
            ("zstd", [0x28, 0xB5, 0x2F, 0xFD]),
        ]
        return programs.first { head.prefix(count).starts(with: $0.1) }?.0
    }

    private static func readLines(_ file: UnsafeMutablePointer<FILE>, _ evidence: inout Evidence) {
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
