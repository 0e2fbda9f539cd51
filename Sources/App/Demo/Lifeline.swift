import CSystem
import Dispatch
import Glibc

/// Ends the children of a process that ends, however it ends.
///
/// The parent holds the writing end of a pipe, which the kernel closes with it; every child holds the reading one and
/// waits for its end. (PR_SET_PDEATHSIG would do it with the *thread* that started the child, and Dispatch's threads come
/// and go.)
enum Lifeline {
    /// Says in a child that descriptor 3 is one.
    static let variable = "OUTPOST_LIFELINE"
    static let descriptor: Int32 = 3

    /// The reading end, to be given to children; -1 when there is none to be had. The writing end is never closed.
    static let end: Int32 = {
        var ends: [Int32] = [-1, -1]
        return CSystem_pipe(&ends) == 0 ? ends[0] : -1
    }()

    // Written once, before anything else runs.
    private nonisolated(unsafe) static var watch: (any DispatchSourceRead)?

    /// In a child that was started with one: ends it when its parent is gone, in order if it can within a second.
    static func follow() {
        guard Environment.value(variable) != nil else { return }
        unsetenv(variable)
        _ = CSystem_close_on_exec(descriptor)
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
        source.setEventHandler {
            // Nobody ever writes: readable means over.
            watch?.cancel()
            kill(getpid(), SIGTERM)
            DispatchQueue.global().asyncAfter(deadline: .now() + 1) { kill(getpid(), SIGKILL) }
        }
        watch = source
        source.resume()
    }
}
