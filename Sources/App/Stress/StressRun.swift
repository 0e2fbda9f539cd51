import CSystem
import Clock
import Dispatch
import Glibc
import Mail
import Queue
import Sender
import Synchronization

/// A load test of the whole way (queue, dispatcher, SMTP sessions) against a post office on this machine.
struct StressRun {
    var connections = 500
    var duration = Duration.seconds(1800)
    /// Ends it after so many, before the time is over.
    var messages: Int?
    var size = 11_000
    var tls = false
    var keep: String?
    var isQuiet = false

    /// People in one queue. Then a fresh one is begun, so that half an hour at full speed fills no disk (a person who has the
    /// message takes about 400 bytes).
    var perQueue = 250_000

    /// - Throws: `Failure` when it cannot be done at all.
    func run() async throws -> StressReport {
        let files = ProcessMemory.raiseOpenFiles()
        guard connections + 100 <= files else {
            throw Failure(
                .usage, tr("{0} connections need more open files than the {1} allowed here.", connections, files),
                next: tr("Ask for fewer, or raise the limit (ulimit -n)."))
        }
        let scratch = try Scratch("stress", kept: keep)
        let state = StressState()
        let signals = SignalWatch { number, isFirst in
            guard isFirst else {
                OwnChildren.kill()
                scratch.remove()
                _exit(128 + number)
            }
            state.interrupt()
        }
        defer {
            signals.stop()
            scratch.remove()
        }
        let meter = StressMeter()
        let office = try PostOfficeProcess(in: scratch.path, tls: tls ? "starttls" : "none") { meter.took($0) }
        defer { office.stop() }

        var report = StressReport()
        report.connections = connections
        report.size = size
        report.tls = tls
        let clock = SystemClock()
        let begin = clock.sinceBoot().microseconds
        let end = begin + duration.inMicroseconds
        let display = Task { [self] in await watch(meter, state, scratch, from: begin) }
        var left = messages ?? .max
        var spent: String?
        do {
            while left > 0, !state.isInterrupted, clock.sinceBoot().microseconds < end {
                if let spent { Scratch.remove(spent) }
                report.queues += 1
                let folder = try scratch.folder("queue-\(report.queues)")
                let round = StressRound(
                    folder: folder, account: account(office, in: scratch.path), size: size,
                    people: min(left, perQueue), end: end, meter: meter, state: state)
                let (verdict, findings) = try await round.run()
                report.add(verdict)
                report.findings += findings
                left -= min(left, perQueue)
                // What adds up makes room for the next one even where the folder is kept.
                spent = scratch.keeps && !(verdict.isClean && findings.isEmpty) ? nil : folder
                // Else the next queue's memory comes on top of what this one's has left in pieces.
                malloc_trim(0)
            }
        } catch {
            display.cancel()
            await display.value
            throw error
        }
        report.seconds = Double(state.busy) / 1_000_000
        display.cancel()
        await display.value
        report.picture = meter.picture()
        report.reached = state.peak
        report.memory = ProcessMemory.peak()
        report.postOfficeMemory = office.peakMemory
        report.disk = max(state.disk, scratch.size)
        report.isInterrupted = state.isInterrupted
        report.kept = scratch.keeps ? scratch.path : nil
        return report
    }

    private func account(_ office: PostOfficeProcess, in folder: String) -> Account {
        // Whatever the machine does, the caps are not what is measured.
        Account(
            name: "stress", host: "127.0.0.1", port: office.port, tls: tls ? .starttls : .none,
            caFile: tls ? PostOfficeProcess.authority(folder) : nil, sessions: connections,
            messagesPerSession: .max, retry: RetrySchedule(DurationText.waits("1s*9") ?? []))
    }

    /// Shows the run, and notes once a second how much disk it takes.
    private func watch(_ meter: StressMeter, _ state: StressState, _ scratch: Scratch, from begin: Int64) async {
        var display = StressDisplay()
        var frame = StressDisplay.Frame()
        frame.connections = connections
        frame.duration = messages == nil ? duration.inSeconds : nil
        frame.messages = messages
        var sent = 0
        var since = begin
        let clock = SystemClock()
        while !Task.isCancelled {
            let now = clock.sinceBoot().microseconds
            if !isQuiet { frame.picture = meter.picture() }
            frame.elapsed = Double(now - begin) / 1_000_000
            frame.open = state.open
            if now - since >= 1_000_000 {
                frame.rates.append(Double(frame.picture.sent - sent) * 1_000_000 / Double(now - since))
                if frame.rates.count > 120 { frame.rates.removeFirst() }
                (sent, since) = (frame.picture.sent, now)
                state.disk = scratch.size
            }
            if !isQuiet { display.show(frame) }
            try? await Task.sleep(for: .milliseconds(display.isTerminal ? 250 : 1000))
        }
    }
}

/// What the parts of a load test tell each other.
final class StressState: Sendable {
    private struct Values {
        var isInterrupted = false
        var open = 0
        var peak = 0
        var disk = 0
        var drain: (@Sendable () -> Void)?
        var busy: Int64 = 0
    }
    private let values = Mutex(Values())

    var isInterrupted: Bool { values.withLock { $0.isInterrupted } }
    /// Sessions that are not closed.
    var open: Int {
        get { values.withLock { $0.open } }
        set {
            values.withLock { values in
                values.open = newValue
                values.peak = max(values.peak, newValue)
            }
        }
    }
    /// The most sessions that were open at once.
    var peak: Int { values.withLock { $0.peak } }
    /// The most disk taken so far, in bytes.
    var disk: Int {
        get { values.withLock { $0.disk } }
        set { values.withLock { $0.disk = max($0.disk, newValue) } }
    }
    /// Microseconds in which messages went: neither the making of a queue nor the reckoning.
    var busy: Int64 { values.withLock { $0.busy } }

    func add(busy: Int64) { values.withLock { $0.busy += busy } }

    func interrupt() {
        let drain = values.withLock { values in
            values.isInterrupted = true
            return values.drain
        }
        drain?()
    }

    /// What an early end means now.
    func onInterrupt(_ drain: (@Sendable () -> Void)?) {
        let isLate = values.withLock { values in
            values.drain = drain
            return values.isInterrupted
        }
        if isLate { drain?() }
    }
}
