import CSystem
import Glibc

/// What a socket's readiness is known to be, and who waits for it to change. Touched on its lane only.
///
/// Readiness is edge-triggered: it is remembered here until a call says "would block".
final class Watch {
    enum Wakeup: Sendable { case ready, timedOut, closed }
    typealias Waiter = UnsafeContinuation<Wakeup, Never>

    private static let input = UInt32(EPOLLIN.rawValue) | ended
    private static let output = UInt32(EPOLLOUT.rawValue) | UInt32(EPOLLERR.rawValue) | UInt32(EPOLLHUP.rawValue)
    private static let ended =
        UInt32(EPOLLRDHUP.rawValue) | UInt32(EPOLLERR.rawValue) | UInt32(EPOLLHUP.rawValue)

    unowned let lane: Lane
    let slot: Int
    let generation: UInt32
    /// The peer will send no more: from here on reading never blocks, and no further edge will tell of it.
    private(set) var atEnd = false
    private(set) var isClosed = false
    private var readable = false
    private var writable = false
    private var reader: (waiter: Waiter, deadline: UInt64)?
    private var writer: (waiter: Waiter, deadline: UInt64)?

    init(lane: Lane, slot: Int, generation: UInt32) {
        self.lane = lane
        self.slot = slot
        self.generation = generation
    }

    func note(events: UInt32) {
        if events & Watch.ended != 0 { atEnd = true }
        if events & Watch.input != 0 {
            readable = true
            wakeReader(.ready)
        }
        if events & Watch.output != 0 {
            writable = true
            wakeWriter(.ready)
        }
    }

    /// Whether a read may find something, as far as the lane was told.
    var mayRead: Bool { readable || atEnd }

    /// A read took all there was.
    func drained() { readable = false }
    func filled() { writable = false }

    func untilReadable(deadline: UInt64) async -> Wakeup {
        lane.checkIsolated()  // off the lane a wake-up would be missed, and the caller hang: better to end
        if isClosed { return .closed }
        if readable || atEnd { return .ready }
        return await withUnsafeContinuation { (waiter: Waiter) in
            // Again: a task that does not prefer this lane gives way on the way here, and the edge may just have passed.
            if isClosed { return waiter.resume(returning: .closed) }
            if mayRead { return waiter.resume(returning: .ready) }
            precondition(reader == nil, "two calls read one connection at once")
            reader = (waiter, deadline)
            lane.deadlineBegins()
        }
    }

    func untilWritable(deadline: UInt64) async -> Wakeup {
        lane.checkIsolated()
        if isClosed { return .closed }
        if writable { return .ready }
        return await withUnsafeContinuation { (waiter: Waiter) in
            if isClosed { return waiter.resume(returning: .closed) }
            if writable { return waiter.resume(returning: .ready) }
            precondition(writer == nil, "two calls write one connection at once")
            writer = (waiter, deadline)
            lane.deadlineBegins()
        }
    }

    func expire(at now: UInt64) {
        if let reader, reader.deadline <= now { wakeReader(.timedOut) }
        if let writer, writer.deadline <= now { wakeWriter(.timedOut) }
    }

    func end() {
        isClosed = true
        wakeReader(.closed)
        wakeWriter(.closed)
    }

    private func wakeReader(_ how: Wakeup) {
        guard let waiting = reader else { return }
        reader = nil
        lane.deadlineEnds()
        waiting.waiter.resume(returning: how)
    }

    private func wakeWriter(_ how: Wakeup) {
        guard let waiting = writer else { return }
        writer = nil
        lane.deadlineEnds()
        waiting.waiter.resume(returning: how)
    }
}
