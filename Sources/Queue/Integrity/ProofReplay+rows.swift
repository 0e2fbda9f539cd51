/// What is kept of a row while it goes by.
extension ProofReplay {
    /// One limit on one key, watched while the begins go by.
    struct Watch {
        let held: HeldLimit
        var messages = 0
        /// Where the least was left: what was counted, of how many, and when.
        var peak = 0
        var allowed = 0
        var peakAt: Int64 = 0
        var slack: Int64?
        /// Messages of which nobody can say whether they kept the limit.
        var unclear = 0
        /// How many settles are as old as the window, and the time of the first that is not.
        var left: Int64 = 0
        var next: Int64?
    }

    struct Key {
        let id: Int64
        let scope: LimitScope
        let name: String
        let open: Int64
        let seq: Int64
        let lastAt: Int64
        /// Grants up to this one were taken out by retention.
        let pruned: Int64
        /// The number before the first grant's: less than 0 where some were recalled.
        let base: Int64
        /// Attempts up to this one were begun before it was counted: they count, and were held to nothing.
        let uncounted: Int64
        /// Messages begun so far.
        var begun: Int64 = 0
        var firstBegun: Int64?
        var openSeen: Int64 = 0
        var watches: [Watch]

        /// Grants given so far.
        var total: Int64 { seq - base }

        var title: String { "\(scope.rawValue) \(name)" }
    }

    struct Claimed {
        var at: Int64
        var wall: Int64
        var known: Int64?
        /// The last attempt before it.
        var attempt: Int64
        var fills: Bool
    }

    struct Grant {
        var key: Int64
        var seq: Int64
        var at: Int64
    }

    struct Attempt {
        var id: Int64
        var campaign: Int64
        var runner: Int64
        var account: String
        /// Of source, account and domain: what it is charged to.
        var charged: [Int64]
        var started: Int64
        var isOpen: Bool
        /// Some of its grants were taken out by retention.
        var isRetired: Bool
        /// Its domain was counted, and no limit by domain held for it.
        var isFree: Bool
    }
}
