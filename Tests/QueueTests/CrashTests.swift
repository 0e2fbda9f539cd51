import Foundation
import Testing

@testable import Queue

/// Random histories against the model. `OUTPOST_HISTORIES` makes more or fewer of them; `OUTPOST_SEED` begins with that
/// seed. A failure names its own: OUTPOST_HISTORIES=1 OUTPOST_SEED=… swift test --filter CrashTests does it alone again.
@Suite struct CrashTests {
    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test(
        "whatever is done, by several runners, alone or sharing a commit, with crashes between any two disk writes, the queue is as the model"
    )
    func histories() async throws {
        let template = try CrashMachine.Template()
        let count = Self.number("OUTPOST_HISTORIES") ?? 2000
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
        FileHandle.standardError.write(Data("\(count) histories from seed \(first): \(lives)\n".utf8))
        guard count >= 100 else { return }
        // It did what its name says.
        let few = Int(count) / 4
        #expect(
            lives.crashes >= few && lives.images >= few && lives.begun >= few && lives.faults >= few / 4)
        #expect(
            lives.capped >= few / 8 && lives.doubts >= few / 2 && lives.blind <= Int(count) / 4,
            "\(lives)")
        #expect(lives.shared >= few && lives.refused >= few / 8, "\(lives)")
    }
}
