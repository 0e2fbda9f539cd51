import Dispatch
import Synchronization

// Whether tsan.c fits the compiler at hand: in what is in order nothing may be reported, and a race (argument `race`) must be.

/// Unsafe on purpose: ThreadSanitizer is to judge it, not the compiler.
final class Counter: @unchecked Sendable {
    let mutex = Mutex(())
    var count = 0
}

let counter = Counter()
DispatchQueue.concurrentPerform(iterations: 8) { _ in
    for _ in 0..<20_000 { counter.mutex.withLock { _ in counter.count += 1 } }
}

/// Resumed before its task waits for it, at times.
func answer(_ queue: DispatchQueue) async throws -> [Int] {
    try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<[Int], any Error>) in
        queue.async { continuation.resume(returning: [1, 2, 3]) }
    }
}

let queues = (0..<4).map { DispatchQueue(label: "queue \($0)") }
let sum = await withTaskGroup(of: Int.self) { group in
    for lane in 0..<8 {
        group.addTask {
            var sum = 0
            for _ in 0..<3_000 { sum += (try? await answer(queues[lane % 4]))?.count ?? 0 }
            return sum
        }
    }
    return await group.reduce(0, +)
}
precondition(counter.count == 160_000 && sum == 72_000)

if CommandLine.arguments.contains("race") {
    DispatchQueue.concurrentPerform(iterations: 4) { _ in for _ in 0..<200_000 { counter.count += 1 } }
}
