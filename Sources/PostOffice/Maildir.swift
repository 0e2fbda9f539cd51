import Clock
import Glibc
import Synchronization

/// Stores accepted messages, one a file, first in `tmp`, then renamed into `new`: a reader never sees half a message.
final class Maildir: Sendable {
    private let path: String
    private let count = Atomic<Int>(0)

    init(path: String) throws {
        self.path = path
        for folder in [path, "\(path)/tmp", "\(path)/new", "\(path)/cur"]
        where mkdir(folder, 0o700) != 0 && errno != EEXIST {
            throw PostOfficeError(.file, "maildir \(folder): cannot be made (\(String(cString: strerror(errno))))")
        }
    }

    /// Stores a message under a new name. The envelope goes into two header lines above the message's own.
    func store(_ body: UnsafeRawBufferPointer, from: [UInt8], to: [[UInt8]], at time: Timestamp) throws {
        var head = Array("X-Envelope-From: <".utf8) + from + Array(">\r\n".utf8)
        for recipient in to { head += Array("X-Envelope-To: <".utf8) + recipient + Array(">\r\n".utf8) }
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue
        let name =
            "\(time.microseconds / 1_000_000).M\(time.microseconds % 1_000_000)P\(getpid())Q\(number).postoffice"
        let file = Glibc.open("\(path)/tmp/\(name)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw fault(name) }
        defer { close(file) }
        guard Maildir.writeAll(file, head), body.isEmpty || Maildir.writeAll(file, body),
            rename("\(path)/tmp/\(name)", "\(path)/new/\(name)") == 0
        else {
            let error = fault(name)
            unlink("\(path)/tmp/\(name)")
            throw error
        }
    }

    private func fault(_ name: String) -> PostOfficeError {
        PostOfficeError(.file, "maildir \(path): \(name) cannot be stored (\(String(cString: strerror(errno))))")
    }

    private static func writeAll(_ file: Int32, _ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { writeAll(file, $0) }
    }

    private static func writeAll(_ file: Int32, _ bytes: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let count = write(file, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            offset += count
        }
        return true
    }
}
