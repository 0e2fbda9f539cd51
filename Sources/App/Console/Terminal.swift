import CNcurses
import Glibc

/// The screen and the keyboard: the only file that touches ncurses.
///
/// It is used by one thread alone, the console's. Whatever way the process ends, the terminal is given back as it was:
/// by `close`, by `exit`, or by the handlers of the signals that kill and a guard for SIGKILL (see `rescue.c`).
final class Terminal {
    /// Readable when a signal arrived; each byte is its number.
    let signals: Int32
    private let wake: Int32
    private let hasColour: Bool
    private var drawn: Frame?
    let unicode: Bool

    struct Unusable: Error {
        var reason: String
    }

    /// Takes over the terminal. Throws where there is none, or one without a movable cursor.
    init(colour: Bool) throws(Unusable) {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else {
            throw Unusable(reason: tr("standard input and output are not a terminal"))
        }
        let term = getenv("TERM").map { String(cString: $0) } ?? ""
        guard !term.isEmpty, term != "dumb" else {
            throw Unusable(reason: tr("TERM={0} cannot place its cursor", term))
        }
        unicode = Terminal.prepareLocale()
        guard let pipe = WakePipe.make() else { throw Unusable(reason: tr("no more files can be opened")) }
        (signals, wake) = pipe
        var reason: String?
        if CNcurses_rescue_prepare(wake) != 0 {
            reason = tr("the terminal's settings cannot be read")
        } else if CNcurses_newterm() == nil {
            reason = tr("the terminal type {0} is unknown here", term)
        } else if CNcurses_has_capability("cup") == 0 {
            endwin()
            reason = tr("TERM={0} cannot place its cursor", term)
        }
        if let reason {
            Glibc.close(signals)
            Glibc.close(wake)
            throw Unusable(reason: reason)
        }
        hasColour = colour && has_colors()
        CNcurses_rescue_arm()
        raw()
        noecho()
        nonl()
        let screen = CNcurses_screen()
        keypad(screen, true)
        nodelay(screen, true)
        meta(screen, true)
        // Arrows as terminals send them that do not obey a request for application mode; or else they would be read as an Esc.
        for (sequence, key) in [
            ("\u{1B}[A", KEY_UP), ("\u{1B}[B", KEY_DOWN), ("\u{1B}[C", KEY_RIGHT), ("\u{1B}[D", KEY_LEFT),
            ("\u{1B}[H", KEY_HOME), ("\u{1B}[F", KEY_END),
        ] {
            define_key(sequence, key)
        }
        leaveok(screen, false)
        // A terminal writes the bytes of one key at once, so what follows an Esc is there already or is another key: waiting
        // longer would only delay the Esc key by as much.
        set_escdelay(3)
        curs_set(0)
        // Settings take effect at the first refresh; the guard has to know them.
        wrefresh(screen)
        CNcurses_guard_start()
        // A key's frame takes a fraction of a millisecond: it need not wait for the end of a sender's turn.
        _ = CNcurses_short_turns(100_000)
        if hasColour {
            start_color()
            use_default_colors()
            for role in Role.allCases { init_pair(Int16(role.rawValue) + 1, Terminal.colour(role), -1) }
        }
    }

    /// The locale of the user, or UTF-8 where a locale is named that this machine has not generated; answers whether
    /// text may be more than ASCII.
    private static func prepareLocale() -> Bool {
        if setlocale(LC_ALL, "") == nil {
            let names: [String] = ["LC_ALL", "LC_CTYPE", "LANG"]
            let named = names.compactMap { (name: String) -> String? in getenv(name).map { String(cString: $0) } }
            let first = named.first { !$0.isEmpty } ?? ""
            if first.lowercased().contains("utf") { setlocale(LC_ALL, "C.UTF-8") }
        }
        let codeset = nl_langinfo(Int32(CODESET)).map { String(cString: $0) } ?? ""
        return codeset == "UTF-8"
    }

    /// The sixteen colours are the user's; -1 is the default one.
    private static func colour(_ role: Role) -> Int16 {
        switch role {
        case .plain, .title, .muted: -1
        case .accent: 6
        case .ok: 2
        case .warn: 3
        case .error: 1
        case .paused: 5
        case .key: 4
        }
    }

