import Foundation
import Synchronization
import Testing

@testable import Transport

@Suite(.serialized) struct MXResolverTests {
    @Test("hosts of a domain, in any number, and a domain without")
    func hosts() async throws {
        let server = try NameServer([
            "mx-host=shop.zz,mx1.host.zz,10", "mx-host=shop.zz,MX2.host.zz,20", "mx-host=alone.zz,mail.alone.zz,5",
            "local=/zz/",
        ])
        defer { server.stop() }
        let resolver = try await server.resolver()
        guard case .hosts(let hosts, let lasts) = await resolver.lookUp("shop.zz") else {
            Issue.record("no hosts")
            return
        }
        #expect(Set(hosts) == ["mx1.host.zz", "mx2.host.zz"])
        #expect(lasts == .seconds(600))
        #expect(await resolver.lookUp("alone.zz") == .hosts(["mail.alone.zz"], lasts: .seconds(600)))
        guard case .none = await resolver.lookUp("nothing.zz") else {
            Issue.record("hosts of nobody")
            return
        }
    }

    @Test("a hundred names at once")
    func many() async throws {
        let server = try NameServer((0..<300).map { "mx-host=d\($0).zz,mx\($0 % 7).zz,1" } + ["local=/zz/"])
        defer { server.stop() }
        let resolver = try await server.resolver()
        let answers = await withTaskGroup(of: MXAnswer.self) { group in
            for number in 0..<300 { group.addTask { await resolver.lookUp("d\(number).zz") } }
            return await group.reduce(into: [MXAnswer]()) { $0.append($1) }
        }
        #expect(answers.count == 300)
        #expect(answers.allSatisfy { if case .hosts = $0 { true } else { false } })
    }

    @Test("a server that is down, refuses, or talks nonsense is a failure, within its time")
    func failures() async throws {
        let server = try NameServer(["local=/zz/"])
        defer { server.stop() }
        let resolver = try await server.resolver()
        // Not local, and there is nobody to forward to.
        guard case .failed = await resolver.lookUp("elsewhere.yy") else {
            Issue.record("an answer from nowhere")
            return
        }
        server.stop()
        guard case .failed = await resolver.lookUp("shop.zz") else {
            Issue.record("an answer from nobody")
            return
        }
        for bytes in [[], [1, 2, 3], Array(repeating: 0xFF, count: 200), Array(repeating: 0xC0, count: 60)] as [[UInt8]]
        {
            let babbler = try Babbler(bytes)
            let asking = MXResolver(servers: ["127.0.0.1:\(babbler.port)"], timeout: .milliseconds(300))
            guard case .failed = await asking.lookUp("shop.zz") else {
                Issue.record("sense made of nonsense")
                return
            }
            babbler.stop()
        }
    }

    @Test("servers that say nothing are asked about a load of names, and nobody else waits for them")
    func silence() async throws {
        let silent = try Babbler(nil)
        let resolver = MXResolver(servers: ["127.0.0.1:\(silent.port)"], timeout: .milliseconds(300))
        let answers = await withTaskGroup(of: MXAnswer.self) { group in
            for number in 0..<2_000 { group.addTask { await resolver.lookUp("d\(number).zz") } }
            return await group.reduce(into: [MXAnswer]()) { $0.append($1) }
        }
        #expect(answers.count == 2_000)
        #expect(answers.allSatisfy { if case .failed = $0 { true } else { false } })
        // A load, and what took the place of the first of it.
        let heard = silent.heard
        #expect(heard > 0 && heard < 3 * MXResolver.most)
        // Whoever comes a moment later does not wait either, be it by a new channel.
        _ = await resolver.lookUp("later.zz")
        #expect(silent.heard == heard)
        silent.stop()
    }

    @Test("an answer whose lengths lie is understood as far as it is true, or not at all")
    func lengths() throws {
        // Header, no question, one answer: the root, MX, IN, 60 s, of `length` bytes; mx.zz.
        func message(_ length: UInt8, answers: UInt8 = 1) -> [UInt8] {
            [0, 1, 0x81, 0x80, 0, 0, 0, answers, 0, 0, 0, 0, 0, 0, 15, 0, 1, 0, 0, 0, 60, 0, length]
                + [0, 10, 2, 109, 120, 2, 122, 122, 0]
        }
        func read(_ bytes: [UInt8]) -> MXAnswer { bytes.withUnsafeBufferPointer { MXMessage.answer(0, $0) } }
        #expect(read(message(9)) == .hosts(["mx.zz"], lasts: .seconds(60)))
        for bad in [message(200), message(9, answers: 7), message(2)] {
            guard case .failed = read(bad) else {
                Issue.record("believed \(bad)")
                return
            }
        }
        for cut in 0..<message(9).count { _ = read(Array(message(9).prefix(cut))) }
        // RFC 7505: a lone dot.
        let null: [UInt8] =
            [0, 1, 0x81, 0x80, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 15, 0, 1, 0, 0, 1, 0, 0, 3, 0, 0, 0]
        #expect(read(null) == .none(lasts: .seconds(256)))
    }

    @Test("what may stand for a server")
    func servers() {
        for good in ["127.0.0.1", "127.0.0.1:5353", "::1", "[::1]:53", "[::1]"] { #expect(MXResolver.isServer(good)) }
        for bad in ["", "dns.example", "127.0.0.1:0", "127.0.0.1:x", "::1:", "[::1"] {
            #expect(!MXResolver.isServer(bad))
        }
    }
}

/// Answers each datagram with the same bytes behind its number.
private final class Babbler: Sendable {
    let port: UInt16
    private let descriptor: Int32
    private let questions: Questions

    /// How many names it was asked about.
    var heard: Int { questions.texts.withLock { $0.count } }

    private final class Questions: Sendable {
        let texts = Mutex<Set<[UInt8]>>([])
    }

    /// - Parameter bytes: nil to say nothing at all.
    init(_ bytes: [UInt8]?) throws {
        let questions = Questions()
        self.questions = questions
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let found = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
            }
        }
        try #require(found)
        port = UInt16(bigEndian: address.sin_port)
        self.descriptor = descriptor
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 512)
            var peer = sockaddr_storage()
            while true {
                var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                let count = withUnsafeMutablePointer(to: &peer) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        recvfrom(descriptor, &buffer, buffer.count, 0, $0, &length)
                    }
                }
                guard count > 12 else { return }
                questions.texts.withLock { _ = $0.insert(Array(buffer[12..<count])) }
                guard let bytes else { continue }
                let answer = Array(buffer.prefix(2)) + bytes
                _ = withUnsafePointer(to: &peer) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        sendto(descriptor, answer, answer.count, 0, $0, length)
                    }
                }
            }
        }
    }

    func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}
