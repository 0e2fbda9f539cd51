/// Notices when a list, not a recipient, is what servers refuse, before the whole of it is burnt: a share of final
/// refusals among the latest outcomes. Pure; the caller pauses the campaign.
struct RefusalWatch: Sendable, Equatable {
    /// Outcomes looked back on.
    static let span = 100
    /// Fewer outcomes say nothing yet.
    static let least = 50

    /// The share (0…1) from which on it is too much; nil never complains.
    let threshold: Double?
    private var latest: [Bool] = []
    private var next = 0
    private var refused = 0

    init(threshold: Double?) { self.threshold = threshold }

    /// Takes in one outcome. Returns the share of refusals when it has become too much.
    mutating func record(refused isRefused: Bool) -> Double? {
        if latest.count < Self.span {
            latest.append(isRefused)
        } else {
            if latest[next] { refused -= 1 }
            latest[next] = isRefused
            next = (next + 1) % Self.span
        }
        if isRefused { refused += 1 }
        guard let threshold, isRefused, latest.count >= Self.least else { return nil }
        let share = Double(refused) / Double(latest.count)
        return share >= threshold ? share : nil
    }
}
