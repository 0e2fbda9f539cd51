import Clock

extension ConsoleModel {
    /// What the time of the campaign that commands act on was used for.
    mutating func openWaits() {
        guard let row = current else { return }
        people = nil
        waits = WaitsPane(campaign: row.name)
    }

    /// The campaign itself, live.
    mutating func openLive() {
        guard let row = current else { return }
        (people, waits) = (nil, nil)
        if live != row.name { attemptsTop = 0 }
        live = row.name
    }

    mutating func receive(_ found: CampaignWaits) {
        guard waits?.campaign == found.campaign, frozenAt == nil || waits?.found == nil else { return }
        // Who looks at the newest spell wants to see the next one.
        if waits?.spellCursor.index == 0 { waits?.spellCursor = ListCursor() }
        waits?.found = found
    }

    /// Keeps both cursors on their rows.
    mutating func settleWaits() {
        guard let pane = waits else { return }
        let layout = WaitsLayout(self, pane)
        waits?.restCursor.settle(pane.rests(now.wall).map(\.id), visible: layout.restsVisible)
        waits?.spellCursor.settle(pane.spells.map(\.id), visible: layout.spellsVisible)
    }

    mutating func moveWaits(_ by: Int) {
        guard let pane = waits else { return }
        switch pane.focus(now.wall) {
        case .rests: waits?.restCursor.move(by, in: pane.rests(now.wall).map(\.id))
        case .spells: waits?.spellCursor.move(by, in: pane.spells.map(\.id))
        }
    }

    mutating func nextPane() {
        guard let pane = waits else { return }
        if isTiny { return say(tr("enlarge the window for the other list"), .warn) }
        waits?.wanted = pane.wanted == .rests ? .spells : .rests
        // Where there is room for one of the two, it is now the other one.
        let layout = WaitsLayout(self, pane)
        if pane.rests(now.wall).isEmpty, layout.parts.height > 0, layout.spells.height > 0 {
            say(tr("no server is being left alone"), .muted)
        }
    }

    mutating func askLift() {
        guard let rest = waits?.selectedRest(now.wall) else { return }
        overlay = .lift(LiftDialog(rest: rest, opened: now.boot))
    }

    mutating func press(_ key: Key, lift dialog: LiftDialog) -> [ConsoleEffect] {
        if now.boot - dialog.opened < Self.deaf { return [] }
        var typed = ""
        switch Self.answer(key, name: nil, &typed) {
        case .yes:
            overlay = nil
            return [.lift(dialog.rest.id)]
        case .no:
            overlay = nil
            say(tr("nothing was changed"), .muted)
        case .enter: say(tr("Enter does nothing here: press y"), .warn)
        case .nothing: say(tr("y or Esc"), .warn)
        }
        return []
    }
}

extension Figures {
    /// Whole numbers in the proportion of `parts` that add up to `total`: what is cut off goes to those that lose most.
    static func apportion(_ parts: [Int64], _ total: Int64) -> [Int64] {
        let sum = parts.reduce(0, +)
        guard sum > 0 else { return parts.map { _ in 0 } }
        let exact = parts.map { sum.dividingFullWidth($0.multipliedFullWidth(by: total)) }
        var shares = exact.map(\.quotient)
        let missing = Int(total - shares.reduce(0, +))
        let order = exact.indices.sorted { (exact[$0].remainder, $1) > (exact[$1].remainder, $0) }
        for index in order.prefix(missing) { shares[index] += 1 }
        return shares
    }
}
