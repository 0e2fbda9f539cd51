import Queue

/// What an import says of itself.
enum ImportReport {
    /// `in 5 = new 3 + known 0 + duplicate 1 + rejected 1 + suppressed 0`
    static func line(_ counts: ImportCounts) -> String {
        tr(
            "in {0} = new {1} + known {2} + duplicate {3} + rejected {4} + suppressed {5}", "\(counts.in)",
            "\(counts.new)", "\(counts.known)", "\(counts.duplicate)", "\(counts.rejected)", "\(counts.suppressed)")
    }

    static func json(_ outcome: Intake.Outcome) -> JSONText {
        var object = JSONText()
        object.add("campaign", outcome.campaign.name)
        object.add("in", outcome.counts.in)
        object.add("new", outcome.counts.new)
        object.add("known", outcome.counts.known)
        object.add("duplicate", outcome.counts.duplicate)
        object.add("rejected", outcome.counts.rejected)
        object.add("suppressed", outcome.counts.suppressed)
        object.add("total", outcome.campaign.total)
        object.add("rejects", outcome.rejectsPath)
        return object
    }

    /// The first rejected rows and where the rest is, for stderr.
    static func notice(_ outcome: Intake.Outcome) {
        for reject in outcome.rejects { Notice.line("  " + reject) }
        if outcome.counts.rejected > outcome.rejects.count {
            Notice.line("  " + tr("and {0} more", "\(outcome.counts.rejected - outcome.rejects.count)"))
        }
        if let path = outcome.rejectsPath { Notice.line("  " + tr("Rejected rows are in {0}", path)) }
        if let fault = outcome.rejectsFault { Notice.line("  " + fault) }
        if outcome.acceptedChange { Notice.line(tr("The changed message goes to whoever is left.")) }
    }
}
