import Clock
import GRDB

/// Queue time: microseconds that only pass, whatever is done to the wall clock.
///
/// Within a boot it follows the time since boot. Over a reboot it goes on by what has passed since the new one, and by what
/// lay between as the wall clock has it: at once on a machine that was never seen synchronised, which has nothing better; on
/// any other once it is synchronised again, counted from when it last was. Ledger and due times are queue time, so that a
/// clock set forward frees no cap, before a start or after it, and one set back loses nobody.
struct QueueClock: Equatable {
    /// The wall clock as a time server had set it.
    struct Sure: Equatable {
        var boot: String
        var queueMicroseconds: Int64
        var wallMicroseconds: Int64
    }

    var boot: String
    var bootMicroseconds: Int64
    var queueMicroseconds: Int64
    var wallMicroseconds: Int64
    /// The last reading while the machine was synchronised; nil as long as it never was.
    var sure: Sure?

    static func fresh(_ clock: any WallClock) -> QueueClock {
        let boot = clock.sinceBoot()
        let wall = clock.now().microseconds
        // It starts at the wall's time, so that a reader of the tables can make sense of it.
        return QueueClock(
            boot: boot.boot, bootMicroseconds: boot.microseconds, queueMicroseconds: wall, wallMicroseconds: wall)
    }

    /// - Parameter isSure: whether the wall clock is synchronised now.
    func time(boot now: BootTime, wall: Timestamp, isSure: Bool) -> Int64 {
        let sinceThen = now.boot == boot ? now.microseconds - bootMicroseconds : now.microseconds
        let passed = queueMicroseconds + max(0, sinceThen)
        guard let sure else {
            return now.boot == boot ? passed : max(passed, queueMicroseconds + wall.microseconds - wallMicroseconds)
        }
        guard isSure, sure.boot != now.boot else { return passed }
        return max(passed, sure.queueMicroseconds + wall.microseconds - sure.wallMicroseconds)
    }

    /// By how much the wall clock was set, within one boot, since both were read last.
    func step(boot now: BootTime, wall: Timestamp) -> Int64 {
        (wall.microseconds - wallMicroseconds) - (now.microseconds - bootMicroseconds)
    }

    /// Whether this reading has to be kept: a step of the wall clock at once, since over a reboot that followed it would
    /// pass for time.
    func isOutdated(boot now: BootTime, wall: Timestamp, isSure: Bool) -> Bool {
        boot != now.boot || abs(step(boot: now, wall: wall)) > 1_000_000 || isSure && sure?.boot != now.boot
    }

    /// The same time line, read now.
    func anchored(boot now: BootTime, wall: Timestamp, isSure: Bool) -> QueueClock {
        let time = time(boot: now, wall: wall, isSure: isSure)
        return QueueClock(
            boot: now.boot, bootMicroseconds: now.microseconds, queueMicroseconds: time,
            wallMicroseconds: wall.microseconds,
            sure: isSure
                ? Sure(boot: now.boot, queueMicroseconds: time, wallMicroseconds: wall.microseconds) : sure)
    }

    /// What the machine was off for, by a wall clock that is not synchronised yet, in microseconds; 0 where nothing is left
    /// uncounted.
    func uncounted(boot now: BootTime, wall: Timestamp, isSure: Bool) -> Int64 {
        guard let sure, sure.boot != now.boot, !isSure else { return 0 }
        let counted = time(boot: now, wall: wall, isSure: false) - sure.queueMicroseconds
        return max(0, wall.microseconds - sure.wallMicroseconds - counted)
    }
}

/// One instant on all three time lines.
struct Instant: Sendable {
    let queue: Int64
    let wall: Timestamp

    func wall(_ queueTime: Int64) -> Timestamp {
        Timestamp(microseconds: wall.microseconds + (queueTime - queue))
    }
    /// Never 0, which means "not tried yet".
    func queue(_ time: Timestamp) -> Int64 { max(1, queue + (time.microseconds - wall.microseconds)) }

    /// What a reader sees; it leaves the stored clock alone.
    init(_ db: Database, _ clock: any WallClock) throws {
        let boot = clock.sinceBoot()
        wall = clock.now()
        guard let stored = try QueueClock(db) else {
            queue = wall.microseconds
            return
        }
        queue = stored.time(boot: boot, wall: wall, isSure: clock.isSynchronised())
    }

    init(queue: Int64, wall: Timestamp) {
        self.queue = queue
        self.wall = wall
    }
}

extension QueueClock {
    static let columns: StaticString =
        "SELECT boot, boot_us, queue_us, wall_us, sure_boot, sure_queue_us, sure_wall_us, counting, claimed FROM clock WHERE id = 1"

    /// Nil in a queue that has no clock row.
    init?(_ db: Database) throws {
        guard let row = try Row.fetchOne(db, sql: Self.columns.description) else { return nil }
        self.init(boot: row[0], bootMicroseconds: row[1], queueMicroseconds: row[2], wallMicroseconds: row[3])
        if let boot: String = row[4] { sure = Sure(boot: boot, queueMicroseconds: row[5], wallMicroseconds: row[6]) }
    }

    /// - Parameter row: on `columns`.
    init(_ row: Prepared) {
        self.init(
            boot: row.text(0), bootMicroseconds: row.integer(1), queueMicroseconds: row.integer(2),
            wallMicroseconds: row.integer(3))
        if let queue = row.optional(5) {
            sure = Sure(boot: row.text(4), queueMicroseconds: queue, wallMicroseconds: row.integer(6))
        }
    }
}

extension Queue {
    /// The time for which the machine was off, by its own clock, as far as no cap counts it yet: that clock has been kept by
    /// a time server before, and is not now. Zero nearly always.
    /// - Throws: `QueueError`.
    public func uncountedTimeOff() throws -> Duration {
        try wrapping {
            try reader.read { db in
                guard let stored = try QueueClock(db) else { return .zero }
                let boot = clock.sinceBoot()
                return .microseconds(
                    stored.uncounted(boot: boot, wall: clock.now(), isSure: clock.isSynchronised()))
            }
        }
    }
}
