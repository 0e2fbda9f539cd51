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
    ///   - retries: the waits between attempts; as large a share is put off as was lately.
    /// - Returns: nil when there is nothing left to send, or nothing to reckon with.
    public func forecast(
        _ campaign: Int64, limits: [Limit], account: String, source: String, pace: Double?,
        window: SendingWindow? = nil, isEven: Bool = false, retries: [RetryShare] = []
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
        basis.retries = retries
        basis.start = schedule.at
        basis.windows = [window, schedule.window].compactMap { $0 }
        if measured > 0 { basis.step = Int64(1_000_000 / measured) }
        guard basis.hasObstacles || limits.contains(where: { $0.scope == .domain }) else { return nil }
        let beside = try others(besides: campaign, account: account, source: source)
        // Those in flight hold their grants already.
        return basis.course(waiting + Self.shared(waiting, beside)).finish ?? basis.present
    }

    /// Campaigns that live processes send over the same account or from the same source: what they take of the caps is not
    /// left for this one.
    /// - Parameter campaign: nil for one that is not in the queue yet.
    /// - Throws: `QueueError`.
    public func others(besides campaign: Int64?, account: String, source: String) throws -> [CampaignBeside] {
        let ids = Set(
            try runners(nil).filter { $0.account == account || $0.source == source }.map(\.campaign)
        ).subtracting([campaign ?? 0])
        guard !ids.isEmpty else { return [] }
        return try read { db, _ in
            try ids.sorted().compactMap { id in
                try Row.fetchOne(
                    db, sql: "SELECT name, pending + deferred FROM campaign WHERE id = ? AND state = ?",
                    arguments: [id, CampaignState.sending.code]
                ).map { CampaignBeside(name: $0[0], left: $0[1]) }
            }.filter { $0.left > 0 }
        }
    }

    /// Messages of others that go before the last of `count`, where all get the same share of the caps: of each at most as many.
    public static func shared(_ count: Int, _ others: [CampaignBeside]) -> Int {
        others.reduce(0) { $0 + min(count, $1.left) }
    }

    /// The first moment from `time` on at which one more message may be begun: every cap, the sending hours and the pace
    /// together, as a forecast has it.
    /// - Parameters:
    ///   - campaign: its own schedule holds as it is given.
    ///   - window: the account's.
    ///   - domain: the message's, whose caps hold too; nil for one without.
    public func nextBegin(
        _ campaign: Campaign, from time: Timestamp, limits: [Limit], account: String, source: String,
        window: SendingWindow?, isEven: Bool, domain: String?
    ) throws -> Timestamp {
        var basis = try courseBasis(
            limits, account: account, source: source, campaign: campaign.id, domains: domain.map { [$0: 1] } ?? [:])
        // Of one message nothing is known yet.
        basis.deferredShare = 0
        basis.isEven = isEven
        basis.start = max(time, campaign.schedule.at ?? time)
        basis.windows = [window, campaign.schedule.window].compactMap(\.self)
        return basis.nextBegin
    }
}

/// A campaign that is sent at the same time under the same caps.
public struct CampaignBeside: Sendable, Hashable {
    public let name: String
    /// People still to be sent to.
    public let left: Int
}
