import Clock
import Testing

@testable import Queue

@Suite("The watch over refusals")
struct RefusalWatchTests {
    /// - Parameter answers: newest first.
    private func isTooMuch(_ answers: [Bool], share: Double = 0.5, again: Bool = false) -> Bool {
        var watch = RefusalWatch(share: share, again: again)
        for answer in answers where !watch.look(refused: answer) { break }
        return watch.isTooMuch
    }

    @Test("fifty answers are needed, and half of them; after a pause ten refusals are enough, unless as many were sent")
    func edges() {
        #expect(!isTooMuch(Array(repeating: true, count: 49)))
        #expect(isTooMuch(Array(repeating: true, count: 50)))
        #expect(isTooMuch((0..<50).map { $0 % 2 == 0 }))
        #expect(!isTooMuch((0..<51).map { $0 % 2 == 1 }))
        #expect(!isTooMuch(Array(repeating: true, count: 9), again: true))
        #expect(isTooMuch(Array(repeating: true, count: 10), again: true))
        #expect(!isTooMuch(Array(repeating: true, count: 10) + Array(repeating: false, count: 11), again: true))
    }

    @Test("only the last hundred count")
    func window() {
        let few = Array(repeating: true, count: 49) + Array(repeating: false, count: 51)
        #expect(!isTooMuch(few + Array(repeating: true, count: 500)))
        #expect(isTooMuch(Array(repeating: true, count: 50) + Array(repeating: false, count: 500)))
    }

    private func refuse(_ count: Int, _ runner: Runner, _ outcome: AttemptOutcome = .failed) async throws -> Int {
        for done in 0..<count {
            // Nobody is leased in a paused campaign.
            guard let next = try await runner.lease(1).recipients.first,
                let attempt = try await runner.exchange(settle: [], begin: [next.request]).first?.attempt
            else { return done }
            try await runner.settle(attempt, outcome)
        }
        return count
    }

    @Test("several processes, one after the other or at once, count together; each order to go on costs ten more")
    func shared() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 200)
        // Nobody's process sees more than twenty answers.
        var begun = 0
        for _ in 0..<4 {
            let (one, two) = (try await bed.runner(id, refusals: 0.5), try await bed.runner(id, refusals: 0.5))
            begun += try await refuse(10, one)
            if begun < 50 { begun += try await refuse(10, two) }
            try await one.stop()
            try await two.stop()
            if try bed.queue.campaign(id: id)?.state == .paused { break }
        }
        #expect(begun == 50)
        let paused = try #require(try bed.queue.campaign(id: id))
        #expect(paused.state == .paused && paused.reason.hasPrefix("50 of the last 50 answers were final refusals"))
        #expect(try bed.queue.lastOrder(id)?.kind == "pause")
        for round in 1...2 {
            try bed.queue.resume(id)
            let again = try await bed.runner(id, refusals: 0.5)
            #expect(try await refuse(30, again) == 10)
            try await again.stop()
            #expect(try bed.tallies(id).failed == 50 + round * 10)
        }
        // What was mended is seen: the old refusals count no more.
        try bed.queue.resume(id)
        let mended = try await bed.runner(id, refusals: 0.5)
        #expect(try await refuse(20, mended, .sent) == 20)
        #expect(try await refuse(15, mended) == 15)
        #expect(try bed.queue.campaign(id: id)?.state == .sending)
        #expect(try bed.queue.verify(deep: true) == [])
    }

    @Test(
        "those put off do not hide it, a campaign's last one is no reason to pause, and without a share it never does")
    func rest() async throws {
        let bed = try Bed()
        let id = try bed.campaign(recipients: 50)
        let runner = try await bed.runner(id, refusals: 0.5)
        #expect(try await refuse(50, runner) == 50)
        #expect(try bed.queue.campaign(id: id)?.state == .finished)
        let other = try bed.campaign("summer", recipients: 120)
        let careless = try await bed.runner(other)
        #expect(try await refuse(60, careless) == 60)
        let careful = try await bed.runner(other, refusals: 0.5)
        let later = bed.clock.now() + .seconds(3600)
        for _ in 0..<20 {
            try await careful.settle(try #require(try await careful.beginNext().attempt), .deferred, retryAt: later)
        }
        #expect(try await refuse(9, careful) == 1)
    }
}
