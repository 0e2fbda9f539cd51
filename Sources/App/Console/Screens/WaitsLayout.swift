/// How the pane of waits shares the screen: rests, the parts of the time, its spells, and what the cursor is on in full.
struct WaitsLayout {
    let rests: Area
    let parts: Area
    let spells: Area
    let foot: Area
    /// No boxes: a heading and what fits under it.
    let isFlat: Bool

    init(_ model: ConsoleModel, _ pane: WaitsPane) {
        let body = model.body
        let count = pane.rests(model.now.wall).count
        let focus = pane.focus(model.now.wall)
        func area(_ y: Int, _ height: Int) -> Area { Area(x: 0, y: y, width: body.width, height: max(0, height)) }
        isFlat = body.height < 14
        if isFlat {
            let showsSpells = pane.wanted == .spells && focus == .spells
            let height = showsSpells ? 0 : 1 + min(max(1, count), max(1, (body.height - 2) / 3))
            rests = area(body.y, height)
            parts = area(body.y + height, showsSpells ? 0 : body.height - height)
            spells = area(body.y, showsSpells ? body.height : 0)
            foot = area(body.y + body.height, 0)
            return
        }
        let footHeight = body.height >= 30 ? 4 : body.height >= 20 ? 3 : 2
        let room = body.height - footHeight
        // Box and heading take three.
        let height = count == 0 ? 3 : min(count, max(2, room / 4)) + 3
        let left = room - height
        let y = body.y + height
        rests = area(body.y, height)
        foot = area(body.y + room, footHeight)
        if model.size.columns >= 110 {
            let half = body.width / 2
            parts = Area(x: 0, y: y, width: half, height: left)
            spells = Area(x: half, y: y, width: body.width - half, height: left)
        } else if left < 9 {
            // Room for one of the two: the list when somebody goes through it.
            parts = area(y, pane.wanted == .spells ? 0 : left)
            spells = area(y, pane.wanted == .spells ? left : 0)
        } else {
            let wanted = max(1, pane.found?.time?.parts.count ?? 1)
            let top = min(wanted, max(3, left * 2 / 5)) + 2
            parts = area(y, top)
            spells = area(y + top, left - top)
        }
    }

    var restsVisible: Int { max(1, rests.height - (isFlat ? 1 : 3)) }
    var spellsVisible: Int { max(1, spells.height - (isFlat ? 1 : 3)) }
}
