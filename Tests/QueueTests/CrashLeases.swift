@testable import Queue

extension CrashHistory {
    /// What is wrong with the rows of living runners; nil when nothing is. They say what each has, no more and no less:
    /// what no row says goes to a second runner as well, and a row that outlived its use keeps people from everybody
    /// for as long as the runner lives.
    func misheld() throws -> String? {
        for (id, member) in machine.members.sorted(by: { $0.key < $1.key }) {
            let held = Set(member.held.map(\.id))
            let rows = try rows(of: id, member)
            if let one = held.first(where: { one in
                machine.leased[one] == id && !rows.contains { $0.range.contains(one) }
            }) {
                return "recipient \(one) is held by runner \(id), and no row says so"
            }
            if let row = rows.first(where: {
                held.isDisjoint(with: $0.range) && machine.disturbed.isDisjoint(with: $0.range)
            }) {
                return "the row of \(row.range) outlived its use by runner \(id)"
            }
        }
        return nil
    }

    /// Whether the rows of a runner that has just leased say more than it got; nil when they do not.
    /// - Parameters:
    ///   - stored: the rows of its campaign before.
    ///   - seen: the queue before.
    func overheld(by id: Int64, before stored: [Queue.StoredLease], _ seen: QueueModel) throws -> String? {
        guard let member = machine.members[id] else { return nil }
        let held = Set(member.held.map(\.id))
        let fresh = seen.free(member.runner.campaign, stored).filter { seen.recipients[$0]?.due == 0 }
        for row in try rows(of: id, member) where row.fresh {
            let isNew = !stored.contains { $0.runner == id && $0.fresh == row.fresh && $0.range == row.range }
            if isNew, !fresh.intersection(row.range).isSubset(of: held) {
                return "the row of \(row.range) says more than was leased"
            }
        }
        return nil
    }

    private func rows(of id: Int64, _ member: CrashMachine.Member) throws -> [Queue.StoredLease] {
        try machine.queues[member.process].leases(member.runner.campaign).filter { $0.runner == id }
    }
}
