extension ConsoleModel {
    mutating func press(_ key: Key, help state: HelpState) -> [ConsoleEffect] {
        var state = state
        if state.isSearching {
            switch key {
            case .enter: state.isSearching = false
            case .escape:
                state.isSearching = false
                state.query = ""
            case .control("c"): return askQuit()
            default: _ = key.edit(&state.query, most: 40)
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

    mutating func press(_ key: Key, palette state: PaletteState) -> [ConsoleEffect] {
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
        case .backspace where state.query.isEmpty, .delete where state.query.isEmpty:
            overlay = nil
            return []
        default: if key.edit(&state.query, most: 40) { state.index = 0 }
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

    enum Answer { case yes, no, enter, nothing }

    /// What a key says to a question: y or, where `name` is wanted, the whole of it typed. Enter is never a yes.
    static func answer(_ key: Key, name: String?, _ typed: inout String) -> Answer {
        switch key {
        case .escape, .control("c"): return .no
        case .enter: return .enter
        default: break
        }
        guard let name else {
            switch key {
            case .character("y"): return .yes
            case .character("n"), .character("q"): return .no
            default: return .nothing
            }
        }
        _ = key.edit(&typed, most: 200)
        return typed == name ? .yes : .nothing
    }

    mutating func press(_ key: Key, start dialog: StartDialog) -> [ConsoleEffect] {
        var dialog = dialog
        if now.boot - dialog.opened < Self.deaf { return [] }
        if key == .escape || key == .control("c") {
            overlay = nil
            say(tr("nothing was started"), .muted)
            return []
        }
        guard let terms = dialog.terms, terms.people > 0 else {
            if dialog.terms == nil { return [] }
            if key == .enter || key == .character("q") { overlay = nil } else { say(tr("Esc goes back"), .warn) }
            return []
        }
        let answer = Self.answer(key, name: dialog.wantsName ? dialog.campaign : nil, &dialog.typed)
        overlay = .start(dialog)
        switch answer {
        case .yes: return begin(dialog.campaign)
        case .no:
            overlay = nil
            say(tr("nothing was started"), .muted)
        case .enter:
            say(
                dialog.wantsName
                    ? tr("Enter does not start anything: type the whole name")
                    : tr("Enter does not start anything: press y"), .warn)
        case .nothing: if !dialog.wantsName { say(tr("y or Esc"), .warn) }
        }
        return []
    }

    private mutating func begin(_ campaign: String) -> [ConsoleEffect] {
        overlay = nil
        waits = nil
        live = campaign
        attemptsTop = 0
        say(tr("starting {0} …", campaign), .accent)
        return [.start(campaign)]
    }

    mutating func press(_ key: Key, quitOpened opened: Int64) -> [ConsoleEffect] {
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
