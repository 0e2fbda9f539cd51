import Clock
import GRDB

/// A limit, and for whose messages it holds.
public struct HeldLimit: Sendable, Hashable {
    public var limit: Limit
    /// Only messages of this account are held to it; nil: all.
    public var account: String?
    /// Only messages of this campaign are held to it; nil: all.
    public var campaign: Int64?

    public init(_ limit: Limit, account: String? = nil, campaign: Int64? = nil) {
        self.limit = limit
        self.account = account
        self.campaign = campaign
    }
}

/// The tightest window a limit ever saw.
public struct CapProof: Sendable, Hashable {
    public let held: HeldLimit
    public let key: String
    /// Messages that were held to it.
    public let messages: Int
    /// The most that a server can have counted within any window, wherever it is laid.
    public let peak: Int
    /// How many were allowed then: the limit's count, or of a warm-up the number of that day.
    public let allowed: Int
    /// When that window ended.
    public let at: Timestamp?
    /// How much later than at the first allowed moment a message went that needed room made, at its nearest; nil when
    /// none did. Negative where the limit was passed.
    public let slackMicroseconds: Int64?
    /// Messages begun about a moment at which the wall clock was set, so that nobody can say whether they kept the limit.
    public let unclear: Int

    public var margin: Int { allowed - peak }
}

/// A ledger whose beginning retention has taken out: what was before is no part of the proof.
public struct KeptLedger: Sendable, Hashable {
    public let scope: LimitScope
    public let key: String
    /// Grants taken out.
    public let removed: Int
    /// The moment of the first that is left; nil when none is.
    public let from: Timestamp?
}

/// The recipients of a campaign, counted, and how they came to be where they are.
public struct TallyProof: Sendable, Hashable {
    public let campaign: String
    public let counted: Tallies
    public let kept: Tallies
    /// Sent or failed by somebody's decision about a doubt.
    public let decided: Int
    /// Tried before, and put back by somebody.
    public let putBack: Int

    /// Whether what the campaign keeps is what its recipients add up to.
    public var isExplained: Bool { counted == kept }
}

/// What replaying the queue has shown.
public struct Proof: Sendable {
    public var caps: [CapProof] = []
    public var tallies: [TallyProof] = []
    /// Ledgers that are not whole any more; empty when all are.
    public var kept: [KeptLedger] = []
    /// What contradicts; empty when all is proven. At most 20 of a kind, then how many more.
    public var findings: [Finding] = []
    /// Claims of this queue where it may not have been whole, oldest first: what was sent from elsewhere before them is no
    /// part of the proof. Where one fills the caps, it counts as full use of each cap at that moment.
    public var claims: [ClaimRecord] = []
    public var attempts = 0
    public var open = 0
    public var grants = 0
    public var recipients = 0
    public var first: Timestamp?
    public var last: Timestamp?
    /// How far apart, in microseconds, the readings of the two clocks lay: so exactly are begins known.
    public var resolutionMicroseconds: Int64 = 0

    public var isProven: Bool { findings.isEmpty }
}

extension Queue {
    /// Replays ledger and log from the stored rows alone, by none of the limiter's code, in one snapshot.
    ///
    /// A message can have been counted by the server at any moment between its begin and its settle, so it counts for
    /// every window that touches this span: what is found is an upper bound of what any server saw. Settles stand in
    /// the ledger in queue time; begins stand in the log in wall time, and are carried over by what both clocks said at
    /// the settles around them. Where the wall clock was set between begin and settle, the begin lies somewhere in a
    /// range: its early end is taken, and if the limit does not hold for that, it counts as unclear.
    ///
    /// Reads everything once, in memory that does not grow: the cost grows with the queue.
    /// Where retention has cut a ledger, windows before its first grant cannot be replayed: `Proof.kept` says from when on
    /// it is there.
    /// - Parameters:
    ///   - limits: what held.
    ///   - campaign: only this one's recipients and caps; nil for all.
    public func prove(_ limits: [HeldLimit], campaign: Int64? = nil) throws -> Proof {
        try read { db, _ in
            var findings = ProofFindings()
            var replay = try ProofReplay(db, limits)
            try replay.readLedger(&findings)
            try replay.readLog(&findings)
            var proof = Proof()
            replay.report(into: &proof, campaign: try campaign.map { try ProofScope(db, $0) })
            try ProofStates(db, campaign).report(into: &proof, &findings)
            proof.findings = findings.all
            return proof
        }
    }
}

/// Which cap keys belong to one campaign.
struct ProofScope {
    let campaign: Int64
    private let account: String
    private let sources: Set<String>

    init(_ db: Database, _ campaign: Int64) throws {
        self.campaign = campaign
        account = try String.fetchOne(db, sql: "SELECT account FROM campaign WHERE id = ?", arguments: [campaign]) ?? ""
        // A walk over the campaign's attempts, as is the whole proof.
        sources = try Set(
            String.fetchAll(db, sql: "SELECT DISTINCT source FROM attempt WHERE campaign = ?", arguments: [campaign]))
    }

    func holds(_ cap: CapProof) -> Bool {
        if let only = cap.held.campaign, only != campaign { return false }
        if let only = cap.held.account, only != account { return false }
        switch cap.held.limit.scope {
        case .source: return sources.contains(cap.key)
        case .account: return cap.key == account
        case .campaign: return cap.key == String(campaign)
        case .domain: return true
        }
    }
}

/// Findings by kind, a bounded number of each.
struct ProofFindings {
    static let most = 20
    private var kinds: [String] = []
    private var kept: [String: [Finding]] = [:]
    private var counts: [String: Int] = [:]

    mutating func add(_ check: String, _ detail: @autoclosure () -> String) {
        let count = counts[check, default: 0]
        counts[check] = count + 1
        if count == 0 { kinds.append(check) }
        if count < Self.most { kept[check, default: []].append(Finding(check: check, detail: detail())) }
    }

    var all: [Finding] {
        kinds.flatMap { kind in
            let more = counts[kind, default: 0] - Self.most
            return kept[kind, default: []]
                + (more > 0 ? [Finding(check: kind, detail: "And \(more) more of this kind.")] : [])
        }
    }
}
