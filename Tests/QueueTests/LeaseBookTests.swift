import Testing

@testable import Queue

@Suite struct LeaseBookTests {
    private var book = LeaseBook()

    private mutating func hold(_ id: Int64, _ recipients: [Int64], fresh: Bool = true) {
        let range = LeaseRange(id: id, fresh: fresh, first: recipients.min() ?? 0, last: recipients.max() ?? 0)
        book.hold([(range, recipients)])
    }

    /// Gives some back out of one lease, as a commit does that leases those left under the numbers after `last`.
    private mutating func release(_ recipients: [Int64], last: Int64) -> [LeaseBook.Torn] {
        var (torn, number) = (book.tear(recipients), last)
        for index in torn.indices {
            for recipient in torn[index].left.sorted() {
                number += 1
                let piece = LeaseRange(id: number, fresh: torn[index].fresh, first: recipient, last: recipient)
                book.hold(piece: piece, of: &torn[index])
            }
        }
        return torn
    }

    private var held: [Int64: Set<Int64>] { book.leases.mapValues(\.recipients) }

    @Test("a lease is spent with its last recipient, once; a commit that failed leaves it to the next")
    mutating func spent() {
        hold(1, [10, 11])
        book.consume(10, in: 1)
        book.consume(10, in: 1)
        #expect(book.takeSpent() == [] && held == [1: [11]])
        book.consume(11, in: 1)
        #expect(held.isEmpty && book.leaseOf.isEmpty)
        let spent = book.takeSpent()
        #expect(spent == [1] && book.takeSpent() == [])
        book.putBack(spent: spent)
        #expect(book.takeSpent() == [1])
    }

    @Test("who was leased by nobody, or is begun already, changes nothing")
    mutating func unknown() {
        hold(1, [10, 11])
        book.consume(10, in: 1)
        book.consume(77, in: 1)
        book.consume(11, in: nil)
        book.consume(11, in: 9)
        #expect(book.tear([10, 77]).isEmpty)
        #expect(book.takeSpent() == [1] && held.isEmpty)
    }

    @Test("what is begun is taken out of the lease it was in then, not out of a newer one")
    mutating func newer() {
        hold(1, [10, 11])
        hold(2, [10], fresh: false)
        book.consume(10, in: 1)
        #expect(held == [1: [11], 2: [10]] && book.leaseOf[10] == 2)
        book.consume(10, in: 2)
        #expect(book.takeSpent() == [2])
    }

    @Test("what is left of a torn lease is in a piece each, which is meant when one of them is begun")
    mutating func torn() {
        hold(1, [10, 11, 12])
        let torn = release([11], last: 1)
        #expect(torn.map(\.lease) == [1] && torn[0].fresh && torn[0].released == [11] && torn[0].left == [10, 12])
        #expect(held == [2: [10], 3: [12]] && book.leaseOf == [10: 2, 12: 3])
        // Begun in the same commit, before it was torn.
        book.consume(10, in: 1)
        #expect(held == [3: [12]] && book.takeSpent() == [2])
        #expect(release([12], last: 3).map(\.lease) == [3] && held.isEmpty && book.takeSpent() == [])
    }

    @Test("a mended lease is as it was, and no piece of it is left")
    mutating func mended() {
        hold(1, [10, 11, 12])
        hold(2, [20], fresh: false)
        book.mend(release([11, 20], last: 2))
        #expect(held == [1: [10, 11, 12], 2: [20]] && book.leaseOf == [10: 1, 11: 1, 12: 1, 20: 2])
        #expect(book.leases[1]?.fresh == true && book.leases[2]?.fresh == false)
    }

    @Test("a lease is mended without those whom others began, or gave back, before it was")
    mutating func meanwhile() {
        hold(1, [10, 11, 12, 13])
        let torn = release([11], last: 1)
        book.consume(10, in: 2)
        _ = release([12], last: 4)
        book.mend(torn)
        #expect(held == [1: [11, 13]] && book.leaseOf == [11: 1, 13: 1])
        // Pieces that never came to the disk; their numbers are nobody else's.
        #expect(book.takeSpent() == [2])
        book.consume(13, in: 4)
        #expect(held == [1: [11]])
    }

    @Test("two that tore one lease in one failed commit leave everybody in a lease, whoever hears of it first")
    mutating func twice() {
        for isFirstFirst in [true, false] {
            book = LeaseBook()
            hold(1, [10, 11, 12])
            let first = release([10], last: 1)
            let second = release([11], last: 3)
            for torn in isFirstFirst ? [first, second] : [second, first] { book.mend(torn) }
            #expect(book.leaseOf.keys.sorted() == [10, 11, 12])
            for recipient in [10, 11, 12] as [Int64] { book.consume(recipient, in: book.leaseOf[recipient]) }
            #expect(held.isEmpty && book.takeSpent().contains(1))
        }
    }
}
