import ArgumentParser
import Queue

/// `outpost verify [--claim] [--prune]`
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Look for contradictions in the queue: tallies, attempts, the ledger of the caps, the file itself.",
        discussion: """
            A queue that was copied, moved or restored from a backup does not send, because another copy may have \
            sent already. --claim makes this one the one that sends; use it when no other copy sends any more. What was \
            sent from elsewhere meanwhile is unknown: people may get it again, and unless this queue is known to be \
            whole, every cap counts as used up from that moment until its window has passed.
            """)

    @Flag(help: "Make this copy of the queue the one that sends.") var claim = false
    @Flag(
        help: ArgumentHelp(
            "With --claim: nothing was sent from elsewhere, so the caps hold as they are stored.",
            discussion: "Dangerous: if something was, your provider's caps are passed."))
    var freshCaps = false
    @Flag(help: "With --claim: do not ask.") var yes = false
    @Flag(help: "Compare every index with its table too; slow on a large queue.") var deep = false
    @Flag(help: "First drop the texts that [retention] no longer keeps; a running send does so by itself.")
    var prune = false
    @Flag(help: "One JSON object a finding.") var json = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if !claim, freshCaps || yes { throw ValidationError(tr("--fresh-caps and --yes go with --claim.")) }
    }

    func run() async throws {
        let installation = try Installation()
        if claim { try Claim(freshCaps: freshCaps, asks: !yes && Interaction.isPossible).make(installation) }
        if prune, FilePath.exists(installation.places.queue) {
            let config = try installation.config()
            let sweep = try installation.queue().sweep(config.retention, limits: config.allCaps)
            try sweep.finish()
            Notice.line(
                tr(
                    "{0} texts and {1} grants were older than they are kept, and are gone.",
                    NumberText.count(sweep.counts.texts), NumberText.count(sweep.counts.grants)))
        }
        var findings: [Finding] = []
        var objection: String?
        do {
            guard let queue = try installation.readingQueue() else {
                throw Failure(.notFound, tr("There is no queue at {0}.", installation.places.queue))
            }
            findings = try queue.verify(deep: deep)
            objection = try queue.claimObjection()
        } catch let error as QueueError {
            // A file too damaged to be read to its end is what this command looks for.
            guard case .corrupt = error else { throw error }
            findings = [Finding(check: "file", detail: error.description)]
        }
        var output = StandardOutput()
        if json, let objection {
            var object = JSONText()
            object.add("check", "claim")
            object.add("status", "warn")
            object.add("detail", told(objection))
            try output.line(object.line)
        }
        for finding in findings {
            if json {
                var object = JSONText()
                object.add("check", finding.check)
                object.add("status", "fail")
                object.add("detail", finding.detail)
                try output.line(object.line)
            } else {
                try output.line(OutsideText.plain("\(finding.check): \(told(finding.detail))"))
            }
        }
        try output.flush()
        if let objection { Notice.unclaimed(objection) }
        if findings.isEmpty {
            Notice.line(tr("All is well: what is stored agrees with itself."))
        } else {
            Notice.line(trn("{0} contradiction found.", "{0} contradictions found.", findings.count))
            throw ExitCode(ExitStatus.findings.rawValue)
        }
    }
}
