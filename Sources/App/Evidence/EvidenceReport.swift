import Queue

/// The words for what evidence decided.
enum EvidenceReport {
    static func print(_ outcome: DoubtByEvidence.Outcome, campaign: String, json: Bool) throws {
        var output = StandardOutput()
        for decision in outcome.decisions {
            if json {
                try output.line(Self.json(decision).line)
            } else if let words = words(decision) {
                try output.line(OutsideText.plain(words))
            }
        }
        try output.flush()
        if outcome.decisions.isEmpty { return Notice.line(tr("Nobody in {0} is in doubt.", campaign)) }
        summary(outcome)
        if outcome.decisions.contains(where: { $0.finding == nil }) {
            Notice.line(
                "  "
                    + tr(
                        "Not to be found proves nothing. To decide yourself: outpost settle {0} --in-doubt resend|sent|failed",
                        ShellWords.quoted(campaign)))
        }
    }

    /// How many it decided, on stderr.
    static func summary(_ outcome: DoubtByEvidence.Outcome) {
        for note in outcome.notes { Notice.line(note) }
        let findings = outcome.decisions.map { $0.finding?.decision }
        Notice.line(
            tr(
                "By this evidence {0} count as sent and {1} as failed; {2} stay in doubt.",
                NumberText.count(findings.count { $0 == .sent }), NumberText.count(findings.count { $0 == .failed }),
                NumberText.count(findings.count { $0 == nil })))
    }

    private static func words(_ decision: DoubtByEvidence.Decision) -> String? {
        switch decision.finding {
        case .accepted(let source): tr("{0}: accepted, says {1}", decision.email, source)
        case .failed(let source, let status): tr("{0}: failed: {1}, says {2}", decision.email, status, source)
        case nil: nil
        }
    }

    private static func json(_ decision: DoubtByEvidence.Decision) -> JSONText {
        var object = JSONText()
        object.add("email", decision.email)
        object.add("decision", decision.finding?.decision.rawValue)
        object.add("evidence", decision.finding?.record)
        return object
    }
}
