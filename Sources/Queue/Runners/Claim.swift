import Clock
import FoundationEssentials
import GRDB

/// What claiming a queue means: what may have been sent from elsewhere, and to how many.
public struct ClaimTerms: Sendable, Equatable {
    /// Why it does not send; nil when it does.
    public let objection: String?
    /// It holds all that was sent: moved, or the one it was made from has sent nothing since.
    public let isWhole: Bool
    /// The last moment of sending that it knows of; what came later is unknown. nil when it knows of none.
    public let known: Timestamp?
    /// People who wait here, and may have been sent to from elsewhere.
    public let people: Int
    /// The moment at which every cap counts as used up, because of an earlier claim; nil for none.
    public let held: Timestamp?
}

/// A claim of a queue that may not be whole, as `prove` has it.
public struct ClaimRecord: Sendable, Hashable {
    public let at: Timestamp
    /// See `ClaimTerms.known`.
    public let known: Timestamp?
    /// Whether every cap counted as used up at that moment; false where somebody said that nothing was sent elsewhere.
    public let fillsCaps: Bool
}

extension Queue {
    /// Makes a copied or restored queue the one that sends from now on (promise 7).
    ///
    /// What other copies have sent meanwhile is unknown, so that every cap counts as used up at this moment (promise 3),
    /// unless the queue is known to be whole.
    /// - Parameter freshCaps: somebody says that nothing was sent elsewhere: the ledger holds as it stands. It takes back
    ///   what an earlier claim made of the caps, too.
    public func claim(freshCaps: Bool = false) throws {
        let side = IdentityFile(queue: path)
        let terms = try claimTerms()
        let identity = try writeNow { commit in
            var identity = try commit.identity()
            identity.generation = max(identity.generation, try side.read()?.identity.generation ?? 0) + 1
            try commit.store(identity)
            if freshCaps ? terms.held != nil || terms.objection != nil : terms.objection != nil && !terms.isWhole {
                try commit.claim(known: terms.known, fillsCaps: !freshCaps)
            }
            try commit.db.execute(sql: "DELETE FROM meta WHERE name = 'origin'")
            try commit.record(nil, kind: "claim", "The queue was claimed.")
            return identity
        }
        try wrapping { try side.write(identity) }
    }

    /// Why this queue would refuse to send; nil when it would not.
    public func claimObjection() throws -> String? {
        let side = IdentityFile(queue: path)
        return try read { db, _ in try side.objection(to: Identity(db))?.reason }
    }

    /// What `claim` would mean now.
    public func claimTerms() throws -> ClaimTerms {
        let side = IdentityFile(queue: path)
        return try read { db, instant in
            let identity = try Identity(db)
            let objection = try side.objection(to: identity)
            // Attempts end near the order of their numbers: the last two hundred hold the last moment.
            let known = try Int64.fetchOne(
                db,
                sql: """
                    SELECT max(at) FROM (
                        SELECT max(started, ifnull(finished, 0)) AS at FROM attempt
                            WHERE id > (SELECT max(id) FROM attempt) - 200
                        UNION ALL SELECT heartbeat FROM runner)
                    """)
            // A row a campaign.
            let people = try Int.fetchOne(
                db, sql: "SELECT ifnull(sum(pending + deferred + sending), 0) FROM campaign WHERE state < 3")
            let isWhole = try objection.map { try $0.isMove || Self.isWhole(db, identity, side) } ?? true
            return ClaimTerms(
                objection: objection?.reason, isWhole: isWhole, known: known.map { Timestamp(microseconds: $0) },
                people: people ?? 0, held: try Self.claimed(db).map(instant.wall))
        }
    }

    /// Queue time at which every cap counts as used up; nil for never.
    static func claimed(_ db: Database) throws -> Int64? {
        try Int64.fetchOne(db, sql: "SELECT claimed FROM clock WHERE claimed > 0")
    }

    /// Whether nothing was sent from the queue that this one was made from since it was: by the identity file that the former
    /// one left here, or by that one itself, where it still lies.
    private static func isWhole(
        _ db: Database, _ identity: Identity, _ side: IdentityFile
    ) throws -> Bool {
        let beside = try? side.read()
        var former = identity
        var place = beside?.place
        if let origin = try Origin(db) { (former, place) = (origin.identity, origin.place) }
        guard let place else { return false }
        if place == side.place {
            // What a runner sent after the copy was made began before it.
            return try beside?.isOriginal == true && beside?.identity == former
                && Int.fetchOne(db, sql: "SELECT count(*) FROM runner") == 0
        }
        let last = try Int64.fetchOne(db, sql: "SELECT max(id) FROM attempt")
        // Of whatever version it is, it is left alone. What it sends is begun before; but nobody may be about to.
        let other = try? DatabaseQueue(path: place, configuration: configuration(readonly: true))
        return
            (try? other?.read { other in
                try Identity(other) == former && Int64.fetchOne(other, sql: "SELECT max(id) FROM attempt") == last
                    && !Int64.fetchAll(other, sql: "SELECT id FROM runner").contains {
                        try RunnerLock.isHeld($0, queue: place)
                    }
            }) ?? false
    }
}

/// The queue that a backup was made from.
struct Origin {
    let identity: Identity
    let place: String

    init(identity: Identity, place: String) {
        self.identity = identity
        self.place = place
    }

    /// nil for a queue that is no backup.
    init?(_ db: Database) throws {
        guard let text = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'origin'") else {
            return nil
        }
        let words = text.split(separator: " ", maxSplits: 2)
        guard words.count == 3, let generation = Int64(words[1]) else { return nil }
        identity = Identity(name: String(words[0]), generation: generation)
        place = String(words[2])
    }

    var text: String { "\(identity.name) \(identity.generation) \(place)" }
}

extension Identity {
    init(_ db: Database) throws {
        let name = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'identity'")
        let generation = try Int64.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'generation'")
        self.init(name: name ?? "", generation: generation ?? 0)
    }
}

extension Commit {
    /// - Parameter fillsCaps: every cap counts as used up now; else as its ledger says.
    func claim(known: Timestamp?, fillsCaps: Bool) throws {
        claimed = fillsCaps ? now.queue : 0
        try db.execute(sql: "UPDATE clock SET claimed = ?", arguments: [claimed])
        try db.execute(
            sql: """
                INSERT INTO claim (at, wall, known, attempt, fills)
                VALUES (?, ?, ?, (SELECT ifnull(max(id), 0) FROM attempt), ?)
                """, arguments: [now.queue, now.wall.microseconds, known?.microseconds, fillsCaps])
    }
}
