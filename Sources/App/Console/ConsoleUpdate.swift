import Clock
import Queue

enum ConsoleEvent: Sendable {
    case key(Key)
    case resized(Size)
    case snapshot(Snapshot)
    /// The source could not be read.
    case trouble(String)
    case terms(StartTerms)
    case people(PeopleAnswer)
    case waits(CampaignWaits)
    /// An order was carried out.
    case done(String)
    /// An order was refused.
    case refused(String)
    /// Time passed.
    case tick
    /// A signal, or the terminal, asks for the end.
    case endAsked(Int32)
}

enum ConsoleEffect: Sendable, Equatable {
    case watch(String?)
    case terms(String)
    case start(String)
    case pause(String)
    case resume(String)
    case people(PeopleRequest)
    /// Whose waits shall be read with the figures; nil ends it.
    case waits(String?)
    /// Ends a rest before its time.
    case lift(Int64)
    /// Decides about one who is in doubt, or about all of the campaign.
    case settle(String, email: String?, DoubtDecision)
    case drain
    case redraw
    case suspend
    case end(ConsoleEnding)
}

extension ConsoleModel {
    /// The next state, and what shall be done about it. All behaviour of the console is here.
    mutating func update(_ event: ConsoleEvent, at moment: Moment) -> [ConsoleEffect] {
        now = moment
        if let flash, flash.until <= moment.boot { self.flash = nil }
        let before = (watched: watched, waits: waits?.campaign)
        var effects: [ConsoleEffect] = []
        switch event {
        case .key(let key):
            // What was said about the key before does not stand beside what comes of this one.
            if [.warn, .muted].contains(flash?.role) { flash = nil }
            effects = press(key)
        case .resized(let size): self.size = size
        case .snapshot(let snapshot): effects = receive(snapshot)
        case .trouble(let text): trouble = text
        case .terms(let terms): show(terms)
        case .people(let answer): receive(answer)
        case .waits(let found): receive(found)
        case .done(let text): say(text, .ok)
        case .refused(let text): say(text, .error)
        case .tick: break
        case .endAsked(let signal): effects = [.end(.signal(signal))]
        }
        cursor.settle(rows.map(\.id), visible: DashboardLayout(self).listHeight)
        if let list = people {
            let visible = peopleHeight
            people?.cursor.settle(list.rows.map(\.id), visible: visible)
            effects += peopleWants()
        }
        settleWaits()
        if waits?.campaign != before.waits { effects.insert(.waits(waits?.campaign), at: 0) }
        if watched != before.watched { effects.insert(.watch(watched), at: 0) }
        return effects
    }

    /// An error stays long enough to be read, and an order under way until its answer takes its place.
    mutating func say(_ text: String, _ role: Role) {
        let seconds: Int64 =
            switch role {
            case .error: 15
            case .accent: 30
            default: 4
            }
        flash = Flash(text: text, role: role, until: now.boot + seconds * 1_000_000)
    }

    private mutating func receive(_ snapshot: Snapshot) -> [ConsoleEffect] {
        let before = latest
        trouble = nil
        latest = snapshot
        if frozenAt == nil { shown = snapshot }
        follow(snapshot)
        if let live, let row = snapshot.campaigns.first(where: { $0.name == live }),
            let old = before?.campaigns.first(where: { $0.name == live }), old.activity != row.activity
        {
            switch row.activity {
            case .finished: say(tr("{0} is finished. q leaves.", live), .ok)
            case .paused: say(tr("{0} is paused. p resumes it.", live), .paused)
            case .waiting:
                if case .inDoubt = row.standstill {
                    say(tr("{0}: all that could be sent is sent; some are in doubt.", live), .warn)
                }
            default: break
            }
        }
        if isDraining, snapshot.ownRunners.isEmpty { return [.end(.drained)] }
        return peopleAgain()
    }

    private mutating func follow(_ snapshot: Snapshot) {
        guard let row = snapshot.campaigns.first(where: { $0.name == watched }) else {
            trail = nil
            return
        }
        if trail?.campaign == row.name {
            trail?.add(row, at: now.wall)
        } else {
            trail = Trail(row, at: now.wall)
        }
    }

    private mutating func show(_ terms: StartTerms) {
        guard case .start(var dialog) = overlay, dialog.campaign == terms.campaign else { return }
        dialog.terms = terms
        dialog.opened = now.boot
        overlay = .start(dialog)
    }

    // MARK: Keys

