import Testing

@testable import Queue

@Suite struct LeaseBookTests {
    private var book = LeaseBook()

    private mutating func hold(_ id: Int64, _ recipients: [Int64], fresh: Bool = true) {
        book.hold(
            LeaseRange(id: id, fresh: fresh, first: recipients.min() ?? 0, last: recipients.max() ?? 0), recipients)
    }

    private mutating func letGo(_ recipients: Int64...) { for recipient in recipients { book.letGo(recipient) } }

    private var held: [Int64: Set<Int64>] {
        Dictionary(book.leaseOf.values.map { ($0.id, $0.recipients) }, uniquingKeysWith: { $1 })
    }

    @Test("a lease is emptied by its last recipient, once")
    mutating func emptied() {
        hold(1, [10, 11])
        letGo(10, 10)
        #expect(book.emptied(since: 0) == [] && held == [1: [11]])
        let mark = book.mark
        letGo(11, 11)
        #expect(book.emptied(since: mark) == [1] && book.emptied(since: book.mark) == [] && held.isEmpty)
    }

    @Test("who was leased by nobody, or is begun already, changes nothing")
    mutating func unknown() {
        hold(1, [10, 11])
        letGo(10)
        let mark = book.mark
        letGo(10, 77)
        #expect(book.mark == mark && book.leases(of: [10, 77]).isEmpty && held == [1: [11]])
    }

    @Test("who is leased anew leaves the lease it was in, and takes nothing out of the newer one")
    mutating func newer() {
        hold(1, [10, 11])
        hold(2, [10], fresh: false)
        #expect(held == [1: [11], 2: [10]])
        hold(3, [11])
        #expect(book.emptied(since: 0) == [1] && held == [2: [10], 3: [11]])
    }

    @Test("the leases of some are told once each, with those who are in them still")
    mutating func torn() {
        hold(1, [10, 11, 12])
        hold(2, [20], fresh: false)
        let leases = book.leases(of: [10, 12, 20, 77])
        letGo(10, 12, 20)
        #expect(leases.map(\.id) == [1, 2] && leases.map(\.fresh) == [true, false])
        #expect(leases.map(\.recipients) == [[11], []] && book.emptied(since: 0) == [2])
    }

    @Test("a commit that failed was never: whatever was torn, and torn again, is one lease as before")
    mutating func failed() {
        hold(1, [10, 11, 12])
        hold(2, [20], fresh: false)
        book.keep()
        letGo(10)
        hold(3, [11])
        hold(4, [12])
        letGo(11, 20)
        // The number of a lease that is gone may be given anew.
        hold(3, [30])
        #expect(book.emptied(since: 0) == [1, 3, 2] && held == [3: [30], 4: [12]])
        book.takeBack()
        #expect(held == [1: [10, 11, 12], 2: [20]] && book.mark == 0)
        #expect(book.leaseOf[11]?.fresh == true && book.leaseOf[20]?.fresh == false)
        letGo(10, 11, 12)
        #expect(book.emptied(since: 0) == [1])
    }

    @Test("an operation that was refused leaves what others in its commit have done")
    mutating func refused() {
        hold(1, [10, 11, 12])
        letGo(10)
        let mark = book.mark
        hold(2, [11])
        letGo(12)
        book.takeBack(to: mark)
        #expect(held == [1: [11, 12]] && book.mark == mark)
    }

    @Test("what is on the disk is not taken back")
    mutating func kept() {
        hold(1, [10, 11])
        letGo(10)
        book.keep()
        letGo(11)
        book.takeBack()
        #expect(held == [1: [11]])
    }
}
