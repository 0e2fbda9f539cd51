import Queue

/// Where in the console a command applies.
struct Place: OptionSet, Sendable {
    let rawValue: UInt8
    static let campaigns = Place(rawValue: 1)
    static let live = Place(rawValue: 2)
    static let people = Place(rawValue: 4)
    static let story = Place(rawValue: 8)
    static let waits = Place(rawValue: 16)
    static let all: Place = [.campaigns, .live, .people, .story, .waits]
    /// Where a campaign is in sight.
    static let campaign: Place = [.campaigns, .live, .waits]
    static let single = [campaigns, live, people, story, waits]
}

enum Danger: Sendable {
    /// Changes nothing, or can be taken back.
    case none
    /// Asks first; Enter is not an answer.
    case asks
}

/// One thing the console can do. Keys, hints, help and palette are read from the registry of these.
struct ConsoleCommand: Sendable, Identifiable {
    enum Action: Sendable {
        case help, palette, quit, back, open, redraw, suspend
        case up, down, first, last, pageUp, pageDown
        case filter, clearFilter, sort, reverseSort
        case start, pauseOrResume, freeze
        case everybody, doubts, search, settle, next, previous
        case campaign, waits, lift, nextPane
    }

    var id: String { name }
    /// The name in the palette and in documents, as `campaign.start`.
    let name: String
    let action: Action
    let keys: [Key]
    let place: Place
    /// Heading in help.
    let group: String
    /// One word for the hint line; empty where it does not belong there.
    let hint: String
    /// One line for help.
    let does: String
    let danger: Danger
    /// Hints are dropped from the least important on; 0 stays longest.
    let rank: Int

    /// Reads the registry in the language of the moment.
    static var all: [ConsoleCommand] {
        func command(
            _ name: String, _ action: Action, _ keys: [Key], _ place: Place, _ group: String, _ hint: String,
            _ does: String, danger: Danger = .none, rank: Int = 9
        ) -> ConsoleCommand {
            ConsoleCommand(
                name: name, action: action, keys: keys, place: place, group: group, hint: hint, does: does,
                danger: danger, rank: rank)
        }
        let campaign = tr("Campaign")
        let people = tr("People")
        let waits = tr("Waits and rests")
        let list = tr("Moving")
        let view = tr("View")
        let program = tr("Program")
        return [
            command(
                "campaign.open", .open, [.enter, .character("l"), .right], .campaigns, campaign, tr("open"),
                tr("watch the campaign live"), rank: 3),
            command(
                "campaign.start", .start, [.character("s")], .campaign, campaign, tr("start"),
                tr("start sending, or go on (asks first)"), danger: .asks, rank: 2),
            command(
                "campaign.pause", .pauseOrResume, [.character("p")], .campaign, campaign, tr("pause/resume"),
                tr("pause or resume; obeyed within a second"), rank: 2),
            command(
                "campaign.show", .campaign, [.character("1")], [.campaign, .people, .story], campaign, "",
                tr("the campaign itself, live")),
            command(
                "people.open", .open, [.enter, .character("l"), .right], .people, people, tr("story"),
                tr("one recipient's whole story: each try, each answer, what comes next"), rank: 2),
            command(
                "people.search", .search, [.character("/")], [.live, .people], people, tr("search"),
                tr("find people by any part of an address or of the last answer; also state:failed"), rank: 3),
            command(
                "people.all", .everybody, [.character("2")], [.campaign, .people], people, tr("people"),
                tr("list everybody of the campaign"), rank: 6),
            command(
                "people.doubt", .doubts, [.character("d")], [.campaign, .people], people, tr("in doubt"),
                tr("list those of whom nobody knows whether the message arrived, why, and since when"), rank: 4),
            command(
                "people.settle", .settle, [.character("D")], [.people, .story], people, tr("settle"),
                tr("decide about who is in doubt: send again, or count as sent or failed (asks first)"),
                danger: .asks, rank: 3),
            command(
                "people.next", .next, [.character("n")], [.people, .story], people, tr("next"),
                tr("the next one of the list"), rank: 5),
            command(
                "people.previous", .previous, [.character("N")], [.people, .story], people, "",
                tr("the one before in the list")),
            command(
                "people.clear", .clearFilter, [.character("\\")], .people, people, "",
                tr("forget the search and list everybody")),
            command(
                "waits.open", .waits, [.character("3")], [.campaign, .people, .story], waits, tr("waits"),
                tr("what its time was used for, and which servers are left in peace until when"), rank: 8),
            command(
                "rests.lift", .lift, [.character("L")], .waits, waits, tr("lift"),
                tr("end a rest before its time; one session tries then (asks first)"), danger: .asks, rank: 1),
            command(
                "pane.next", .nextPane, [.tab, .backTab], .waits, waits, tr("other list"),
                tr("from the rests to the spells, and back"), rank: 1),
            command("cursor.up", .up, [.up, .character("k")], .all, list, "", tr("up")),
            command("cursor.down", .down, [.down, .character("j")], .all, list, "", tr("down")),
            command("cursor.first", .first, [.home, .character("g")], .all, list, "", tr("to the first")),
            command("cursor.last", .last, [.end, .character("G")], .all, list, "", tr("to the last")),
            command("cursor.page.up", .pageUp, [.pageUp, .control("u")], .all, list, "", tr("a page up")),
            command("cursor.page.down", .pageDown, [.pageDown, .control("d")], .all, list, "", tr("a page down")),
            command(
                "filter.edit", .filter, [.character("/")], .campaigns, view, tr("filter"),
                tr("show only campaigns that match a word; ! turns it round"), rank: 5),
            command(
                "filter.clear", .clearFilter, [.character("\\"), .escape], .campaigns, view, "",
                tr("show all campaigns again")),
            command(
                "sort.next", .sort, [.character("o")], .campaigns, view, tr("sort"), tr("sort by the next column"),
                rank: 6),
            command("sort.reverse", .reverseSort, [.character("O")], .campaigns, view, "", tr("turn the order round")),
            command(
                "view.freeze", .freeze, [.character("f")], .campaign, view, tr("freeze"),
                tr("hold the figures still, or follow again; sending goes on"), rank: 5),
            command("redraw", .redraw, [.control("l")], .all, program, "", tr("draw the screen anew")),
            command(
                "suspend", .suspend, [.control("z")], .all, program, "", tr("back to the shell; fg comes back here")),
            command(
                "palette", .palette, [.character(":"), .control("p")], .all, program, tr("command"),
                tr("find a command by its name"), rank: 7),
            command(
                "help", .help, [.character("?"), .function(1)], .all, program, tr("help"),
                tr("what the keys do here"), rank: 0),
            command(
                "back", .back, [.character("q"), .escape, .character("h"), .left], [.live, .people, .story, .waits],
                program,
                tr("back"),
                tr("back; at the first screen q leaves the program"), rank: 1),
            command(
                "app.quit", .quit, [.character("q"), .character("Q"), .control("c")], .campaigns, program, tr("quit"),
                tr("leave; asks when sending started here is still going on"), danger: .asks, rank: 1),
            command(
                "app.quit", .quit, [.character("Q"), .control("c")], [.live, .people, .story, .waits], program, "",
                tr("leave; asks when sending started here is still going on"), danger: .asks, rank: 1),
        ]
    }

