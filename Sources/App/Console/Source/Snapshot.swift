import Clock
import Queue

/// Everything the console shows, at one moment. Text in it is as it came; the frame makes it harmless.
struct Snapshot: Sendable, Equatable {
    var campaigns: [CampaignRow] = []
    /// The campaign that was asked for, if it exists.
    var open: CampaignDetail?
    /// Campaigns that a process started by this console is sending.
    var ownRunners: [String] = []
    /// Warnings about the whole queue, as "this queue is a copy and does not send".
    var warnings: [String] = []
}

/// What a campaign is doing, as the console says it.
enum CampaignActivity: Sendable, Equatable {
    case draft, running, waiting, idle, paused, finished, cancelled

    /// The word shown, at most six columns in every language; never colour alone.
    var word: String {
        switch self {
        case .draft: tr("DRAFT")
        case .running: tr("RUN")
        case .waiting: tr("WAIT")
        case .idle: tr("IDLE")
        case .paused: tr("PAUSE")
        case .finished: tr("DONE")
        case .cancelled: tr("CANCEL")
        }
    }

    var style: Style {
        switch self {
        case .draft, .cancelled: .muted
        case .running: Style(.ok, bold: true)
        case .waiting: Style(.warn, bold: true)
        case .idle: .error
        case .paused: Style(.paused, bold: true)
        case .finished: Style(.ok)
        }
    }

    /// The words of CONTRACT: what a user may type into the filter.
    var name: String {
        switch self {
        case .draft: "draft"
        case .running: "running"
        case .waiting: "waiting"
        case .idle: "idle"
        case .paused: "paused"
        case .finished: "finished"
        case .cancelled: "cancelled"
        }
    }
}

/// Why nothing moves.
enum Standstill: Sendable, Equatable {
    /// Not started yet.
    case notStarted
    /// It shall be sent, and no process is sending it.
    case noRunner
    /// A cap is used up; `until` is when its window lets the next one go.
    case capped(scope: String, key: String, count: Int, perSeconds: Int, until: Timestamp?)
    /// All that is left waits for its retry.
    case retry(until: Timestamp?)
    /// The server asked for rest, or answered in a way that calls for it.
    case rest(until: Timestamp?, why: String)
    case paused(why: String, at: Timestamp?)
    /// Nothing left but people whose hand-over was cut off.
    case inDoubt(Int)
    case finished(at: Timestamp?)
    case cancelled
    /// What the runner says itself.
    case said(String, until: Timestamp?)
}

extension Tallies {
    /// Nobody will try these again.
    var settled: Int { sent + failed + suppressed + cancelled }
    var left: Int { pending + sending + deferred }
    var fractionSettled: Double { total == 0 ? 0 : Double(settled) / Double(total) }
}

struct CampaignRow: Sendable, Equatable, Identifiable {
    var id: Int64
    var name: String
    var account: String
    var activity: CampaignActivity
    var tallies: Tallies
    /// Messages a minute, over the last minute or since the start; nil where nothing was ever sent.
    var perMinute: Int?
    /// The forecast, while there is something left.
    var finish: Timestamp?
    var started: Timestamp?
    var finished: Timestamp?
    var standstill: Standstill?

    /// Nobody sends it, and there is nothing to send before somebody decides.
    var isOnlyInDoubt: Bool { if case .inDoubt = standstill { true } else { false } }
    /// Somebody sends it: a forecast of its finish means something.
    var isMoving: Bool { activity == .running || activity == .waiting }
}

struct CampaignDetail: Sendable, Equatable {
    var name: String
    var from: String = ""
    /// One value a minute, oldest first, the last one being the present minute.
    var pulse: [Int] = []
    var limits: [LimitRow] = []
    var sessions: [SessionRow] = []
    var destinations: [DestinationRow] = []
    /// Newest first.
    var attempts: [AttemptRow] = []
    /// Newest first.
    var events: [EventRow] = []
    /// Servers of its account that are left alone for a while.
    var rests: [RestRow] = []
    /// Processes that are sending it now.
    var runners = 0
}

struct RestRow: Sendable, Equatable {
    var server: String
    var until: Timestamp
    /// The answer that caused it.
    var reply: String
}

struct LimitRow: Sendable, Equatable {
    var scope: String
    var key: String
    var perSeconds: Int
    var count: Int
    var used: Int
    var nextFree: Timestamp?
    /// What was sent before is not counted, though the window reaches there (`LimitUse.knownSince`).
    var knownSince: Timestamp?
}

struct SessionRow: Sendable, Equatable {
    var number: Int
    /// The SMTP step, as `DATA`, or what it waits for.
    var step: String
    var server: String
    /// Since when it has been at this step.
    var since: Timestamp?
}

struct DestinationRow: Sendable, Equatable {
    var domain: String
    var sent: Int
    var deferred: Int
    var last: String
}

enum AttemptMark: Sendable, Equatable {
    case open, sent, deferred, failed, inDoubt, aborted

    var word: String {
        switch self {
        case .open: tr("send")
        case .sent: tr("ok")
        case .deferred: tr("DEFER")
        case .failed: tr("FAIL")
        case .inDoubt: tr("DOUBT")
        case .aborted: tr("abort")
        }
    }

    var style: Style {
        switch self {
        case .open: .accent
        case .sent: .ok
        case .deferred: Style(.warn, bold: true)
        case .failed: .error
        case .inDoubt: .error
        case .aborted: .muted
        }
    }
}

struct AttemptRow: Sendable, Equatable, Identifiable {
    var id: Int64
    var at: Timestamp
    var mark: AttemptMark
    var email: String
    var code: Int?
    var enhanced: String?
    var reply: String
    var retryAt: Timestamp?
}

struct EventRow: Sendable, Equatable {
    var at: Timestamp
    var text: String
}

/// What a start would mean, for the dialog that asks.
struct StartTerms: Sendable, Equatable {
    var campaign: String
    /// People who would get mail.
    var people: Int
    /// People left out: suppressed, failed, already sent.
    var leftOut: Int
    var account: String
    var from: String
    var first: Timestamp?
    var finish: Timestamp?
    /// As "100 per 1 h, 500 per 24 h".
    var caps: String
    /// Some were sent already: this goes on.
    var isResumed: Bool
}
