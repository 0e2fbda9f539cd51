import Clock
import Queue

/// How an account spends what its caps allow: what a forecast reckons with beside the caps.
struct Pacing: Sendable {
    var window: SendingWindow?
    var isEven = false
    var retry: [Duration] = []

    init() {}

    init(_ account: AccountSettings, retry: [Duration]) {
        window = account.window
        isEven = account.pace == .even
        self.retry = retry
    }
}

extension Queue {
    func forecast(
        _ campaign: Int64, limits: [Limit], account: String, source: String, pace: Double?, pacing: Pacing
    ) throws -> Timestamp? {
        try forecast(
            campaign, limits: limits, account: account, source: source, pace: pace, window: pacing.window,
            isEven: pacing.isEven, retry: pacing.retry)
    }
}