    private func attributes(_ style: Style) -> attr_t {
        var result: attr_t = 0
        if style.bold || style.role == .title { result |= CNcurses_bold() }
        if style.reverse { result |= CNcurses_reverse() }
        if style.role == .muted { result |= CNcurses_dim() }
        if !hasColour {
            if style.role == .error || style.role == .warn { result |= CNcurses_bold() }
            if style.role == .paused { result |= CNcurses_underline() }
        }
        return result
    }

    /// The size of the window now; 80×24 where the system does not say.
    func windowSize() -> Size {
        var rows: Int32 = 0
        var columns: Int32 = 0
        guard CNcurses_window_size(&rows, &columns) == 0, rows > 0, columns > 0 else {
            return Size(columns: 80, rows: 24)
        }
        return Size(columns: Int(columns), rows: Int(rows))
    }

    /// Tells ncurses the new size and forgets what was drawn.
    func resize(_ size: Size) {
        resizeterm(Int32(size.rows), Int32(size.columns))
        drawn = nil
    }

    /// Draws the cells that differ from the frame before; nothing at all when none does.
    func draw(_ frame: Frame) {
        if let drawn, drawn == frame { return }
        let screen = CNcurses_screen()
        let isFresh = drawn?.size != frame.size
        if isFresh { werase(screen) }
        var buffer = [wchar_t](repeating: 0, count: 8)
        let columns = frame.size.columns
        let before = isFresh ? nil : drawn?.cells
        for (place, cell) in frame.cells.enumerated() {
            // The second half of a wide character comes with the first.
            if cell.mark.isEmpty { continue }
            if let before, before[place] == cell { continue }
            var count = 0
            cell.mark.forEach {
                buffer[count] = wchar_t(bitPattern: $0)
                count += 1
            }
            buffer[count] = 0
            let pair = hasColour ? Int16(cell.style.role.rawValue) + 1 : 0
            _ = CNcurses_put(Int32(place / columns), Int32(place % columns), buffer, attributes(cell.style), pair)
        }
        if let cursor = frame.cursor {
            wmove(screen, Int32(cursor.y), Int32(cursor.x))
            curs_set(1)
        } else {
            curs_set(0)
        }
        wrefresh(screen)
        drawn = frame
    }

    /// Draws everything anew at the next `draw`, for when something else has written to the terminal.
    func forget() {
        drawn = nil
        clearok(CNcurses_screen(), true)
    }

    /// Every key pressed since the last call.
    func keys() -> [Key] {
        var result: [Key] = []
        while true {
            var code: wint_t = 0
            let kind = get_wch(&code)
            if kind == ERR { return result }
            if let key = kind == KEY_CODE_YES ? Terminal.special(Int32(code)) : Terminal.plain(code) {
                result.append(key)
            }
        }
    }

    private static func special(_ code: Int32) -> Key? {
        switch code {
        case KEY_UP: .up
        case KEY_DOWN: .down
        case KEY_LEFT: .left
        case KEY_RIGHT: .right
        case KEY_PPAGE: .pageUp
        case KEY_NPAGE: .pageDown
        case KEY_HOME: .home
        case KEY_END: .end
        case KEY_ENTER: .enter
        case KEY_BACKSPACE: .backspace
        case KEY_DC: .delete
        case KEY_BTAB: .backTab
        case CNcurses_key_f(1)...CNcurses_key_f(12): .function(Int(code - CNcurses_key_f(0)))
        default: nil
        }
    }

    private static func plain(_ code: wint_t) -> Key? {
        switch code {
        case 9: return .tab
        case 10, 13: return .enter
        case 27: return .escape
        case 8, 127: return .backspace
        case 1...26: return .control(Character(Unicode.Scalar(UInt8(code) + 0x60)))
        case 0...31: return nil
        default: return Unicode.Scalar(code).map { .character(Character($0)) }
        }
    }

    /// Gives the terminal to the shell until the job is continued.
    func suspend() {
        curs_set(1)
        endwin()
        CNcurses_stop_job()
        forget()
        wrefresh(CNcurses_screen())
    }

    /// Gives the terminal back for good; nothing may be called after it.
    func close() {
        curs_set(1)
        endwin()
        CNcurses_rescue_disarm()
        Glibc.close(signals)
        Glibc.close(wake)
    }
}
