import Clock
import Queue

/// What a campaign's time was used for, and which routes are left in peace, at one moment. Text in it is as it came.
struct CampaignWaits: Sendable, Equatable {
    var campaign: String
    /// Rests in force, of every account, newest first.
    var rests: [RestLine] = []
    /// nil before the campaign began.
    var time: CampaignTime?
}

/// A route that is left in peace.
struct RestLine: Sendable, Equatable, Identifiable {
    /// Campaigns with a process that waits for the route, and how many people each has left.
    struct Waiter: Sendable, Equatable {
        var campaign: String
        var left: Int
    }

    var id: Int64
    var account: String
    var source: String
    var server: String
    var since: Timestamp
    var until: Timestamp
    /// The reply rule's id, and the answer it read.
    var rule: String
    var reply: String
    /// Whose message was answered so; nil when a session was refused.
    var email: String?
    /// The n-th one without a message sent in between.
    var inARow: Int
    var waiting: [Waiter]

    var route: String { account + " → " + server }
}

/// A campaign's time from its first moment on; the parts add up to the whole.
struct CampaignTime: Sendable, Equatable {
    struct Part: Sendable, Equatable {
        var cause: WaitCause
        var microseconds: Int64
    }

    struct Line: Sendable, Equatable, Identifiable {
        /// Its number from the oldest one on, which stays while newer ones come.
        var id: Int64
        var cause: WaitCause
        /// The process's number.
        var runner: Int64?
        var since: Timestamp
        /// nil while it lasts.
        var until: Timestamp?
        var microseconds: Int64
    }

    var since: Timestamp
    var microseconds: Int64
    /// Most first.
    var parts: [Part]
    /// Newest first, the newest thousand.
    var spells: [Line]

    static let most = 1_000
}

/// The pane of waits, over the screen it was opened from.
struct WaitsPane: Sendable, Equatable {
    enum Part: Sendable { case rests, spells }

    var campaign: String
    /// nil until it is read.
    var found: CampaignWaits?
    var wanted = Part.rests
    var restCursor = ListCursor()
    var spellCursor = ListCursor()

    var spells: [CampaignTime.Line] { found?.time?.spells ?? [] }

    /// Those that are still in force at a moment: what ends by itself is not told to anybody.
    func rests(_ now: Timestamp) -> [RestLine] { found?.rests.filter { $0.until > now } ?? [] }

    /// Which list the cursor keys move in.
    func focus(_ now: Timestamp) -> Part { rests(now).isEmpty ? .spells : wanted }

    func selectedRest(_ now: Timestamp) -> RestLine? {
        let rests = rests(now)
        return rests.first { $0.id == restCursor.id } ?? rests.first
    }

    var selectedSpell: CampaignTime.Line? {
        spells.indices.contains(spellCursor.index) ? spells[spellCursor.index] : nil
    }
}

/// Asks whether a rest shall really end before its time.
struct LiftDialog: Sendable, Equatable {
    var rest: RestLine
    /// When the question came up, in microseconds since boot.
    var opened: Int64
}
