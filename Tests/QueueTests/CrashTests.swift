import Foundation
import Testing

@testable import Queue

/// Random histories against the model. `OUTPOST_SEED` begins with another seed (a failure names its own),
/// `OUTPOST_HISTORIES` makes more or fewer of them.
@Suite struct CrashTests {
    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test(
        "whatever is done, by several runners, with crashes between any two disk writes, the queue is as the model"
    )
    func histories() async throws {
        let template = try CrashMachine.Template()
        let count = Self.number("OUTPOST_HISTORIES") ?? 400
        let first = Self.number("OUTPOST_SEED") ?? UInt64.random(in: 1...1_000_000_000)
        let lives = try await withThrowingTaskGroup(of: CrashHistory.Counts.self) { group in
            for lane in 0..<2 as Range<UInt64> {
                group.addTask {
                    var all = CrashHistory.Counts()
                    for seed in stride(from: first + lane, to: first + count, by: 2) {
                        let history = try CrashHistory(template, seed: seed)
                        try await history.run(steps: 22)
                        all += history.counts
                    }
                    return all
                }
            }
            return try await group.reduce(into: CrashHistory.Counts()) { $0 += $1 }
        }
        // It did what its name says.
        let few = Int(count) / 4
        #expect(
            lives.crashes >= few && lives.images >= few && lives.begun >= few && lives.faults >= few / 4)
        #expect(
            lives.capped >= few / 8 && lives.doubts >= few / 2 && lives.blind <= Int(count) / 4,
            "\(lives)")
        if ProcessInfo.processInfo.environment["OUTPOST_HISTORIES"] != nil {
            FileHandle.standardError.write(Data("\(count) histories from seed \(first): \(lives)\n".utf8))
        }
    }
}
