import Glibc
import Testing

@testable import PostOffice
@testable import Transport

/// A client that says exactly what a test wants said.
actor Talker {
    let lane = Lane()
    nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }
    private var connection: Connection?
    private var held: [UInt8] = []

    init() {}

    static func open(_ office: PostOffice, greeting: Bool = true) async throws -> Talker {
        let talker = Talker()
        try await talker.connect(office.port)
        if greeting { #expect(try await talker.reply().hasPrefix("220 ")) }
        return talker
    }

    private func connect(_ port: UInt16) async throws {
        let address = try #require(SocketAddress("127.0.0.1", port: port))
        connection = try await Connection.connect(to: address, lane: lane, timeout: .seconds(10))
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        try await connection?.write(bytes, timeout: .seconds(10))
    }

    /// One reply, its lines joined by `|`; "" at the end of the connection.
    func reply() async throws -> String {
        var lines: [String] = []
        while true {
            while let feed = held.firstIndex(of: 10) {
                let line = String(decoding: held[..<feed].filter { $0 != 13 }, as: UTF8.self)
                held.removeFirst(feed + 1)
                lines.append(line)
                if line.utf8.count < 4 || Array(line.utf8)[3] == 32 { return lines.joined(separator: "|") }
            }
            guard let connection else { return "" }
            do {
                var more: [UInt8] = []
                if try await connection.read(appendingTo: &more, timeout: .seconds(15)) == 0 { return "" }
                held += more
            } catch let error as TransportError where error.kind == .closed { return "" }
        }
    }

    func say(_ text: String) async throws -> String {
        try await send(text + "\r\n")
        return try await reply()
    }

    /// MAIL, RCPT, DATA and a message; the last reply, or the first refusal.
    func deliver(
        to recipient: String = "b@b.test", from: String = "a@a.test", body: String = "Subject: x\r\n\r\nhello\r\n"
    ) async throws -> String {
        for command in ["MAIL FROM:<\(from)>", "RCPT TO:<\(recipient)>", "DATA"] {
            let answer = try await say(command)
            guard answer.hasPrefix("2") || answer.hasPrefix("3") else {
                if !answer.isEmpty, !answer.hasPrefix("421") { _ = try await say("RSET") }
                return answer
            }
        }
        try await send(body + ".\r\n")
        return try await reply()
    }

    func startTLS(_ context: TLSContext) async throws {
        held = []
        try await connection?.startTLS(context, host: "localhost", timeout: .seconds(10))
    }

    func close() { connection?.close() }
}

/// A post office that runs for one test.
func office(script: String = "", _ change: (inout PostOfficeOptions) -> Void = { _ in }) throws -> PostOffice {
    var options = PostOfficeOptions()
    options.script = try Script(script)
    change(&options)
    let office = try PostOffice(options)
    office.start()
    return office
}

/// A folder that goes with the test.
final class Folder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/outpost-test-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for folder in ["mail/new", "mail/tmp", "mail/cur", "mail", ""] {
            for name in Folder.list("\(path)/\(folder)") { unlink("\(path)/\(folder)/\(name)") }
            rmdir("\(path)/\(folder)")
        }
    }

    static func list(_ path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func read(_ path: String) -> [UInt8] {
        guard let file = fopen(path, "re") else { return [] }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return bytes }
            bytes += chunk.prefix(count)
        }
    }

    static func lines(_ path: String) -> [String] {
        String(decoding: read(path), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
