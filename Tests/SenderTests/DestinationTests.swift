import Glibc
import Queue
import Sender
import Synchronization
import Testing
import Transport

@Suite("destinations")
struct DestinationTests {
    /// A port that takes datagrams and says nothing.
    private final class Silence {
        let port: UInt16
        private let descriptor: Int32

        init() throws {
            descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = descriptor
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
                }
            }
            port = UInt16(bigEndian: address.sin_port)
            try #require(isBound)
        }

        deinit { close(descriptor) }
    }

    private func fill(_ rig: Rig, domains: Int) throws {
        let importer = try rig.queue.importer(for: rig.campaign.id)
        for number in 0..<domains {
            let domain = "d\(number).zz"
            let email = "p@" + domain
            try importer.add(
                ImportRow(email: email, key: email, domain: domain, fields: "\(email)\u{1F}N", line: number + 2))
        }
        _ = try importer.finish()
    }

    @Test("name servers that say nothing stop no mail: each domain stands for itself")
    func silence() async throws {
        let rig = try Rig(people: 10)
        try fill(rig, domains: 600)
        let silence = try Silence()
        let resolver = MXResolver(servers: ["127.0.0.1:\(silence.port)"], timeout: .milliseconds(300))
        let ending = try await rig.send(SendOptions(wait: true, resolver: resolver)) {
            $0.limits.append(Limit(scope: .domain, count: 1_000, per: .seconds(3_600)))
        }
        guard case .finished = ending else {
            Issue.record("ended otherwise")
            return
        }
        #expect(try rig.tallies.sent == 610 && Set(rig.accepted()).count == 610)
        // Each was counted.
        let limit = Limit(scope: .domain, key: "d599.zz", count: 1, per: .seconds(3_600))
        #expect(try rig.queue.limitUse([limit], account: "a", source: "default", domains: []).map(\.used) == [1])
    }

    @Test("no run waits for a silent name server longer than it has patience before its first message")
    func patience() async throws {
        // Their own domain is of a reserved name, and not asked about; the one that the limit names is.
        let rig = try Rig(people: 10)
        // Each is asked twice, for 1.5 s and for 3: half a minute in all.
        let silences = try (0..<8).map { _ in try Silence() }
        let resolver = MXResolver(servers: silences.map { "127.0.0.1:\($0.port)" }, timeout: .seconds(60))
        let isGivenUp = Mutex(false)
        Task {
            _ = await resolver.lookUp("d1.zz")
            isGivenUp.withLock { $0 = true }
        }
        let options = SendOptions(wait: true, resolver: resolver, lookUpPatience: .milliseconds(200))
        _ = try await rig.send(options) {
            $0.limits.append(Limit(scope: .domain, key: "d0.zz", count: 1_000, per: .seconds(3_600)))
        }
        #expect(try rig.tallies.sent == 10)
        #expect(!isGivenUp.withLock { $0 })
    }
}
