import Queue

/// Drops old texts while a campaign is sent: some hundred rows a second while messages go out, more when all waits.
struct RetentionKeeper: Sendable {
    private let task: Task<Void, Never>

    init(_ queue: Queue, _ config: Config) {
        let sweep = queue.sweep(config.retention, limits: config.allCaps)
        task = Task {
            // Not among the first messages.
            try? await Task.sleep(for: .seconds(2))
            while !Task.isCancelled {
                let before = queue.journalCounters.operations
                // What keeps the queue from being written ends the sending, and is said there.
                let hasMore = (try? await sweep.step()) ?? false
                guard hasMore else {
                    try? await Task.sleep(for: .seconds(60))
                    continue
                }
                try? await Task.sleep(for: .milliseconds(50))
                let isIdle = queue.journalCounters.operations - before < 4
                if !isIdle { try? await Task.sleep(for: .milliseconds(200)) }
            }
        }
    }

    func stop() { task.cancel() }
}
