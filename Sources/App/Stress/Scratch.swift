import CSystem
import Glibc

/// A folder for a run that leaves nothing behind, unless its user wants to look into it.
final class Scratch: Sendable {
    /// Absolute.
    let path: String
    let keeps: Bool

    /// - Parameter kept: a folder to use and leave; it must be empty or not there yet.
    /// - Throws: `Failure` (73).
    init(_ name: String, kept: String?) throws {
        keeps = kept != nil
        if let kept {
            path = FilePath.absolute(kept)
            guard !FilePath.exists(path) || FilePath.isEmptyFolder(path) else {
                throw Failure(
                    .cannotCreate, tr("{0} is there already, and it is not empty.", path),
                    next: tr("Name another folder with --keep."))
            }
            try FilePath.makeFolder(path)
            return
        }
        let above = Environment.value("TMPDIR").map(FilePath.absolute) ?? "/tmp"
        var template = Array("\(above)/outpost-\(name)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(.cannotCreate, tr("Cannot make the folder {0}: {1}.", above, FilePath.reason()))
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Makes a folder in it.
    func folder(_ name: String) throws -> String {
        try FilePath.makeFolder("\(path)/\(name)")
        return "\(path)/\(name)"
    }

    /// Bytes on the disk of all that is in it, one folder deep.
    var size: Int {
        let entries = Self.contents(path)
        return (entries + entries.flatMap(Self.contents)).reduce(0) { total, file in
            var info = stat()
            return total + (lstat(file, &info) == 0 ? Int(info.st_blocks) * 512 : 0)
        }
    }

    /// Takes it away, unless it is to be kept. Links are not followed.
    func remove() { if !keeps { Self.remove(path) } }

    static func remove(_ path: String) {
        var info = stat()
        guard lstat(path, &info) == 0 else { return }
        guard info.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        for inner in contents(path) { remove(inner) }
        rmdir(path)
    }

    /// Paths of what is in a folder.
    private static func contents(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var paths: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { paths.append("\(path)/\(name)") }
        }
        return paths
    }
}