    static func here(_ place: Place) -> [ConsoleCommand] { all.filter { $0.place.contains(place) } }

    /// Why the command does not apply now, in words; nil when it does.
    func unavailable(_ model: ConsoleModel) -> String? {
        switch action {
        case .open:
            if let people = model.people { return people.selected == nil ? tr("nobody is listed") : nil }
            return model.selected == nil ? tr("there is no campaign") : nil
        case .search, .everybody:
            if action == .everybody, isListed(nil, model) { return tr("that is what is listed") }
            return model.current == nil ? tr("there is no campaign") : nil
        case .doubts:
            guard let row = model.current else { return tr("there is no campaign") }
            if isListed(.inDoubt, model) { return tr("that is what is listed") }
            return row.tallies.inDoubt == 0 ? tr("nobody in {0} is in doubt", row.name) : nil
        case .campaign, .waits:
            if model.place == (action == .waits ? .waits : .live) { return tr("that is what is shown") }
            return model.current == nil ? tr("there is no campaign") : nil
        case .nextPane:
            return model.waits?.found == nil ? tr("reading …") : nil
        case .lift:
            return model.waits?.selectedRest(model.now.wall) == nil ? tr("no server is being left alone") : nil
        case .settle:
            guard let person = model.people?.subject else { return tr("nobody is listed") }
            return person.state == .inDoubt ? nil : tr("{0} is not in doubt", person.email)
        case .next, .previous:
            return model.people?.selected == nil ? tr("nobody is listed") : nil
        case .start:
            guard let row = model.current else { return tr("there is no campaign") }
            switch row.activity {
            case .draft, .idle: return nil
            case .waiting where row.isOnlyInDoubt:
                return tr("only those in doubt are left in {0}: d lists them", row.name)
            case .running, .waiting: return tr("{0} is being sent already", row.name)
            case .paused: return tr("{0} is paused: p resumes it", row.name)
            case .finished: return tr("{0} is finished", row.name)
            case .cancelled: return tr("{0} was cancelled", row.name)
            }
        case .pauseOrResume:
            guard let row = model.current else { return tr("there is no campaign") }
            switch row.activity {
            case .running, .waiting, .idle, .paused: return nil
            case .draft: return tr("{0} has not been started: s starts it", row.name)
            case .finished: return tr("{0} is finished", row.name)
            case .cancelled: return tr("{0} was cancelled", row.name)
            }
        case .filter, .sort, .reverseSort, .freeze:
            return model.shown?.campaigns.isEmpty ?? true ? tr("there is no campaign") : nil
        case .clearFilter:
            let isClear = model.people.map { $0.query.typed.isEmpty } ?? model.filter.isEmpty
            return isClear ? tr("no filter is set") : nil
        default:
            return nil
        }
    }

    private func isListed(_ state: RecipientState?, _ model: ConsoleModel) -> Bool {
        model.people.map { $0.query.text.isEmpty && $0.query.state == state } ?? false
    }
}
