import CCurl
import Clock

/// A connection after the login, commands one after the other.
///
/// libcurl does the name look-up, TLS, STARTTLS and the login (`CURLOPT_CONNECT_ONLY`), and then carries bytes. It blocks:
/// whoever uses it does so on one thread of its own.
final class IMAPConnection {
    /// No answer, its literals with it, is longer, in bytes.
    private static let largestAnswer = 4 << 20

    private let server: IMAPServer
    private let clock: any WallClock
    private let curl: UnsafeMutableRawPointer
    private var socket: curl_socket_t = -1
    private var buffer: [UInt8] = []
    private var start = 0
    private var number = 0

    /// Connects and logs in, with one try.
    /// - Throws: `IMAPError`.
    init(_ server: IMAPServer, password: String?, clock: any WallClock) throws {
        self.server = server
        self.clock = clock
        if let reason = CCurl_open() { throw IMAPError(.library, server.name, String(cString: reason)) }
        guard let handle = CCurl_init() else { throw IMAPError(.library, server.name, "libcurl does not start") }
        curl = handle
        let dialogue = Dialogue()
        var reason = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
        let code = reason.withUnsafeMutableBufferPointer { room -> CURLcode in
            configure(password, dialogue)
            CCurl_pointer(curl, CURLOPT_ERRORBUFFER, room.baseAddress)
            // libcurl writes there as long as it is set.
            defer { CCurl_pointer(curl, CURLOPT_ERRORBUFFER, nil) }
            return CCurl_perform(curl)
        }
        CCurl_listener(curl, nil)
        CCurl_pointer(curl, CURLOPT_HEADERDATA, nil)
        // From here on `deinit` runs, also when this throws.
        guard code == CURLE_OK, CCurl_socket(curl, &socket) == CURLE_OK, socket >= 0 else {
            let words = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let said = words.isEmpty ? String(cString: CCurl_words(code)) : words
            throw Self.error(code, server, said, dialogue.last, secret: password)
        }
    }

    deinit { CCurl_cleanup(curl) }

    /// What the server said last before the login was through: for the reason of a refusal.
    private final class Dialogue { var last = "" }

