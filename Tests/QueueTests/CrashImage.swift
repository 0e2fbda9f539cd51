/// How the machine ends.
enum CrashKind: Sendable, CaseIterable {
    /// The processes are killed; what they wrote stays in the system's memory and reaches the disk.
    case kill
    /// The power is lost: what no sync has made durable is there, or not, or in part.
    case power
}

/// Database and log as a crash leaves them.
struct CrashImage {
    var database: [UInt8] = []
    var log: [UInt8] = []

    init(
        _ contents: [CrashDisk.File: CrashDisk.Content], _ kind: CrashKind,
        _ random: inout SeededGenerator
    ) {
        if let content = contents[.database] { database = Self.settled(content, kind, &random) }
        if let content = contents[.log] {
            log = Self.settled(content, kind, &random)
            if kind == .power { Self.litter(&log, &random) }
        }
    }

    private static func settled(
        _ content: CrashDisk.Content, _ kind: CrashKind, _ random: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = content.durable
        guard kind == .power else {
            for change in content.pending { change.apply(to: &bytes) }
            return bytes
        }
        // All in order up to a byte, or any of them in any state.
        let inOrder = Bool.random(using: &random)
        let cut = Int.random(in: 0...content.pending.count, using: &random)
        for (index, change) in content.pending.enumerated() {
            let fate =
                inOrder ? (index < cut ? 0 : index == cut ? 2 : 1) : Int.random(in: 0..<5, using: &random)
            switch (change, fate) {
            case (_, 0): change.apply(to: &bytes)
            case (.write(let offset, let written), 2):
                let kept = Int.random(in: 0...written.count, using: &random)
                CrashDisk.Change.write(at: offset, Array(written[..<kept])).apply(to: &bytes)
            case (.write(let offset, let written), 3):
                // Whole sectors of it, in no order.
                for start in stride(from: 0, to: written.count, by: 512) where Bool.random(using: &random) {
                    let sector = Array(written[start..<min(start + 512, written.count)])
                    CrashDisk.Change.write(at: offset + start, sector).apply(to: &bytes)
                }
            case (.write(let offset, let written), 4):
                let value = Bool.random(using: &random) ? 0 : UInt8.random(in: 0...255, using: &random)
                let rubbish = [UInt8](repeating: value, count: written.count)
                CrashDisk.Change.write(at: offset, rubbish).apply(to: &bytes)
            default: break
            }
        }
        return bytes
    }

    /// What a file system may show behind the end: zeros, or what was there before.
    private static func litter(_ log: inout [UInt8], _ random: inout SeededGenerator) {
        let count = Int.random(in: 0...9_000, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: log += [UInt8](repeating: 0, count: count)
        case 1:
            var value = random.next()
            log += (0..<count / 16).map { _ in
                value = value &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: value >> 56)
            }
        case 2 where log.count > 64:
            // An older stretch of the log itself, whose frames look right.
            let start = Int.random(in: 32..<log.count, using: &random)
            log += log[start..<min(log.count, start + count)]
        default: break
        }
    }
}
