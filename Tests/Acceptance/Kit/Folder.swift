import Foundation
import Glibc

/// A temporary folder that goes with its owner.
final class Folder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/outpost-acceptance-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw Failure("no temporary folder could be made") }
        path = String(cString: made)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    @discardableResult
    func make(_ name: String, mode: mode_t = 0o700) throws -> String {
        try FileManager.default.createDirectory(atPath: file(name), withIntermediateDirectories: true)
        chmod(file(name), mode)
        return file(name)
    }

    @discardableResult
    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws -> String {
        try write(name, Array(text.utf8), mode: mode)
    }

    @discardableResult
    func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o600) throws -> String {
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: file(name)).deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
        chmod(file(name), mode)
        return file(name)
    }

    func text(_ name: String) -> String { Folder.text(file(name)) }

    /// A file's text, or nothing where there is none.
    static func text(_ path: String) -> String { String(decoding: bytes(path), as: UTF8.self) }
    static func bytes(_ path: String) -> [UInt8] { FileManager.default.contents(atPath: path).map { Array($0) } ?? [] }

    /// Every regular file below a folder, by its whole path.
    static func files(_ path: String) -> [String] {
        guard let walk = FileManager.default.enumerator(atPath: path) else { return [] }
        return walk.compactMap { $0 as? String }.map { "\(path)/\($0)" }.filter {
            var directory: ObjCBool = false
            return FileManager.default.fileExists(atPath: $0, isDirectory: &directory) && !directory.boolValue
        }
    }

    static func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }
}
