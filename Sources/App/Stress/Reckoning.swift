import Queue

/// What a post office took, held against what the queue says of each person: nobody may be lost, nobody doubled.
///
/// People are numbered from 0; their addresses carry the number (`LoadCampaign.email`).
struct Reckoning: Sendable {
    /// What the comparison came to.
    struct Verdict: Sendable, Equatable {
        /// People, not messages.
        var taken = 0
        /// Said to be sent and never taken; taken, or begun, and not known to be settled.
        var lost: [Int] = []
        /// Messages too many: a person who got three counts two.
        var doubled = 0
        var doubledPeople: [Int] = []
        /// In doubt, and the post office took it.
        var doubtTaken: [Int] = []
        /// In doubt, and the post office never took it.
        var doubtUntaken: [Int] = []

        var inDoubt: Int { doubtTaken.count + doubtUntaken.count }
        /// Nobody lost, doubled or in doubt.
        var isClean: Bool { lost.isEmpty && doubled == 0 && inDoubt == 0 }
    }

    /// How often each person's message was taken; it stops counting at 255.
    private var times: [UInt8]
    /// Messages taken for somebody who is not on the list.
    private(set) var strangers = 0
    /// Messages taken altogether.
    private(set) var messages = 0

    init(people: Int) { times = [UInt8](repeating: 0, count: people) }

    var people: Int { times.count }

    mutating func grow(to people: Int) {
        if people > times.count { times.append(contentsOf: repeatElement(0, count: people - times.count)) }
    }

    /// A message was taken. nil is an address that was never on the list.
    mutating func take(_ person: Int?) {
        messages += 1
        guard let person, times.indices.contains(person) else {
            strangers += 1
            return
        }
        if times[person] < .max { times[person] += 1 }
    }

    func taken(_ person: Int) -> Int { times.indices.contains(person) ? Int(times[person]) : 0 }

    /// How a person stands in the queue.
    struct Standing: Sendable, Equatable {
        var state: RecipientState
        /// At least one attempt was begun.
        var begun: Bool
    }

    /// Holds the queue's word against the post office's.
    /// - Parameters:
    ///   - standing: how the queue says a person stands; nil when it does not know the person.
    ///   - complete: everybody was to be settled, so whoever is left over is lost, begun or not.
    func verdict(complete: Bool, standing: (Int) -> Standing?) -> Verdict {
        var verdict = Verdict()
        verdict.doubled = strangers
        for person in times.indices {
            let count = Int(times[person])
            if count > 0 { verdict.taken += 1 }
            if count > 1 {
                verdict.doubled += count - 1
                verdict.doubledPeople.append(person)
            }
            guard let stands = standing(person) else {
                if complete || count > 0 { verdict.lost.append(person) }
                continue
            }
            switch stands.state {
            case .sent:
                if count == 0 { verdict.lost.append(person) }
            case .inDoubt:
                if count > 0 { verdict.doubtTaken.append(person) } else { verdict.doubtUntaken.append(person) }
            case .pending, .sending, .deferred, .failed, .suppressed, .cancelled:
                if complete || count > 0 || stands.begun { verdict.lost.append(person) }
            }
        }
        return verdict
    }
}
