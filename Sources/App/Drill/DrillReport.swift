/// What a drill found.
struct DrillReport: Sendable {
    /// One step over all rounds.
    struct Row: Sendable {
        var step: DrillStep
        var kills = 0
        /// The worker had ended before it could be killed there.
        var missed = 0
        var lost = 0
        var doubled = 0
        /// In doubt, and the post office took it; and never took it.
        var delivered = 0
        var undelivered = 0
        /// From the start of the next worker to the first message taken, in microseconds; one a round.
        var firsts: [Int64] = []

        init(_ step: DrillStep) { self.step = step }

        var slowestFirst: Int64? { firsts.max() }
    }

    /// Somebody whose hand-over a kill left open.
    struct Doubt: Sendable {
        var step: DrillStep
        var campaign: String
        var email: String
        var delivered: Bool
    }

    var rounds = 0
    var people = 0
    var rows: [Row] = DrillStep.allCases.map(Row.init)
    var doubts: [Doubt] = []
    /// What `verify` found in the queue afterwards.
    var findings: [String] = []
    var seconds = 0.0
    var isInterrupted = false
    /// How often somebody else ended a worker; those steps were done again.
    var disturbed = 0

    var kills: Int { rows.reduce(0) { $0 + $1.kills } }
    var missed: Int { rows.reduce(0) { $0 + $1.missed } }
    var lost: Int { rows.reduce(0) { $0 + $1.lost } }
    var doubled: Int { rows.reduce(0) { $0 + $1.doubled } }
    /// Everything was as promised, and every step was reached.
    var isClean: Bool { lost == 0 && doubled == 0 && findings.isEmpty && missed == 0 && kills > 0 }

    /// Adds one trial to its step's row.
    mutating func add(_ verdict: Reckoning.Verdict, at step: DrillStep, campaign: String, killed: Bool, first: Int64?) {
        guard let index = rows.firstIndex(where: { $0.step == step }) else { return }
        if killed { rows[index].kills += 1 } else { rows[index].missed += 1 }
        rows[index].lost += verdict.lost.count
        rows[index].doubled += verdict.doubled
        rows[index].delivered += verdict.doubtTaken.count
        rows[index].undelivered += verdict.doubtUntaken.count
        if let first { rows[index].firsts.append(first) }
        let open = verdict.doubtTaken.map { ($0, true) } + verdict.doubtUntaken.map { ($0, false) }
        for (person, delivered) in open.sorted(by: { $0.0 < $1.0 }) {
            doubts.append(
                Doubt(step: step, campaign: campaign, email: LoadCampaign.email(person), delivered: delivered))
        }
    }

    // MARK: Words

    func text() -> String {
        var table = TextTable([
            (tr("killed"), .left), (tr("kills"), .right), (tr("lost"), .right), (tr("doubled"), .right),
            (tr("in doubt"), .right), (tr("really delivered"), .right), (tr("not delivered"), .right),
            (tr("goes on after"), .right),
        ])
        for row in rows {
            table.add([
                row.step.title, "\(row.kills)", "\(row.lost)", "\(row.doubled)",
                "\(row.delivered + row.undelivered)", "\(row.delivered)", "\(row.undelivered)",
                row.slowestFirst.map(Self.milliseconds) ?? "",
            ])
        }
        var text = table.text()
        if !doubts.isEmpty {
            text += "\n" + tr("In doubt, and what the post office really saw of it:") + "\n"
            var list = TextTable([("", .left), ("", .left), ("", .left)])
            for doubt in doubts {
                list.add([
                    doubt.campaign, doubt.email, doubt.delivered ? tr("really delivered") : tr("not delivered"),
                ])
            }
            text += list.text().split(separator: "\n").map { "  \($0)\n" }.joined()
        }
        for finding in findings { text += tr("verify: {0}", OutsideText.plain(finding)) + "\n" }
        if disturbed > 0 {
            text +=
                "\n"
                + trn(
                    "{0} time a worker was ended by somebody else; that step was done again.",
                    "{0} times a worker was ended by somebody else; those steps were done again.", disturbed) + "\n"
        }
        return text + "\n" + sentence + "\n"
    }

    /// The whole of it in one sentence.
    var sentence: String {
        if !findings.isEmpty || lost > 0 || doubled > 0 {
            return tr(
                "NOT as promised: {0} lost, {1} doubled, {2} contradictions in the queue, after {3} kills.", lost,
                doubled,
                findings.count, kills)
        }
        if missed > 0 {
            return tr(
                "Nothing was lost or doubled in {0} kills, but {1} times the worker had ended before it could be killed.",
                kills, missed)
        }
        if kills == 0 { return tr("Nothing was killed.") }
        return tr(
            "Killed {0} times at {1} steps of the dialogue, with {2} people to write to: nobody was lost, nobody got it twice, and {3} are in doubt, held until somebody decides.",
            kills, rows.count { $0.kills > 0 }, NumberText.count(people), doubts.count)
    }

    static func milliseconds(_ microseconds: Int64) -> String {
        NumberText.decimal(Double(microseconds) / 1000, atMost: 0) + " ms"
    }

    // MARK: JSON

    var json: JSONText {
        var object = JSONText()
        object.add("rounds", rounds)
        object.add("people", people)
        object.add("kills", kills)
        object.add("missed", missed)
        object.add("lost", lost)
        object.add("doubled", doubled)
        object.add("in_doubt", doubts.count)
        object.add("in_doubt_delivered", doubts.count { $0.delivered })
        object.add("verify", findings)
        object.add(
            "steps",
            rows.map { row in
                var step = JSONText()
                step.add("step", row.step.rawValue)
                step.add("kills", row.kills)
                step.add("missed", row.missed)
                step.add("lost", row.lost)
                step.add("doubled", row.doubled)
                step.add("in_doubt", row.delivered + row.undelivered)
                step.add("in_doubt_delivered", row.delivered)
                step.add("first_message_ms", row.slowestFirst.map { Double($0) / 1000 })
                return step
            })
        object.add(
            "doubts",
            doubts.map { doubt in
                var item = JSONText()
                item.add("step", doubt.step.rawValue)
                item.add("campaign", doubt.campaign)
                item.add("email", doubt.email)
                item.add("delivered", doubt.delivered)
                return item
            })
        object.add("seconds", seconds)
        object.add("disturbed", disturbed)
        object.add("interrupted", isInterrupted)
        object.add("ok", isClean)
        return object
    }
}
