@testable import Queue

extension CrashHistory {
    /// What is wrong with the rows of a runner that has just leased; nil when nothing is. They say what it has, no more
    /// and no less: what no row says goes to a second runner as well, and a row that outlived its use keeps people from
    /// everybody for as long as the runner lives.
    /// - Parameters:
    ///   - stored: the rows of its campaign before.
    ///   - seen: the queue before.
    func misheld(by id: Int64, before stored: [Queue.StoredLease], _ seen: QueueModel) throws -> String? {
        guard let member = machine.members[id] else { return nil }
        let rows = try machine.queues[member.process].leases(member.runner.campaign).filter { $0.runner == id }
        let held = Set(member.held.map(\.id))
        let fresh = seen.free(member.runner.campaign, stored).filter { seen.recipients[$0]?.due == 0 }
        if let id = held.first(where: { one in
            machine.leased[one] == id && !rows.contains { $0.range.contains(one) }
        }) {
            return "recipient \(id) is held, and no row says so"
        }
        for row in rows {
            let covered = Set(row.range)
            if covered.isDisjoint(with: held), covered.isDisjoint(with: machine.disturbed) {
                return "the row of \(row.range) outlived its use"
            }
            let isNew = !stored.contains { $0.runner == id && $0.fresh == row.fresh && $0.range == row.range }
            if isNew, row.fresh, !covered.intersection(fresh).isSubset(of: held) {
                return "the row of \(row.range) says more than was leased"
            }
        }
        return nil
    }
}
