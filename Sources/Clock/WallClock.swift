import CSystem

#if canImport(Glibc)
    import Glibc
#endif

/// The one seam through which this program reads the time.
public protocol WallClock: Sendable {
    /// Wall-clock time (UTC). It may step in either direction.
    func now() -> Timestamp
    /// Time since boot, in microseconds, suspend included, and the identity of that boot. It never steps within a boot.
    func sinceBoot() -> BootTime
    /// Whether the system keeps the wall clock right by a time server (NTP), as the kernel was told; false where nobody knows.
    func isSynchronised() -> Bool
}

extension Timestamp {
    /// Before this program was begun: a clock that says less is wrong.
    public static let earliestSane = Timestamp(microseconds: 1_704_067_200_000_000)  // 2024-01-01
}

/// Microseconds since a named boot (CLOCK_BOOTTIME; see `man 2 clock_gettime`).
public struct BootTime: Sendable, Hashable {
    public var boot: String
    public var microseconds: Int64

    public init(boot: String, microseconds: Int64) {
        self.boot = boot
        self.microseconds = microseconds
    }
}

/// The machine's own clocks.
public struct SystemClock: WallClock {
    private static let bootIdentity: String = {
        guard let file = fopen("/proc/sys/kernel/random/boot_id", "r") else { return "unknown" }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 64)
        guard fgets(&line, 64, file) != nil else { return "unknown" }
        let text = line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
        return String(decoding: text, as: UTF8.self)
    }()

    public init() {}

    public func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    public func sinceBoot() -> BootTime {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return BootTime(
            boot: Self.bootIdentity, microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    /// `adjtimex(2)`: STA_UNSYNC stands after each start and each setting by hand until a time server has been heard.
    public func isSynchronised() -> Bool { CSystem_clock_is_synchronised() != 0 }
}
