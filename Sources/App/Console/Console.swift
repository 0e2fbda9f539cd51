import CSystem
import Clock
import Dispatch
import Glibc
import Synchronization

/// The console: shows a source's figures and passes the user's orders on. It sends nothing itself.
enum Console {
    /// Runs until the user leaves, on a thread of its own, and answers how it was left. The terminal is then as before.
    ///
    /// `open` opens it on one campaign, so that leaving that campaign leaves the console.
    static func run(
        source: any ConsoleSource, open: String? = nil, colour: Bool = Console.wantsColour,
        clock: any WallClock = SystemClock()
    ) async -> ConsoleEnding {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "console", qos: .userInteractive).async {
                continuation.resume(returning: runBlocking(source: source, open: open, colour: colour, clock: clock))
            }
        }
    }

    /// False when NO_COLOR is set and not empty (no-color.org).
    static var wantsColour: Bool { getenv("NO_COLOR").map { $0.pointee == 0 } ?? true }

    /// The same on the calling thread.
    static func runBlocking(
        source: any ConsoleSource, open: String? = nil, colour: Bool = Console.wantsColour,
        clock: any WallClock = SystemClock()
    ) -> ConsoleEnding {
        let terminal: Terminal
        do {
            terminal = try Terminal(colour: colour)
        } catch {
            return .unusable(error.reason)
        }
        guard let inbox = Inbox() else { return .unusable(tr("no more files can be opened")) }
        let watcher = Watcher(source: source, inbox: inbox, clock: clock)
        let desk = PeopleDesk(source: source, inbox: inbox)
        let ending = ConsoleLoop.run(terminal, inbox, watcher, desk, clock: clock, open: open)
        watcher.stop()
        desk.stop()
        terminal.close()
        return ending
    }
}

/// Events from other threads, and a descriptor that is readable while there are any.
final class Inbox: Sendable {
    let descriptor: Int32
    private let wake: Int32
    private let events = Mutex<[ConsoleEvent]>([])

    init?() {
        guard let pipe = WakePipe.make() else { return nil }
        (descriptor, wake) = pipe
    }

    deinit {
        close(descriptor)
        close(wake)
    }

    func post(_ event: ConsoleEvent) {
        events.withLock { $0.append(event) }
        var byte: UInt8 = 1
        // A full pipe wakes the reader just as well.
        _ = write(wake, &byte, 1)
    }

    func take() -> [ConsoleEvent] {
        var buffer = [UInt8](repeating: 0, count: 256)
        while read(descriptor, &buffer, buffer.count) == buffer.count {}
        return events.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}

/// A pipe that never blocks and that child processes do not inherit.
enum WakePipe {
    static func make() -> (read: Int32, write: Int32)? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        return (ends[0], ends[1])
    }
}

/// The one thread that reads keys, updates the model and draws.
enum ConsoleLoop {
    static func run(
        _ terminal: Terminal, _ inbox: Inbox, _ watcher: Watcher, _ desk: PeopleDesk, clock: any WallClock,
        open: String?
    ) -> ConsoleEnding {
        func moment() -> Moment { Moment(wall: clock.now(), boot: clock.sinceBoot().microseconds) }
        var model = ConsoleModel(size: terminal.windowSize(), now: moment(), open: open)
        model.unicode = terminal.unicode
        model.zone = zone(model.now.wall)
        watcher.watch(model.watched)
        terminal.resize(model.size)
        while true {
            terminal.draw(model.view())
            var descriptors = [
                pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
                pollfd(fd: terminal.signals, events: Int16(POLLIN), revents: 0),
                pollfd(fd: inbox.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let wait = model.deadline.map { max(0, ($0 - clock.sinceBoot().microseconds + 999) / 1000) } ?? -1
            let ready = poll(&descriptors, 3, Int32(clamping: wait))
            let present = moment()
            var events: [ConsoleEvent] = []
            if ready == 0 {
                model.zone = zone(present.wall)
                events.append(.tick)
            }
            for number in signalNumbers(terminal.signals) {
                switch number {
                case SIGWINCH: break  // the size is read below, whatever told us
                case SIGTSTP: terminal.suspend()
                default: events.append(.endAsked(number))
                }
            }
            let keys = terminal.keys()
            events += keys.map(ConsoleEvent.key)
            if keys.isEmpty, descriptors[0].revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0 {
                events.append(.endAsked(SIGHUP))
            }
            events += inbox.take()
            let size = terminal.windowSize()
            if size != model.size {
                terminal.resize(size)
                events.append(.resized(size))
            }
            for event in events {
                for effect in model.update(event, at: present) {
                    switch effect {
                    case .end(let ending): return ending
                    case .redraw: terminal.forget()
                    case .suspend: terminal.suspend()
                    case .watch(let campaign): watcher.watch(campaign)
                    case .waits(let campaign): watcher.watchWaits(campaign)
                    case .people(let request): desk.answer(request)
                    default: watcher.carryOut(effect)
                    }
                }
            }
        }
    }

    private static func signalNumbers(_ descriptor: Int32) -> [Int32] {
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &buffer, buffer.count)
        return count > 0 ? Set(buffer[..<count].map(Int32.init)).sorted() : []
    }

    /// Offset of local time from UTC at a moment, in seconds.
    private static func zone(_ time: Timestamp) -> Int {
        var seconds = time_t(time.microseconds / 1_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return parts.tm_gmtoff
    }
}
