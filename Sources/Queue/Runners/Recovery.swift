import GRDB

/// What is done for runners that died: their open attempts end in doubt, and all they held is let go.
extension Commit {
    /// The reply of an attempt whose process ended; `Doubt.Cause` is known by it.
    static let doubt = "The sending process ended before the server's answer was recorded."

    /// - Parameters:
    ///   - campaign: only its runners; nil for all.
    ///   - own: the policy is that campaign's, and others' doubts are held; nil when it is everybody's.
    func recoverDead(
        _ policy: DoubtPolicy, of campaign: Int64? = nil, own: Int64? = nil, queue path: String
    ) throws -> Recovery {
        var recovery = Recovery()
        let query = try prepare("SELECT id, campaign, keys, pid, host, seen FROM runner")
        var dead: [(id: Int64, campaign: Int64, keys: [Int64], process: Int64, host: String, seen: Int64)] = []
        while try query.step() {
            let id = query.integer(0)
            if let campaign, query.integer(1) != campaign { continue }
            if try RunnerLock.isHeld(id, queue: path) { continue }
            dead.append(
                (id, query.integer(1), Self.keys(query.text(2)), query.integer(3), query.text(4), query.integer(5)))
        }
        for runner in dead {
            let policy = own.map { $0 == runner.campaign } ?? true ? policy : .hold
            let open = try endRunner(runner.id, runner.keys, policy, campaign: runner.campaign, at: runner.seen)
            let fate =
                switch policy {
                case .hold: "held until somebody decides"
                case .resend: "to be sent again"
                case .assumeSent: "taken for sent"
                }
            let messages = open == 0 ? "no message was in flight" : "\(open) in flight: \(fate)"
            try record(
                runner.campaign, kind: "recovery",
                "A sending process (\(runner.process) on \(runner.host)) ended without a word; \(messages).")
            recovery.runners += 1
            recovery.inDoubt += open
        }
        return recovery
    }

    /// Takes a runner out; answers how many of its attempts were open and end in doubt.
    /// - Parameter moment: when (queue time) it was last known to live.
    func endRunner(
        _ id: Int64, _ keys: [Int64], _ policy: DoubtPolicy, campaign: Int64, at moment: Int64
    ) throws -> Int {
        let open = try openAttempts(id)
        try endSpells(campaign, runner: id, at: moment)
        for (attempt, what) in open {
            let settlement = Settlement(attempt: attempt, outcome: .inDoubt, reply: Self.doubt)
            try settle(settlement, what, keys, by: policy.decision)
        }
        for sql: StaticString in ["DELETE FROM lease WHERE runner = ?", "DELETE FROM runner WHERE id = ?"] {
            let delete = try prepare(sql)
            delete.bind(1, id)
            try delete.run()
        }
        return open.count
    }

    func openAttempts(_ runner: Int64) throws -> [(Int64, OpenAttempt)] {
        let query = try prepare(
            "SELECT id, recipient, campaign, cap FROM attempt WHERE runner = ? AND outcome IS NULL")
        query.bind(1, runner)
        var found: [(Int64, OpenAttempt)] = []
        while try query.step() {
            let open = OpenAttempt(recipient: query.integer(1), campaign: query.integer(2), cap: query.optional(3))
            found.append((query.integer(0), open))
        }
        return found
    }

    static func keys(_ text: String) -> [Int64] { text.split(separator: ",").compactMap { Int64($0) } }
}

extension Queue {
    /// Puts in order what dead runners left, of one campaign or of all.
    public func recoverDead(_ policy: DoubtPolicy, of campaign: Int64? = nil) throws -> Recovery {
        let path = path
        return try writeNow { try $0.recoverDead(policy, of: campaign, queue: path) }
    }
}
