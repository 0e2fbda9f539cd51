/// One key press as the console understands it.
enum Key: Sendable, Hashable {
    case character(Character)
    case control(Character)
    case function(Int)
    case enter, escape, tab, backTab, backspace, delete
    case up, down, left, right, pageUp, pageDown, home, end

    /// Changes a line that is being typed, at its end: a character more or less, a word less, nothing left. False for a key that is
    /// for something else.
    func edit(_ line: inout String, most: Int) -> Bool {
        switch self {
        case .backspace, .delete: if !line.isEmpty { line.removeLast() }
        case .control("u"): line = ""
        case .control("w"):
            while line.last == " " { line.removeLast() }
            while let last = line.last, last != " " { line.removeLast() }
        case .character(let character): if line.count < most { line.append(character) }
        default: return false
        }
        return true
    }

    /// As shown in help and hints.
    var label: String {
        switch self {
        case .character(" "): tr("Space")
        case .character(let character): String(character)
        case .control(let character): "^" + character.uppercased()
        case .function(let number): "F\(number)"
        case .enter: "Enter"
        case .escape: "Esc"
        case .tab: "Tab"
        case .backTab: "S-Tab"
        case .backspace: "BkSp"
        case .delete: "Del"
        case .up: tr("Up")
        case .down: tr("Down")
        case .left: tr("Left")
        case .right: tr("Right")
        case .pageUp: "PgUp"
        case .pageDown: "PgDn"
        case .home: "Home"
        case .end: "End"
        }
    }
}
