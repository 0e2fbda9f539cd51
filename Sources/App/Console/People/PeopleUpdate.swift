import Clock
import Queue

extension ConsoleModel {
    // MARK: Opening

    /// The people of the campaign that commands act on.
    mutating func openPeople(state: RecipientState? = nil, typing: Bool = false) {
        guard let row = current else { return }
        let query = PeopleQuery(campaign: row.name, state: state)
        ticket += 1
        waits = nil
        people = PeopleList(query: query, ticket: ticket, typed: typing ? query.typed : nil)
    }

    /// The list anew from an end of it, for another question or to go there.
    private mutating func reread(_ query: PeopleQuery, fromEnd: Bool = false) {
        guard var list = people else { return }
        ticket += 1
        list.ticket = ticket
        if list.query != query {
            list.query = query
            list.cursor = ListCursor()
        }
        list.isStale = true
        list.isReading = false
        (list.before, list.after) = fromEnd ? (.more(nil), .end) : (.end, .more(nil))
        list.isEndKnown = fromEnd
        (list.taken, list.trouble) = (nil, nil)
        people = list
    }

    /// What has to be read for what is on the screen; asked after each event.
    mutating func peopleWants(isTyped: Bool = false) -> [ConsoleEffect] {
        guard var list = people, !list.isReading, list.trouble == nil else { return [] }
        let reach = peopleHeight * 2
        let request: PeopleRequest
        if case .more(let place) = list.after, list.isStale || list.cursor.index + reach >= list.rows.count {
            request = .page(list.ticket, list.query, from: place, backwards: false, isTyped: isTyped)
        } else if case .more(let place) = list.before, list.isStale || list.cursor.index < reach {
            request = .page(list.ticket, list.query, from: place, backwards: true, isTyped: false)
        } else {
            return []
        }
        list.isReading = true
        people = list
        return [.people(request)]
    }

    /// The figures changed: so may the rows that are shown.
    mutating func peopleAgain() -> [ConsoleEffect] {
        guard let list = people, frozenAt == nil else { return [] }
        var effects: [ConsoleEffect] = []
        if let story = list.story { effects.append(.people(.story(campaign: list.query.campaign, email: story.email))) }
        guard !list.isReading, !list.isStale, list.trouble == nil else { return effects }
        if list.query.text.isEmpty, list.query.state != nil, list.before == .end, list.rows.count <= PeopleList.page * 2
        {
            effects.append(.people(.again(list.ticket, list.query, limit: list.rows.count + PeopleList.page)))
        } else if !list.rows.isEmpty {
            let top = max(0, list.cursor.top - peopleHeight)
            let shown = list.rows[top..<min(list.rows.count, top + peopleHeight * 3)]
            effects.append(.people(.rows(list.ticket, campaign: list.query.campaign, ids: shown.map(\.id))))
        }
        return effects
    }

    // MARK: Answers

    mutating func receive(_ answer: PeopleAnswer) {
        guard var list = people else { return }
        switch answer {
        case .story(let email, let lines):
            guard list.story?.email == email else { return }
            list.story?.lines = lines
        case .failed(let ticket, let text):
            guard ticket == nil || ticket == list.ticket else { return }
            if ticket == nil {
                list.story?.lines = [text]
            } else {
                (list.isReading, list.taken, list.trouble) = (false, nil, text)
            }
        case .progress(let ticket, let count):
            guard ticket == list.ticket else { return }
            list.taken = count
        case .page(let ticket, let rows, let next, let backwards):
            guard ticket == list.ticket else { return }
            list.take(rows, next, backwards)
        case .again(let ticket, let rows, let next):
            guard ticket == list.ticket, !list.isReading else { return }
            list.rows = rows
            list.after = next.map { .more($0) } ?? .end
            list.isEndKnown = next == nil
        case .rows(let ticket, let rows):
            guard ticket == list.ticket else { return }
            list.refresh(rows)
        }
        people = list
    }

    // MARK: Keys

    /// Keys in the search box.
    mutating func pressInSearch(_ key: Key, _ typed: String) -> [ConsoleEffect] {
        guard let list = people else { return [] }
        var text = typed
        switch key {
        case .enter:
            people?.typed = nil
            return []
        case .escape:
            if typed.isEmpty {
                people = nil
                return []
            }
            people?.typed = nil
            text = ""
        case .control("c"): return askQuit()
        case .up, .down, .pageUp, .pageDown:
            let page = max(1, peopleHeight - 1)
            movePeople(key == .up ? -1 : key == .down ? 1 : key == .pageUp ? -page : page)
            return []
        default: if !key.edit(&text, most: 120) { return [] }
        }
        if people?.typed != nil { people?.typed = text }
        let query = PeopleQuery(campaign: list.query.campaign, typed: text)
        guard query != list.query else { return [] }
        reread(query)
        return peopleWants(isTyped: !text.isEmpty)
    }

