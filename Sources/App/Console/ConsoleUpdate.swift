import Clock

enum ConsoleEvent: Sendable {
    case key(Key)
    case resized(Size)
    case snapshot(Snapshot)
    /// The source could not be read.
    case trouble(String)
    case terms(StartTerms)
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
        let watchedBefore = watched
        var effects: [ConsoleEffect] = []
        switch event {
        case .key(let key): effects = press(key)
        case .resized(let size): self.size = size
        case .snapshot(let snapshot): effects = receive(snapshot)
        case .trouble(let text): trouble = text
        case .terms(let terms): show(terms)
        case .done(let text): say(text, .ok)
        case .refused(let text): say(text, .error)
        case .tick: break
        case .endAsked(let signal): effects = [.end(.signal(signal))]
        }
        cursor.settle(rows.map(\.id), visible: DashboardLayout(self).listHeight)
        if watched != watchedBefore { effects.insert(.watch(watched), at: 0) }
        return effects
    }

    mutating func say(_ text: String, _ role: Role) {
        flash = Flash(text: text, role: role, until: now.boot + 4_000_000)
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
        return []
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
        case .quit(let opened): return press(key, quitOpened: opened)
        case nil: break
        }
        if isEditingFilter { return pressInFilter(key) }
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
        let page = max(1, DashboardLayout(self).listHeight - 1)
        switch command.action {
        case .help: overlay = .help(HelpState())
        case .palette: overlay = .palette(PaletteState())
        case .quit: return askQuit()
        case .back: return back(by: key)
        case .open:
            live = selected?.name
            attemptsTop = 0
        case .redraw: return [.redraw]
        case .suspend: return [.suspend]
        case .up: move(-1)
        case .down: move(1)
        case .first: move(-1_000_000)
        case .last: move(1_000_000)
        case .pageUp: move(-page)
        case .pageDown: move(page)
        case .filter: isEditingFilter = true
        case .clearFilter: filter = ""
        case .sort:
            let all = SortColumn.allCases
            sort = all[((all.firstIndex(of: sort) ?? 0) + 1) % all.count]
        case .reverseSort: isReversed.toggle()
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

    private mutating func move(_ by: Int) {
        if live == nil {
            cursor.move(by, in: rows.map(\.id))
        } else {
            let count = shown?.open?.attempts.count ?? 0
            attemptsTop = min(max(0, attemptsTop + by), max(0, count - 1))
        }
    }

    private mutating func back(by key: Key?) -> [ConsoleEffect] {
        if rootIsLive {
            if key == .character("q") || key == nil { return askQuit() }
            say(tr("q leaves"), .muted)
            return []
        }
        live = nil
        attemptsTop = 0
        return []
    }

    private mutating func askQuit() -> [ConsoleEffect] {
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
        case .backspace, .delete: if !filter.isEmpty { filter.removeLast() }
        case .control("u"): filter = ""
        case .control("c"): return askQuit()
        case .up: move(-1)
        case .down: move(1)
        case .character(let character): if filter.count < 60 { filter.append(character) }
        default: break
        }
        return []
    }

    // MARK: Overlays

    private mutating func press(_ key: Key, help state: HelpState) -> [ConsoleEffect] {
        var state = state
        if state.isSearching {
            switch key {
            case .enter: state.isSearching = false
            case .escape:
                state.isSearching = false
                state.query = ""
            case .backspace, .delete: if !state.query.isEmpty { state.query.removeLast() }
            case .control("c"): return askQuit()
            case .character(let character): if state.query.count < 40 { state.query.append(character) }
            default: break
            }
            state.top = 0
            overlay = .help(state)
            return []
        }
        let page = max(1, size.rows - 8)
        switch key {
        case .escape, .character("q"), .character("?"), .function(1), .enter:
            overlay = nil
            return []
        case .character("/"): state.isSearching = true
        case .down, .character("j"): state.top += 1
        case .up, .character("k"): state.top -= 1
        case .pageDown, .control("d"), .character(" "): state.top += page
        case .pageUp, .control("u"): state.top -= page
        case .home, .character("g"): state.top = 0
        case .end, .character("G"): state.top = 1_000
        case .control("c"): return askQuit()
        default: break
        }
        state.top = min(max(0, state.top), max(0, helpLines(state).count - helpRoom))
        overlay = .help(state)
        return []
    }

    private mutating func press(_ key: Key, palette state: PaletteState) -> [ConsoleEffect] {
        var state = state
        let matches = paletteMatches(state.query)
        switch key {
        case .escape, .control("c"):
            overlay = nil
            return []
        case .enter:
            overlay = nil
            guard matches.indices.contains(state.index) else {
                say(tr("no command is called {0}", state.query), .warn)
                return []
            }
            return perform(matches[state.index], by: nil)
        case .up, .control("p"): state.index -= 1
        case .down, .control("n"), .tab: state.index += 1
        case .backspace, .delete:
            if state.query.isEmpty {
                overlay = nil
                return []
            }
            state.query.removeLast()
            state.index = 0
        case .character(let character):
            if state.query.count < 40 { state.query.append(character) }
            state.index = 0
        default: break
        }
        state.index = min(max(0, state.index), max(0, paletteMatches(state.query).count - 1))
        overlay = .palette(state)
        return []
    }

    /// Commands of this place whose name or description holds the letters of the query in order, best first.
    func paletteMatches(_ query: String) -> [ConsoleCommand] {
        var seen: Set<String> = []
        let here = ConsoleCommand.here(place).filter { $0.action != .palette && seen.insert($0.name).inserted }
        if query.isEmpty { return here }
        return here.compactMap { command -> (Int, ConsoleCommand)? in
            let scores = [Self.score(query, command.name), Self.score(query, command.does).map { $0 + 100 }]
            return scores.compactMap { $0 }.min().map { ($0, command) }
        }.sorted { ($0.0, $0.1.name) < ($1.0, $1.1.name) }.map(\.1)
    }

    /// How far apart the letters of `query` stand in `text`; nil when they are not all there.
    private static func score(_ query: String, _ text: String) -> Int? {
        let text = Array(text.lowercased())
        if let whole = String(text).range(of: query.lowercased()) {
            return String(text).distance(from: String(text).startIndex, to: whole.lowerBound)
        }
        var position = 0
        var first: Int?
        for character in query.lowercased() where character != " " {
            guard let found = text[position...].firstIndex(of: character) else { return nil }
            first = first ?? found
            position = found + 1
        }
        return 20 + position - (first ?? 0)
    }

    private mutating func press(_ key: Key, start dialog: StartDialog) -> [ConsoleEffect] {
        var dialog = dialog
        if now.boot - dialog.opened < Self.deaf { return [] }
        if key == .escape || key == .control("c") {
            overlay = nil
            say(tr("nothing was started"), .muted)
            return []
        }
        guard let terms = dialog.terms, terms.people > 0 else {
            if dialog.terms != nil, key == .enter || key == .character("q") { overlay = nil }
            return []
        }
        if dialog.wantsName {
            switch key {
            case .backspace, .delete: if !dialog.typed.isEmpty { dialog.typed.removeLast() }
            case .control("u"): dialog.typed = ""
            case .character(let character): if dialog.typed.count < 200 { dialog.typed.append(character) }
            case .enter: say(tr("Enter does not start anything: type the whole name"), .warn)
            default: break
            }
            overlay = .start(dialog)
            return dialog.typed == dialog.campaign ? begin(dialog.campaign) : []
        }
        switch key {
        case .character("y"): return begin(dialog.campaign)
        case .character("n"), .character("q"):
            overlay = nil
            say(tr("nothing was started"), .muted)
        case .enter: say(tr("Enter does not start anything: press y"), .warn)
        default: break
        }
        return []
    }

    private mutating func begin(_ campaign: String) -> [ConsoleEffect] {
        overlay = nil
        live = campaign
        attemptsTop = 0
        say(tr("starting {0} …", campaign), .accent)
        return [.start(campaign)]
    }

    private mutating func press(_ key: Key, quitOpened opened: Int64) -> [ConsoleEffect] {
        if now.boot - opened < Self.deaf { return [] }
        switch key {
        case .escape, .character("n"): overlay = nil
        case .character("b"): return [.end(.background(latest?.ownRunners ?? []))]
        case .character("f"):
            overlay = nil
            isDraining = true
            flash = nil
            return [.drain]
        default: say(tr("b, f or Esc"), .warn)
        }
        return []
    }
}

extension String {
    /// The first place where `needle` stands.
    fileprivate func range(of needle: String) -> Range<String.Index>? {
        guard !needle.isEmpty else { return nil }
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(needle) { return start..<index(start, offsetBy: needle.count) }
            start = index(after: start)
        }
        return nil
    }
}
