import Foundation
import Queue
import Testing

@testable import outpost

@Suite struct SealedFileTests {
    private let folder = NSTemporaryDirectory() + "sealed-tests-" + UUID().uuidString

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    private func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
        return folder + "/" + name
    }

    private func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

    private func sealed(_ plain: [UInt8], _ password: String = "open sesame") throws -> [UInt8] {
        let input = open(try write("plain-\(UUID())", plain), O_RDONLY)
        let path = folder + "/out-\(UUID())"
        let output = open(path, O_WRONLY | O_CREAT, 0o600)
        defer {
            close(input)
            close(output)
        }
        try SealedFile.seal(input, to: output, password: password)
        return try bytes(path)
    }

    private func opened(_ sealed: [UInt8], _ password: String = "open sesame") throws -> [UInt8] {
        let path = folder + "/opened-\(UUID())"
        let file = try write("sealed-\(UUID())", sealed)
        do {
            try SealedBackup(password: password).open(file, to: path)
        } catch {
            #expect(!FileManager.default.fileExists(atPath: path))
            throw error
        }
        return try bytes(path)
    }

    @Test("what is sealed opens again, whatever its size", arguments: [0, 1, 65_535, 65_536, 65_537, 200_000])
    func round(_ size: Int) throws {
        let plain = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let sealed = try sealed(plain)
        #expect(try opened(sealed) == plain)
        #expect(sealed.count == SealedFile.headerSize + size + max(1, (size + 65_535) / 65_536) * 16)
    }

    @Test("a wrong password, a changed bit, a missing, doubled or exchanged part: nothing is left behind")
    func damage() throws {
        let plain = [UInt8](repeating: 7, count: 65_536 * 2 + 100)
        let good = try sealed(plain)
        let chunk = 65_536 + 16
        let head = SealedFile.headerSize
        #expect(throws: Failure.self) { try opened(good, "open sesam") }
        for place in [0, 8, 9, 14, 26, head + 5, head + chunk + 5, good.count - 1] {
            var bad = good
            bad[place] ^= 1
            #expect(throws: Failure.self, "byte \(place)") { try opened(bad) }
        }
        for end in [10, head, head + 10, head + chunk, head + 2 * chunk, good.count - 1] {
            #expect(throws: Failure.self, "cut at \(end)") { try opened(Array(good[..<end])) }
        }
        let first = Array(good[head..<(head + chunk)])
        var exchanged = good
        exchanged.replaceSubrange(head..<(head + chunk), with: good[(head + chunk)..<(head + 2 * chunk)])
        exchanged.replaceSubrange((head + chunk)..<(head + 2 * chunk), with: first)
        #expect(throws: Failure.self) { try opened(exchanged) }
        var longer = good
        longer.append(contentsOf: first)
        #expect(throws: Failure.self) { try opened(longer) }
        #expect(try sealed(plain) != good)
        #expect(try opened(good) == plain)
    }

    @Test("a sealed backup opens as a queue, and no plain copy stays beside the queue")
    func backup() throws {
        let queue = try Queue.open(at: folder + "/home/queue.sqlite3", access: .create)
        let draft = CampaignDraft(
            name: "spring", account: "qq", folder: "/x", columns: ["email"], content: [1], contentHash: "a")
        _ = try queue.create(draft)
        let seal = SealedBackup(password: "字 and word")
        try seal.write(queue, to: folder + "/sealed")
        #expect(throws: Failure.self) { try seal.write(queue, to: folder + "/sealed") }
        #expect(try !Data(contentsOf: URL(fileURLWithPath: folder + "/sealed")).contains(Data("spring".utf8)))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/home")
        #expect(!names.contains { $0.contains("backup") })
        try seal.open(folder + "/sealed", to: folder + "/restored")
        let restored = try Queue.open(at: folder + "/restored", access: .readOnly)
        #expect(try restored.campaigns().map(\.name) == ["spring"])
        #expect(try restored.verify(deep: true) == [])
    }
}

extension Data {
    fileprivate func contains(_ other: Data) -> Bool { range(of: other) != nil }
}