    mutating func movePeople(_ by: Int) {
        guard let list = people else { return }
        if let story = list.story {
            let most = max(0, storyLines(story).count - storyHeight)
            // To the first or the last line is further than one can add to.
            people?.story?.top = min(max(0, story.top + min(most, max(-most, by))), most)
            return
        }
        // The ends of a list of millions are read, not walked to.
        if by == .max {
            if list.after == .end {
                people?.cursor.move(list.rows.count, in: list.rows.map(\.id))
            } else {
                reread(list.query, fromEnd: true)
            }
        } else if by == .min {
            if list.before == .end {
                people?.cursor.move(-list.rows.count, in: list.rows.map(\.id))
            } else {
                reread(list.query)
            }
        } else {
            people?.cursor.move(by, in: list.rows.map(\.id))
        }
    }

    mutating func clearSearch() {
        guard let list = people else { return }
        reread(PeopleQuery(campaign: list.query.campaign))
    }

    mutating func openStory() -> [ConsoleEffect] {
        guard let list = people, let row = list.selected else { return [] }
        people?.story = StoryState(email: row.email)
        return [.people(.story(campaign: list.query.campaign, email: row.email))]
    }

    /// The row after or before: in the list, or as the story that is read.
    mutating func step(_ by: Int) -> [ConsoleEffect] {
        guard let list = people else { return [] }
        // Whoever was settled has left the list; the next one stands where it was.
        if list.story != nil, list.subject == nil, by > 0 { return openStory() }
        people?.cursor.move(by, in: list.rows.map(\.id))
        if people?.cursor.id == list.cursor.id {
            say(by > 0 ? tr("that was the last one") : tr("that was the first one"), .muted)
            return []
        }
        return list.story == nil ? [] : openStory()
    }

    // MARK: Settling

    mutating func askSettle() {
        guard let list = people, let row = list.subject else { return }
        overlay = .settle(
            SettleDialog(
                campaign: list.query.campaign, person: row, count: current?.tallies.inDoubt ?? 1, opened: now.boot))
    }

    mutating func press(_ key: Key, settle dialog: SettleDialog) -> [ConsoleEffect] {
        if now.boot - dialog.opened < Self.deaf { return [] }
        var dialog = dialog
        guard let decision = dialog.decision else {
            switch key {
            case .escape, .control("c"), .character("q"), .character("n"): return refuseSettle()
            case .character("r"): dialog.decision = .resend
            case .character("s"): dialog.decision = .sent
            case .character("f"): dialog.decision = .failed
            case .tab where dialog.count > 1, .character("a") where dialog.count > 1: dialog.isForAll.toggle()
            default: say(tr("r, s, f or Esc"), .warn)
            }
            if dialog.decision != nil { dialog.opened = now.boot }
            overlay = .settle(dialog)
            return []
        }
        switch Self.answer(key, name: dialog.wantsName ? dialog.campaign : nil, &dialog.typed) {
        case .no: return refuseSettle()
        case .enter:
            say(
                dialog.wantsName
                    ? tr("Enter does nothing here: type the whole name") : tr("Enter does nothing here: press y"), .warn
            )
        case .nothing: if !dialog.wantsName { say(tr("y or Esc"), .warn) }
        case .yes:
            overlay = nil
            return [
                .settle(dialog.campaign, email: dialog.isForAll ? nil : dialog.person.email, decision)
            ]
        }
        overlay = .settle(dialog)
        return []
    }

    private mutating func refuseSettle() -> [ConsoleEffect] {
        overlay = nil
        say(tr("nothing was changed"), .muted)
        return []
    }
}

extension PeopleList {
    /// Puts a page in its place; the window forgets what is far from it.
    mutating func take(_ page: [PersonRow], _ next: RecipientPlace?, _ backwards: Bool) {
        (isReading, taken) = (false, nil)
        let edge: Edge = next.map { .more($0) } ?? .end
        if isStale {
            // The first page of another list takes the place of the one that was shown till now.
            isStale = false
            rows = []
            // Far below the last row: it settles on it.
            cursor = ListCursor(id: nil, index: backwards ? Int(Int32.max) : 0)
        }
        let known = Set(rows.map(\.id))
        let new = page.filter { !known.contains($0.id) }
        if backwards {
            rows = new.reversed() + rows
            before = edge
            if rows.count > Self.most {
                rows.removeLast(rows.count - Self.most)
                after = .more(rows.last?.place)
                isEndKnown = false
            }
        } else {
            rows += new
            after = edge
            isEndKnown = edge == .end
            if rows.count > Self.most {
                rows.removeFirst(rows.count - Self.most)
                before = .more(rows.first?.place)
            }
        }
    }

    /// Takes in how rows stand now; those that belong to another state by now go.
    mutating func refresh(_ news: [PersonRow]) {
        let fresh = Dictionary(news.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        for index in rows.indices {
            guard var row = fresh[rows[index].id] else { continue }
            row.place = rows[index].place
            rows[index] = row
        }
        if let state = query.state { rows.removeAll { $0.state != state } }
        // Whoever came since stands behind the last one.
        if query.text.isEmpty, after == .end, let last = rows.last { after = .more(last.place) }
    }
}
