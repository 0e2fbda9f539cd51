import Clock
import Queue

extension QueueConsoleSource {
    /// Bounded by the rests and spells that are kept, whatever the size of the campaign.
    func waits(_ name: String) throws -> CampaignWaits {
        guard let queue = try reading(), let campaign = try queue.campaign(named: name) else {
            throw Failure(.notFound, tr("There is no campaign \"{0}\".", name))
        }
        var found = CampaignWaits(campaign: name)
        let rests = try queue.rests()
        let runners = rests.isEmpty ? [] : try queue.runners(nil).filter { $0.status.cause?.kind == .rest }
        for record in rests {
            let rest = record.rest
            var waiting: [RestLine.Waiter] = []
            // Several processes of a campaign are one that waits.
            let ids = Set(
                runners.filter { $0.account == rest.account && $0.source == rest.source }.map(\.campaign))
            for id in ids.sorted() {
                guard let campaign = try queue.campaign(id: id) else { continue }
                waiting.append(.init(campaign: campaign.name, left: campaign.tallies.left))
            }
            found.rests.append(
                RestLine(
                    id: record.id, account: rest.account, source: rest.source, server: rest.server, since: rest.since,
                    until: rest.until, rule: rest.rule, reply: rest.reply, email: record.email, inARow: record.inARow,
                    waiting: waiting))
        }
        guard let history = try queue.spells(campaign.id) else { return found }
        let goesOn = campaign.state != .finished && campaign.state != .cancelled
        found.time = CampaignTime(
            since: history.since, microseconds: history.microseconds,
            parts: history.sums.map { .init(cause: $0.cause, microseconds: $0.microseconds) },
            spells: history.spells.enumerated().suffix(CampaignTime.most).reversed().map { index, spell in
                let isLast = index == history.spells.count - 1
                return CampaignTime.Line(
                    id: Int64(index), cause: spell.cause, runner: spell.runner, since: spell.since,
                    until: goesOn && isLast ? nil : spell.until, microseconds: spell.microseconds)
            })
        return found
    }

    func lift(_ rest: Int64) throws -> Int { try writing().liftRests([rest], by: Author.name) }
}
