import Clock

/// Numbers and times in the console's short forms.
enum Figures {
    /// `12 480`.
    static func count(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result += " " }
            result.append(digit)
        }
        return value < 0 ? "-" + result : result
    }

    /// `950`, `12.4k`, `3.1M`: at most five columns.
    static func short(_ value: Int) -> String {
        switch value {
        case ..<10_000: return String(value)
        case ..<1_000_000: return tenths(value, 1_000) + "k"
        default: return tenths(value, 1_000_000) + "M"
        }
    }

    private static func tenths(_ value: Int, _ unit: Int) -> String {
        let tenths = value / (unit / 10)
        return tenths >= 1000 || tenths % 10 == 0 ? String(tenths / 10) : "\(tenths / 10).\(tenths % 10)"
    }

    /// `26.0%`; 100% only when it is all.
    static func percent(_ fraction: Double) -> String {
        let tenths = Int((min(1, max(0, fraction)) * 1000).rounded(.down))
        return tenths >= 1000 ? "100%" : "\(tenths / 10).\(tenths % 10)%"
    }

    /// `0.8s`, `12s`, `4m`, `1h20`, `3d`.
    static func age(_ duration: Duration) -> String {
        let tenths = max(0, duration.inMicroseconds / 100_000)
        let seconds = tenths / 10
        switch seconds {
        case ..<10: return "\(seconds).\(tenths % 10)s"
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m"
        case ..<86_400: return "\(seconds / 3600)h" + padded(Int(seconds % 3600 / 60), 2)
        default: return "\(seconds / 86_400)d"
        }
    }

    /// `46:10`, `1:46:10`, `2d 04:00`.
    static func elapsed(_ duration: Duration) -> String {
        let seconds = Int(max(0, duration.inMicroseconds / 1_000_000))
        let minutes = padded(seconds / 60 % 60, 2)
        if seconds < 3600 { return "\(seconds / 60):\(padded(seconds % 60, 2))" }
        if seconds < 86_400 { return "\(seconds / 3600):\(minutes):\(padded(seconds % 60, 2))" }
        return "\(seconds / 86_400)d \(padded(seconds / 3600 % 24, 2)):\(minutes)"
    }

    /// A window as `1h`, `24h`, `30s`.
    static func window(_ seconds: Int) -> String {
        if seconds == 86_400 { return "24h" }
        if seconds % 86_400 == 0 { return "\(seconds / 86_400)d" }
        if seconds % 3600 == 0 { return "\(seconds / 3600)h" }
        if seconds % 60 == 0 { return "\(seconds / 60)m" }
        return "\(seconds)s"
    }

    /// `14:02` within half a day, `11-26 14:02` on another day, `2027-01-02` in another year.
    static func time(_ time: Timestamp, _ model: ConsoleModel, seconds: Bool = false) -> String {
        let then = CivilTime(time, offset: model.zone)
        let today = CivilTime(model.now.wall, offset: model.zone)
        let clock = "\(padded(then.hour, 2)):\(padded(then.minute, 2))"
        if abs((time - model.now.wall).inMicroseconds) < 43_200_000_000 {
            return seconds ? clock + ":" + padded(then.second, 2) : clock
        }
        if then.year != today.year { return "\(then.year)-\(padded(then.month, 2))-\(padded(then.day, 2))" }
        if then.month != today.month || then.day != today.day {
            return "\(padded(then.month, 2))-\(padded(then.day, 2)) \(clock)"
        }
        return clock
    }

    /// A moment that is soon is told to the second, so that one can wait for it.
    static func soon(_ time: Timestamp, _ model: ConsoleModel) -> String {
        self.time(time, model, seconds: (time - model.now.wall).inSeconds < 600)
    }
}

extension Standstill {
    /// The whole reason, as a sentence, with when it ends.
    func sentence(_ model: ConsoleModel, campaign: String) -> String {
        switch self {
        case .notStarted: return tr("not started: s starts it")
        case .noRunner: return tr("no process is sending it: s goes on, or run: outpost send {0} --wait", campaign)
        case .capped(let scope, let key, let count, let per, let until):
            let what = tr("{0} {1} is at its cap of {2} per {3}", Self.scope(scope), key, count, Figures.window(per))
            return until.map { tr("{0}, next at {1}", what, Figures.soon($0, model)) } ?? what
        case .retry(let until):
            guard let until else { return tr("all that is left waits for its retry") }
            return tr("all that is left waits for its retry, next at {0}", Figures.soon(until, model))
        case .rest(let until, let why):
            guard let until else { return tr("the server asked for rest: {0}", why) }
            return tr("resting until {0}: {1}", Figures.soon(until, model), why)
        case .paused(let why, let at):
            let when = at.map { Figures.time($0, model) }
            switch (why.isEmpty, when) {
            case (true, nil): return tr("paused: p resumes it")
            case (true, let when?): return tr("paused at {0}: p resumes it", when)
            case (false, nil): return tr("paused ({0}): p resumes it", why)
            case (false, let when?): return tr("paused at {0} ({1}): p resumes it", when, why)
            }
        case .inDoubt(let count):
            return trn(
                "only {0} hand-over in doubt is left: d lists it, to be settled",
                "only {0} hand-overs in doubt are left: d lists them, to be settled", count)
        case .finished(let at):
            return at.map { tr("finished at {0}", Figures.time($0, model)) } ?? tr("finished")
        case .cancelled: return tr("cancelled: nobody else will get it")
        case .said(let text, let until):
            return until.map { tr("{0}, next at {1}", text, Figures.soon($0, model)) } ?? text
        }
    }

    /// A few words for a column.
    func brief(_ model: ConsoleModel) -> String {
        switch self {
        case .notStarted: return "-"
        case .noRunner: return tr("no sender")
        case .capped(_, _, _, let per, let until):
            guard let until else { return tr("cap {0}", Figures.window(per)) }
            return tr("next {0} ({1})", Figures.soon(until, model), Figures.window(per))
        case .retry(let until): return until.map { tr("retry {0}", Figures.soon($0, model)) } ?? tr("retry")
        case .rest(let until, _): return until.map { tr("rest to {0}", Figures.soon($0, model)) } ?? tr("rest")
        case .paused(let why, let at):
            return at.map { tr("since {0}", Figures.time($0, model)) } ?? (why.isEmpty ? "-" : why)
        case .inDoubt(let count): return tr("{0} in doubt", count)
        case .finished(let at): return at.map { tr("done {0}", Figures.time($0, model)) } ?? "-"
        case .cancelled: return "-"
        case .said(let text, let until): return until.map { tr("next {0}", Figures.soon($0, model)) } ?? text
        }
    }

    /// When it ends by itself.
    var until: Timestamp? {
        switch self {
        case .capped(_, _, _, _, let until), .retry(let until), .rest(let until, _), .said(_, let until): until
        case .notStarted, .noRunner, .paused, .inDoubt, .finished, .cancelled: nil
        }
    }

    /// The reason the console stores with a pause: in English, whoever reads it.
    static let byConsole = "in the console"

    /// A stored reason in the user's language, where it is one of the program's own.
    static func reason(_ stored: String) -> String {
        stored == byConsole ? tr("in the console") : told(stored)
    }

    static func scope(_ scope: String) -> String {
        switch scope {
        case "source": tr("source")
        case "account": tr("account")
        case "domain": tr("domain")
        case "campaign": tr("campaign")
        default: scope
        }
    }
}
