/// Which leases a runner has, and who in them is neither begun nor given back: what it knows of its rows in `lease`.
///
/// It is changed by the commits that change those rows, on the Journal's queue; so each operation finds what those
/// before it left, in here as in the file. A change is a *move*: of one recipient, into a new lease or out of all. If the
/// commit fails its moves are taken back, the last one first, before there is another.
struct LeaseBook {
    /// Nobody is in two leases.
    private(set) var leaseOf: [Int64: Held] = [:]
    private var moves: [Move] = []

    /// A class: a set changed in place in a dictionary is copied each time.
    final class Held {
        let id: Int64
        /// `LeaseRange.fresh`.
        let fresh: Bool
        fileprivate(set) var recipients: Set<Int64> = []

        fileprivate init(id: Int64, fresh: Bool) {
            self.id = id
            self.fresh = fresh
        }
    }

    private struct Move {
        let recipient: Int64
        let from: Held?
        let to: Held?
        /// Nobody was left in `from`.
        let isLast: Bool
    }

    /// Moves recipients into a new lease; who was put off may be in an older one still.
    mutating func hold(_ range: LeaseRange, _ recipients: [Int64]) {
        let held = Held(id: range.id, fresh: range.fresh)
        for recipient in recipients { move(recipient, to: held) }
    }

    /// Moves a recipient out: it is begun, waits for later, or is given back. Who is in no lease is passed over.
    mutating func letGo(_ recipient: Int64) { if leaseOf[recipient] != nil { move(recipient, to: nil) } }

    private mutating func move(_ recipient: Int64, to: Held?) {
        let from = leaseOf[recipient]
        from?.recipients.remove(recipient)
        to?.recipients.insert(recipient)
        leaseOf[recipient] = to
        moves.append(Move(recipient: recipient, from: from, to: to, isLast: from?.recipients.isEmpty == true))
    }

    /// The leases that some are in, once each.
    func leases(of recipients: [Int64]) -> [Held] {
        var met: Set<Int64> = []
        return recipients.compactMap { leaseOf[$0] }.filter { met.insert($0.id).inserted }
    }

    // MARK: Commits

    /// How many moves this commit has made.
    var mark: Int { moves.count }

    /// Leases that nobody is in any more, by the moves since a mark.
    func emptied(since mark: Int) -> [Int64] { moves[mark...].compactMap { $0.isLast ? $0.from?.id : nil } }

    /// The commit is on the disk.
    mutating func keep() { moves.removeAll(keepingCapacity: true) }

    /// The moves since a mark never were: the operation was refused, or its commit failed.
    mutating func takeBack(to mark: Int = 0) {
        while moves.count > mark {
            let move = moves.removeLast()
            move.to?.recipients.remove(move.recipient)
            move.from?.recipients.insert(move.recipient)
            leaseOf[move.recipient] = move.from
        }
    }
}
