import Clock

/// The two readings of time that a screen needs.
struct Moment: Sendable, Equatable {
    var wall: Timestamp
    /// Microseconds since boot: for what must not jump, as how long a dialog has been open.
    var boot: Int64
}

/// All the console knows; a screen is computed from it alone.
struct ConsoleModel: Sendable {
    var size: Size
    var now: Moment
    /// False where the locale is not UTF-8.
    var unicode = true
    /// Offset of local time from UTC, in seconds.
    var zone = 0

    /// The newest figures; nil until the first arrive.
    var latest: Snapshot?
    /// The figures on the screen: the newest, unless frozen.
    var shown: Snapshot?
    var frozenAt: Timestamp?
    /// Why there are no new figures.
    var trouble: String?

    /// How the campaign that is watched went since it is watched, second by second.
    var trail: Trail?

    /// The campaign that is open; nil shows the list.
    var live: String?
    /// The console was opened on one campaign: leaving it leaves the console.
    var rootIsLive = false
    /// The people of a campaign, over the screen they were opened from.
    var people: PeopleList?
    /// What a campaign's time was used for, over the screen it was opened from. At most one of the two is there.
    var waits: WaitsPane?
    /// Of the newest question about people.
    var ticket = 0
    var cursor = ListCursor()
    /// First of the attempts shown in the live view.
    var attemptsTop = 0
    var filter = ""
    var isEditingFilter = false
    var sort = SortColumn.started
    var isReversed = false
    var overlay: Overlay?
    var flash: Flash?
    var isDraining = false

    init(size: Size, now: Moment, open: String? = nil) {
        self.size = size
        self.now = now
        live = open
        rootIsLive = open != nil
    }

    struct Flash: Sendable, Equatable {
        var text: String
        var role: Role
        /// In microseconds since boot.
        var until: Int64
    }

    enum SortColumn: CaseIterable, Sendable { case started, name, state, left, rate }

    enum Overlay: Sendable, Equatable {
        case help(HelpState)
        case palette(PaletteState)
        case start(StartDialog)
        case settle(SettleDialog)
        case lift(LiftDialog)
        case quit(opened: Int64)
    }

    struct HelpState: Sendable, Equatable {
        var top = 0
        var query = ""
        var isSearching = false
    }

    struct PaletteState: Sendable, Equatable {
        var query = ""
        var index = 0
    }

    struct StartDialog: Sendable, Equatable {
        var campaign: String
        /// Nil while they are being counted.
        var terms: StartTerms?
        /// What has been typed of the campaign's name.
        var typed = ""
        /// When the question came up, in microseconds since boot.
        var opened: Int64

        /// From this many people on, the name is to be typed.
        static let severe = 500
        var wantsName: Bool { (terms?.people ?? 0) > StartDialog.severe }
    }

    /// A key pressed this soon after a dialog came up was meant for what was there before.
    static let deaf: Int64 = 300_000

    var place: Place {
        if let people { return people.story == nil ? .people : .story }
        if waits != nil { return .waits }
        return live == nil ? .campaigns : .live
    }

    /// The rows of the list: filtered and sorted.
    var rows: [CampaignRow] {
        guard let shown else { return [] }
        var rows = shown.campaigns
        let wanted = filter.split(separator: " ").map { $0.lowercased() }
        if !wanted.isEmpty {
            rows = rows.filter { row in
                wanted.allSatisfy { word in
                    let inverted = word.hasPrefix("!")
                    let needle = inverted ? String(word.dropFirst()) : word
                    if needle.isEmpty { return true }
                    return Self.matches(row, needle) != inverted
                }
            }
        }
        switch sort {
        case .started: break  // as the source gives them: newest first
        case .name: rows.sort { $0.name < $1.name }
        case .state: rows.sort { ($0.activity.name, $0.name) < ($1.activity.name, $1.name) }
        case .left: rows.sort { ($0.tallies.left, $1.name) > ($1.tallies.left, $0.name) }
        case .rate: rows.sort { ($0.perMinute ?? 0, $1.name) > ($1.perMinute ?? 0, $0.name) }
        }
        return isReversed ? rows.reversed() : rows
    }

    private static func matches(_ row: CampaignRow, _ needle: String) -> Bool {
        if needle.hasPrefix("state:") {
            let state = needle.dropFirst(6)
            return row.activity.name.hasPrefix(state) || row.activity.word.lowercased().hasPrefix(state)
        }
        return row.name.lowercased().contains(needle) || row.account.lowercased().contains(needle)
            || row.activity.name == needle || row.activity.word.lowercased() == needle
    }

    /// The row under the cursor of the list.
    var selected: CampaignRow? {
        let rows = rows
        return rows.first { $0.id == cursor.id } ?? (rows.indices.contains(cursor.index) ? rows[cursor.index] : nil)
    }

    /// The campaign that is open, in whatever way; nil in the list.
    var openCampaign: String? { people?.query.campaign ?? waits?.campaign ?? live }

    /// The campaign that commands act on.
    var current: CampaignRow? {
        guard let name = openCampaign else { return selected }
        return shown?.campaigns.first { $0.name == name }
    }

    /// The campaign whose details the source shall give.
    var watched: String? { openCampaign ?? selected?.name }

    /// When the screen will change by itself, in microseconds since boot.
    var deadline: Int64? {
        // The clock shows minutes.
        let second = Int64(60_000_000) - now.wall.microseconds % 60_000_000
        let minute = now.boot + max(1_000, second)
        let isCountingDown = waits.map { !$0.rests(now.wall).isEmpty } ?? false
        let tick = isCountingDown ? now.boot + 1_000_000 - now.wall.microseconds % 1_000_000 : .max
        return min(minute, tick, flash?.until ?? .max)
    }
}
