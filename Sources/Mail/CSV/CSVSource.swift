import CIDN2
import Glibc

/// The bytes of a recipients file as UTF-8, whatever its encoding, piece by piece.
final class CSVSource {
    let path: String
    let encoding: CSVEncoding
    private let file: CInt
    private var converter: iconv_t?
    /// Bytes read but not yet converted.
    private var pending: [UInt8] = []
    private var atEnd = false

    static let pieceSize = 256 * 1024

    init(path: String) throws(CSVError) {
        self.path = path
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw CSVSource.failure(path, "cannot be opened", errno) }
        self.file = file
        do {
            (encoding, pending) = try CSVSource.sniff(file, path: path)
        } catch {
            close(file)
            throw error
        }
        if encoding != .utf8 {
            // What cannot be converted is passed on as a byte that is no UTF-8, so that its row is found bad.
            guard let opened = iconv_open("UTF-8", encoding.rawValue), Int(bitPattern: opened) != -1 else {
                throw CSVError(path: path, line: nil, message: "\(encoding.rawValue) cannot be read on this system")
            }
            converter = opened
        }
    }

    deinit {
        close(file)
        if let converter { iconv_close(converter) }
    }

    private static func failure(_ path: String, _ what: String, _ code: CInt) -> CSVError {
        CSVError(path: path, line: nil, message: "\(what): \(String(cString: strerror(code)))")
    }

    private static func readSome(_ file: CInt, into buffer: UnsafeMutableRawBufferPointer, path: String)
        throws(CSVError) -> Int
    {
        while true {
            let count = Glibc.read(file, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if errno != EINTR { throw failure(path, "cannot be read", errno) }
        }
    }

    /// The encoding, and the bytes already taken that still are to be delivered (without a byte order mark).
    private static func sniff(_ file: CInt, path: String) throws(CSVError) -> (CSVEncoding, [UInt8]) {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure(path, "cannot be read", errno) }
        if status.st_mode & S_IFMT == S_IFDIR {
            throw CSVError(path: path, line: nil, message: "is a folder; name a CSV file")
        }
        let seekable = status.st_mode & S_IFMT == S_IFREG
        var piece = [UInt8](repeating: 0, count: pieceSize)
        var filled = 0
        while filled < pieceSize {
            let got = try fill(file, &piece, from: filled, path: path)
            if got == 0 { break }
            filled += got
        }
        let head = piece[..<filled]
        let mark = head.withUnsafeBytes { CSVEncoding.mark($0) }
        if let (encoding, length) = mark { return (encoding, Array(head.dropFirst(length))) }
        let bare = head.prefix(512).withUnsafeBytes { CSVEncoding.unmarked($0) }
        if let bare { return (bare, Array(head)) }
        var census = UTF8Census()
        head.withUnsafeBytes { census.count($0) }
        if seekable, filled == pieceSize {
            while true {
                let got = try fill(file, &piece, from: 0, path: path)
                if got == 0 { break }
                piece[..<got].withUnsafeBytes { census.count($0) }
            }
            guard lseek(file, 0, SEEK_SET) == 0 else { throw failure(path, "cannot be read", errno) }
            return (census.verdict, [])
        }
        return (census.verdict, Array(head))
    }

    private static func fill(_ file: CInt, _ piece: inout [UInt8], from: Int, path: String) throws(CSVError) -> Int {
        let result = piece.withUnsafeMutableBytes { all -> Result<Int, CSVError> in
            do throws(CSVError) {
                return .success(
                    try readSome(file, into: UnsafeMutableRawBufferPointer(rebasing: all[from...]), path: path))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Puts more UTF-8 into `room`, which must hold at least 64 bytes. Zero at the end of the file.
    func read(into room: UnsafeMutableRawBufferPointer) throws(CSVError) -> Int {
        guard let converter else {
            if !pending.isEmpty {
                let count = min(room.count, pending.count)
                pending.withUnsafeBytes { room.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                pending.removeFirst(count)
                return count
            }
            return try CSVSource.readSome(file, into: room, path: path)
        }
        while true {
            if pending.count < 8, !atEnd {
                var piece = [UInt8](repeating: 0, count: 64 * 1024)
                let got = try CSVSource.fill(file, &piece, from: 0, path: path)
                atEnd = got == 0
                pending.append(contentsOf: piece[..<got])
            }
            if pending.isEmpty { return 0 }
            let count = convert(converter, into: room)
            if count > 0 { return count }
        }
    }

    private func convert(_ converter: iconv_t, into room: UnsafeMutableRawBufferPointer) -> Int {
        var written = 0
        var used = 0
        let unit = encoding == .gb18030 ? 1 : 2
        pending.withUnsafeMutableBytes { raw in
            var source = raw.baseAddress?.assumingMemoryBound(to: CChar.self)
            var sourceLeft = raw.count
            var target = room.baseAddress?.assumingMemoryBound(to: CChar.self)
            var targetLeft = room.count
            let result = iconv(converter, &source, &sourceLeft, &target, &targetLeft)
            let code = errno
            if result == -1 {
                let truncated = code == EINVAL && (atEnd || raw.count >= 8)
                if code == EILSEQ || (truncated && atEnd), targetLeft > 0, sourceLeft > 0 {
                    target?.pointee = CChar(bitPattern: 0xFF)
                    targetLeft -= 1
                    sourceLeft -= min(unit, sourceLeft)
                }
            }
            written = room.count - targetLeft
            used = raw.count - sourceLeft
        }
        if used == pending.count { pending.removeAll(keepingCapacity: true) } else { pending.removeFirst(used) }
        if used == 0, written == 0, !atEnd {
            // An incomplete character at the end of what was read: fetch more behind it.
            var piece = [UInt8](repeating: 0, count: 4096)
            if let got = try? CSVSource.fill(file, &piece, from: 0, path: path) {
                atEnd = got == 0
                pending.append(contentsOf: piece[..<got])
            } else {
                atEnd = true
            }
        }
        return written
    }
}
