import Clock
import GRDB

/// Queue time: microseconds that only pass, whatever is done to the wall clock.
///
/// Within a boot it follows the time since boot. Over a reboot it goes on by as much as the wall clock says has passed
/// since both were read last, and never back. Ledger and due times are queue time, so that a clock set forward frees
/// no cap, and one set back loses nobody.
struct QueueClock {
    var boot: String
    var bootMicroseconds: Int64
    var queueMicroseconds: Int64
    var wallMicroseconds: Int64

    static func fresh(_ clock: any WallClock) -> QueueClock {
        let boot = clock.sinceBoot()
        let wall = clock.now().microseconds
        // It starts at the wall's time, so that a reader of the tables can make sense of it.
        return QueueClock(
            boot: boot.boot, bootMicroseconds: boot.microseconds, queueMicroseconds: wall, wallMicroseconds: wall)
    }

    func time(boot now: BootTime, wall: Timestamp) -> Int64 {
        if now.boot == boot { return queueMicroseconds + max(0, now.microseconds - bootMicroseconds) }
        return queueMicroseconds + max(0, wall.microseconds - wallMicroseconds)
    }

    /// By how much the wall clock was set, within one boot, since both were read last.
    func step(boot now: BootTime, wall: Timestamp) -> Int64 {
        (wall.microseconds - wallMicroseconds) - (now.microseconds - bootMicroseconds)
    }

    /// The same time line, read now.
    func anchored(boot now: BootTime, wall: Timestamp) -> QueueClock {
        QueueClock(
            boot: now.boot, bootMicroseconds: now.microseconds, queueMicroseconds: time(boot: now, wall: wall),
            wallMicroseconds: wall.microseconds)
    }

    static let select = "SELECT boot, boot_us, queue_us, wall_us FROM clock WHERE id = 1"
    static let update = "UPDATE clock SET boot = ?, boot_us = ?, queue_us = ?, wall_us = ? WHERE id = 1"
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
        guard let row = try Row.fetchOne(db, sql: QueueClock.select) else {
            queue = wall.microseconds
            return
        }
        let stored = QueueClock(
            boot: row[0], bootMicroseconds: row[1], queueMicroseconds: row[2], wallMicroseconds: row[3])
        queue = stored.time(boot: boot, wall: wall)
    }

    init(queue: Int64, wall: Timestamp) {
        self.queue = queue
        self.wall = wall
    }
}
