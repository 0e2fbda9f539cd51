/// Which leases a runner has, and who in them is neither begun nor given back: what it knows of its rows in `lease`.
///
/// A lease whose last recipient is gone from it is *spent*, and its row is deleted by the runner's next commit. A lease
/// out of which some are given back is *torn*: what is left of it is leased one by one, in *pieces*. That is written
/// down here within the commit that does it, so that the next one in it finds what it left; if the commit fails, it is
/// *mended*. Until then others may have begun or given back some of the pieces.
struct LeaseBook {
    /// Recipients by lease, and leases by recipient. A recipient that is put off and leased again, before its first
    /// lease has heard of it, is in both; the newer one is in `leaseOf`.
    private(set) var leases: [Int64: Held] = [:]
    private(set) var leaseOf: [Int64: Int64] = [:]
    private var spent: [Int64] = []

    /// A class: a set changed in place in a dictionary is copied each time.
    final class Held {
        /// `LeaseRange.fresh`.
        let fresh: Bool
        fileprivate(set) var recipients: Set<Int64>

        fileprivate init(fresh: Bool, recipients: [Int64]) {
            self.fresh = fresh
            self.recipients = Set(recipients)
        }
    }

    /// A lease out of which some were given back.
    struct Torn {
        let lease: Int64
        let fresh: Bool
        /// Those to be leased one by one.
        fileprivate(set) var left: Set<Int64> = []
        fileprivate(set) var released: Set<Int64> = []
        /// The leases of those left, by recipient.
        fileprivate var pieces: [Int64: Int64] = [:]
    }

    /// Takes note of new leases, with those who are in each.
    mutating func hold(_ made: [(LeaseRange, [Int64])]) {
        for (range, recipients) in made {
            leases[range.id] = Held(fresh: range.fresh, recipients: recipients)
            for recipient in recipients { leaseOf[recipient] = range.id }
        }
    }

    /// Takes note of the lease of one of those left (`range.first`).
    mutating func hold(piece range: LeaseRange, of torn: inout Torn) {
        torn.pieces[range.first] = range.id
        hold([(range, [range.first])])
    }

    /// Lets go of recipients, and of the leases they were in; who is in none is passed over.
    mutating func tear(_ recipients: [Int64]) -> [Torn] {
        var torn: [Int64: Torn] = [:]
        for recipient in recipients {
            guard let lease = leaseOf.removeValue(forKey: recipient), let held = leases[lease] else { continue }
            held.recipients.remove(recipient)
            torn[lease, default: Torn(lease: lease, fresh: held.fresh)].released.insert(recipient)
        }
        for lease in torn.keys { torn[lease]?.left = leases.removeValue(forKey: lease)?.recipients ?? [] }
        return Array(torn.values)
    }

    /// As before `tear`, but for those begun meanwhile: what was made of the leases never came to the disk.
    mutating func mend(_ torn: [Torn]) {
        for old in torn {
            let left = old.left.filter { recipient in
                guard let piece = old.pieces[recipient] else { return true }
                return leases.removeValue(forKey: piece) != nil
            }
            let recipients = old.released.union(left)
            leases[old.lease] = Held(fresh: old.fresh, recipients: Array(recipients))
            for recipient in recipients { leaseOf[recipient] = old.lease }
        }
    }

    /// Takes a recipient out of its lease: it is begun, or waits for later.
    /// - Parameter lease: the one it was in when that was written. It may be in another by now, which stays; where the
    ///   old one was torn meanwhile, its piece is meant (history 3474377298).
    mutating func consume(_ recipient: Int64, in lease: Int64?) {
        guard let then = lease,
            let lease = leases[then]?.recipients.contains(recipient) == true ? then : leaseOf[recipient],
            let held = leases[lease]
        else { return }
        if leaseOf[recipient] == lease { leaseOf[recipient] = nil }
        held.recipients.remove(recipient)
        if held.recipients.isEmpty {
            leases[lease] = nil
            spent.append(lease)
        }
    }

    /// The spent leases, for a commit to delete their rows; from here on they are its.
    mutating func takeSpent() -> [Int64] {
        defer { spent = [] }
        return spent
    }

    /// That commit failed: the next one deletes them.
    mutating func putBack(spent leases: [Int64]) { spent += leases }
}