    private func configure(_ password: String?, _ dialogue: Dialogue) {
        let scheme = server.security == .implicit ? "imaps" : "imap"
        CCurl_text(curl, CURLOPT_URL, "\(scheme)://\(server.name)/")
        CCurl_number(curl, CURLOPT_CONNECT_ONLY, 1)
        CCurl_number(curl, CURLOPT_NOSIGNAL, 1)
        CCurl_number(curl, CURLOPT_TIMEOUT_MS, server.patience)
        CCurl_number(curl, CURLOPT_CONNECTTIMEOUT_MS, server.patience)
        CCurl_number(curl, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        CCurl_number(curl, CURLOPT_SSL_VERIFYPEER, 1)
        CCurl_number(curl, CURLOPT_SSL_VERIFYHOST, 2)
        if server.security == .starttls { CCurl_number(curl, CURLOPT_USE_SSL, Int(CURLUSESSL_ALL.rawValue)) }
        // The system's own anchors stay, as a folder.
        if let authority = server.authority {
            CCurl_text(curl, CURLOPT_CAINFO, authority)
            CCurl_text(curl, CURLOPT_CAPATH, "/etc/ssl/certs")
        }
        // Whatever the environment says: a proxy for the web is none for mail.
        CCurl_text(curl, CURLOPT_PROXY, "")
        if let user = server.user, let password {
            CCurl_text(curl, CURLOPT_USERNAME, user)
            if server.usesToken {
                CCurl_text(curl, CURLOPT_XOAUTH2_BEARER, password)
                CCurl_text(curl, CURLOPT_LOGIN_OPTIONS, "AUTH=XOAUTH2")
            } else {
                CCurl_text(curl, CURLOPT_PASSWORD, password)
            }
        }
        CCurl_pointer(curl, CURLOPT_HEADERDATA, Unmanaged.passUnretained(dialogue).toOpaque())
        CCurl_listener(curl) { bytes, size, count, note in
            if let bytes, let note, size * count > 0 {
                let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
                Unmanaged<Dialogue>.fromOpaque(note).takeUnretainedValue().last =
                    String(decoding: line.prefix(500).filter { $0 != 13 && $0 != 10 }, as: UTF8.self)
            }
            return size * count
        }
    }

    private static func error(
        _ code: CURLcode, _ server: IMAPServer, _ words: String, _ last: String, secret: String?
    ) -> IMAPError {
        switch code {
        case CURLE_LOGIN_DENIED:
            // Its words without the tag; never with the password, should a server say it back.
            var reason = last.split(separator: " ", maxSplits: 2).dropFirst(2).joined()
            if reason.isEmpty || secret.map({ !$0.isEmpty && reason.contains($0) }) == true { reason = words }
            return IMAPError(.login, server.name, reason)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
            return IMAPError(.certificate, server.name, words)
        default: return IMAPError(.unreachable, server.name, words)
        }
    }

    // MARK: Commands

    /// Sends a command and takes its answers as they come; returns when the server says OK.
    /// - Throws: `IMAPError`; what `each` throws ends the dialogue, and the connection is of no use then.
    func run(_ command: [UInt8], _ each: (IMAPResponse) throws -> Void = { _ in }) throws {
        number += 1
        let tag = Array("O\(number) ".utf8)
        let deadline = clock.sinceBoot().microseconds + Int64(server.replyPatience) * 1000
        try write(tag + command + [13, 10], deadline)
        var farewell = ""
        while true {
            let (line, literals) = try answer(deadline)
            if line.starts(with: tag) {
                let rest = String(decoding: line.dropFirst(tag.count), as: UTF8.self)
                if rest.uppercased().hasPrefix("OK") { return }
                throw IMAPError(.refused, server.name, farewell.isEmpty ? rest : farewell)
            }
            guard line.starts(with: Array("* ".utf8)) else {
                if line.first == UInt8(ascii: "+") {
                    throw IMAPError(.garbled, server.name, "it asks for more where nothing was announced")
                }
                continue
            }
            let body = Array(line.dropFirst(2))
            if String(decoding: body.prefix(3), as: UTF8.self).uppercased() == "BYE" {
                farewell = String(decoding: body.dropFirst(3), as: UTF8.self)
                continue
            }
            var parser = IMAPParser(body, literals: literals)
            try each(IMAPResponse(values: parser.values()))
        }
    }

    func run(_ command: String, _ each: (IMAPResponse) throws -> Void = { _ in }) throws {
        try run(Array(command.utf8), each)
    }

    /// Says good-bye; that the server hears it is not waited for.
    func close() {
        let deadline = clock.sinceBoot().microseconds + 1_000_000
        try? write(Array("O0 LOGOUT\r\n".utf8), deadline)
    }

    // MARK: Bytes

    /// One answer: its lines joined, and the literals between them.
    private func answer(_ deadline: Int64) throws -> ([UInt8], [[UInt8]]) {
        var whole: [UInt8] = []
        var literals: [[UInt8]] = []
        var size = 0
        while true {
            let line = try line(deadline)
            whole += line
            size += line.count
            guard let count = Self.literalSize(line) else { return (whole, literals) }
            size += count
            guard size <= Self.largestAnswer else { throw tooLong }
            literals.append(try bytes(count, deadline))
        }
    }

    private var tooLong: IMAPError { IMAPError(.garbled, server.name, "more than was asked for") }

    /// `… {123}`: so many bytes follow (RFC 9051 §4.3).
    private static func literalSize(_ line: [UInt8]) -> Int? {
        guard line.last == UInt8(ascii: "}"), let open = line.lastIndex(of: UInt8(ascii: "{")) else { return nil }
        let digits = line[(open + 1)...].dropLast()
        guard (1...10).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1) - 48 }
    }

    private func line(_ deadline: Int64) throws -> [UInt8] {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: 10) {
                var line = buffer[start..<end]
                if line.last == 13 { line.removeLast() }
                start = end + 1
                return Array(line)
            }
            guard buffer.count - start <= Self.largestAnswer else { throw tooLong }
            let seen = buffer.count - start
            try fill(deadline)
            searched = start + seen
        }
    }

    private func bytes(_ count: Int, _ deadline: Int64) throws -> [UInt8] {
        while buffer.count - start < count { try fill(deadline) }
        defer { start += count }
        return Array(buffer[start..<(start + count)])
    }

    private func fill(_ deadline: Int64) throws {
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        var room = [UInt8](repeating: 0, count: 65_536)
        while true {
            var count = 0
            // What TLS has decrypted already shows on no socket, so it is asked before it is waited for.
            let code = CCurl_recv(curl, &room, room.count, &count)
            switch code {
            case CURLE_OK:
                guard count > 0 else { throw IMAPError(.unreachable, server.name, "the server closed the connection") }
                buffer.append(contentsOf: room[0..<count])
                return
            case CURLE_AGAIN: try wait(writes: false, deadline)
            default: throw IMAPError(.unreachable, server.name, String(cString: CCurl_words(code)))
            }
        }
    }

    private func write(_ bytes: [UInt8], _ deadline: Int64) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            var count = 0
            let code = rest.withUnsafeBytes { CCurl_send(curl, $0.baseAddress, $0.count, &count) }
            switch code {
            case CURLE_OK: rest = rest.dropFirst(count)
            case CURLE_AGAIN: try wait(writes: true, deadline)
            default: throw IMAPError(.unreachable, server.name, String(cString: CCurl_words(code)))
            }
        }
    }

    private func wait(writes: Bool, _ deadline: Int64) throws {
        let left = (deadline - clock.sinceBoot().microseconds) / 1000
        guard left > 0 else { throw IMAPError(.unreachable, server.name, "no answer came in time") }
        // Interrupted by a signal is as good as ready: the caller asks again.
        _ = CCurl_wait(socket, writes ? 1 : 0, Int32(clamping: left))
    }
}