    private mutating func press(_ key: Key) -> [ConsoleEffect] {
        switch overlay {
        case .help(let state): return press(key, help: state)
        case .palette(let state): return press(key, palette: state)
        case .start(let dialog): return press(key, start: dialog)
        case .settle(let dialog): return press(key, settle: dialog)
        case .lift(let dialog): return press(key, lift: dialog)
        case .quit(let opened): return press(key, quitOpened: opened)
        case nil: break
        }
        if isEditingFilter { return pressInFilter(key) }
        if let typed = people?.typed { return pressInSearch(key, typed) }
        guard let command = ConsoleCommand.here(place).first(where: { $0.keys.contains(key) }) else {
            say(tr("no command on {0}, ? for help", key.label), .warn)
            return []
        }
        return perform(command, by: key)
    }

    mutating func perform(_ command: ConsoleCommand, by key: Key?) -> [ConsoleEffect] {
        if let reason = command.unavailable(self) {
            say(reason, .warn)
            return []
        }
        let page = max(1, pageHeight - 1)
        switch command.action {
        case .help: overlay = .help(HelpState())
        case .palette: overlay = .palette(PaletteState())
        case .quit: return askQuit()
        case .back: return back(by: key)
        case .open:
            if people != nil { return openStory() }
            openLive()
        case .campaign: openLive()
        case .waits: openWaits()
        case .lift: askLift()
        case .nextPane: nextPane()
        case .redraw: return [.redraw]
        case .suspend: return [.suspend]
        case .up: move(-1)
        case .down: move(1)
        case .first: move(.min)
        case .last: move(.max)
        case .pageUp: move(-page)
        case .pageDown: move(page)
        case .filter: isEditingFilter = true
        case .search:
            if let query = people?.query {
                // What is typed next is a word of its own.
                people?.typed = query.typed + (query.text.isEmpty && query.state != nil ? " " : "")
            } else {
                openPeople(typing: true)
            }
        case .everybody: openPeople()
        case .doubts: openPeople(state: .inDoubt)
        case .settle: askSettle()
        case .next: return step(1)
        case .previous: return step(-1)
        case .clearFilter:
            if people == nil { filter = "" } else { clearSearch() }
        case .sort:
            let all = SortColumn.allCases
            sort = all[((all.firstIndex(of: sort) ?? 0) + 1) % all.count]
            sayOrder()
        case .reverseSort:
            isReversed.toggle()
            sayOrder()
        case .freeze:
            if frozenAt == nil {
                frozenAt = now.wall
            } else {
                frozenAt = nil
                shown = latest
            }
        case .start:
            guard let row = current else { return [] }
            overlay = .start(StartDialog(campaign: row.name, opened: now.boot))
            return [.terms(row.name)]
        case .pauseOrResume:
            guard let row = current else { return [] }
            if row.activity == .paused {
                say(tr("resuming {0} …", row.name), .accent)
                return [.resume(row.name)]
            }
            say(tr("pausing {0} …", row.name), .accent)
            return [.pause(row.name)]
        }
        return []
    }

    /// Where the order does not stand above the list, or the list does not show that it changed.
    private mutating func sayOrder() { if size.columns < DashboardLayout.orderWidth { say(order, .muted) } }

    /// Rows that are in sight at once where the cursor is.
    private var pageHeight: Int {
        if let people { return people.story == nil ? peopleHeight : storyHeight }
        guard let waits else { return DashboardLayout(self).listHeight }
        let layout = WaitsLayout(self, waits)
        return waits.focus(now.wall) == .rests ? layout.restsVisible : layout.spellsVisible
    }

    private mutating func move(_ by: Int) {
        if people != nil { return movePeople(by) }
        // Far enough for any list, and still a number one can add to.
        let by = max(-1_000_000, min(1_000_000, by))
        if waits != nil { return moveWaits(by) }
        if live == nil {
            cursor.move(by, in: rows.map(\.id))
        } else {
            let count = shown?.open?.attempts.count ?? 0
            attemptsTop = min(max(0, attemptsTop + by), max(0, count - 1))
        }
    }

    private mutating func back(by key: Key?) -> [ConsoleEffect] {
        if people?.story != nil {
            people?.story = nil
            return []
        }
        if people != nil || waits != nil {
            (people, waits) = (nil, nil)
            return []
        }
        if rootIsLive {
            if key == .character("q") || key == nil { return askQuit() }
            say(tr("q leaves"), .muted)
            return []
        }
        live = nil
        attemptsTop = 0
        return []
    }

    mutating func askQuit() -> [ConsoleEffect] {
        let own = latest?.ownRunners ?? []
        if isDraining { return [.end(.background(own))] }
        if own.isEmpty { return [.end(.quit)] }
        overlay = .quit(opened: now.boot)
        return []
    }

    private mutating func pressInFilter(_ key: Key) -> [ConsoleEffect] {
        switch key {
        case .enter: isEditingFilter = false
        case .escape:
            isEditingFilter = false
            filter = ""
        case .control("c"): return askQuit()
        case .up: move(-1)
        case .down: move(1)
        default: _ = key.edit(&filter, most: 60)
        }
        return []
    }
}
