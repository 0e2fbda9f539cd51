import Clock
import GRDB

extension Queue {
    /// When a campaign will be finished if nothing but the limits, the windows, the pace and the retries hold it up.
    ///
    /// The limiter is run forward: the same rules over simulated grants, seeded with those that were given.
    /// - Parameters:
    ///   - limits: all that hold, those of the campaign included.
    ///   - pace: messages a second that can be handed over; nil takes the present rate.
    ///   - window: the account's; the campaign's own schedule holds as it is stored.
    ///   - isEven: whether messages are spread over the window.
    ///   - retry: the waits between attempts; as large a share is put off as was lately.
    /// - Returns: nil when there is nothing left to send, or nothing to reckon with.
    public func forecast(
        _ campaign: Int64, limits: [Limit], account: String, source: String, pace: Double?,
        window: SendingWindow? = nil, isEven: Bool = false, retry: [Duration] = []
    ) throws -> Timestamp? {
        let measured = try pace ?? rate(campaign)
        let (waiting, inFlight, schedule) = try read { db, _ in
            guard
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT pending + deferred, sending, schedule FROM campaign
                        JOIN content ON content.campaign = campaign.id WHERE id = ?
                        """, arguments: [campaign])
            else { throw QueueError.noSuchCampaign("number \(campaign)") }
            return (row[0] as Int, row[1] as Int, Self.schedule(row[2]))
        }
        guard waiting + inFlight > 0 else { return nil }
        var basis = try courseBasis(limits, account: account, source: source, campaign: campaign, domains: nil)
        basis.isEven = isEven
        basis.waits = retry
        basis.start = schedule.at
        basis.windows = [window, schedule.window].compactMap { $0 }
        if measured > 0 { basis.step = Int64(1_000_000 / measured) }
        guard basis.hasObstacles || limits.contains(where: { $0.scope == .domain }) else { return nil }
        // Those in flight hold their grants already.
        return basis.course(waiting).finish ?? basis.present
    }
}
