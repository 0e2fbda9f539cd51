import Clock
import Queue

/// How an account spends what its caps allow: what a forecast reckons with beside the caps.
struct Pacing: Sendable {
    var window: SendingWindow?
    var isEven = false
    var retries: [RetryShare] = []

    init() {}

    init(_ account: AccountSettings, retries: [RetryShare]) {
        window = account.window
        isEven = account.pace == .even
        self.retries = retries
    }
}

extension Queue {
    func forecast(
        _ campaign: Int64, limits: [Limit], account: String, source: String, pace: Double?, pacing: Pacing
    ) throws -> Timestamp? {
        try forecast(
            campaign, limits: limits, account: account, source: source, pace: pace, window: pacing.window,
            isEven: pacing.isEven, retries: pacing.retries)
    }
}
