import Dispatch
import Glibc
import Synchronization

/// SIGINT and SIGTERM as calls: the first asks, the second ends the process at once.
final class SignalWatch: Sendable {
    // Filled by `init`, emptied by `stop`, which its one owner calls; Dispatch's own functions may be called anywhere.
    private nonisolated(unsafe) var sources: [any DispatchSourceSignal] = []
    private let first = Mutex<Int32?>(nil)

    /// - Parameter heard: the signal's number, and whether it is the first one; on a queue of its own.
    init(_ heard: @escaping @Sendable (Int32, Bool) -> Void) {
        let queue = DispatchQueue(label: "outpost.signals")
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { [self] in
                let isFirst = first.withLock { first in
                    defer { first = first ?? number }
                    return first == nil
                }
                heard(number, isFirst)
            }
            source.resume()
            sources.append(source)
        }
    }

    /// The first signal heard.
    var received: Int32? { first.withLock { $0 } }

    func stop() {
        for source in sources { source.cancel() }
        sources = []
    }
}
