import ArgumentParser
import Clock
import Queue

/// `outpost check DIR`
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Render every message, look for faults, and say when it would be finished; sends nothing.")

    @Argument(help: "The campaign's folder.") var folder: String
    @Flag(help: "One JSON object a finding, then one of totals.") var json = false
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let installation = try Installation()
        let config = try installation.config()
        let file = try CampaignFile(folder: folder)
        let intake = try Intake(file, config: config)
        _ = try config.sender(intake.account)
        // What a program reads is the same in every language.
        let review = try Translation.$local.withValue(json ? .english : Translation.local) {
            try Review(file, account: intake.account)
        }
        let outlook = review.people > 0 ? try Outlook(review.people, intake, in: try installation.readingQueue()) : nil
        try json ? printJSON(review, outlook) : printText(file, intake, review, outlook)
        if !review.errors.isEmpty { throw ExitCode(ExitStatus.findings.rawValue) }
    }

    private func printJSON(_ review: Review, _ outlook: Outlook?) throws {
        var output = StandardOutput()
        for (status, texts) in [("fail", review.errors), ("warn", review.warnings)] {
            for text in texts {
                var object = JSONText()
                object.add("status", status)
                object.add("detail", text)
                try output.line(object.line)
            }
        }
        var object = JSONText()
        object.add("status", review.errors.isEmpty ? "ok" : "fail")
        object.add("people", review.people)
        object.add("rejected", review.rejected)
        object.add("duplicate", review.duplicates)
        object.add("largest_bytes", review.largest)
        object.add("average_bytes", review.people > 0 ? review.bytes / review.people : 0)
        object.add("forecast", outlook?.finish)
        try output.line(object.line)
        try output.flush()
    }

    private func printText(_ file: CampaignFile, _ intake: Intake, _ review: Review, _ outlook: Outlook?) throws {
        var output = StandardOutput()
        for error in review.errors { try output.line(OutsideText.plain(tr("error: {0}", error))) }
        for warning in review.warnings { try output.line(OutsideText.plain(tr("warning: {0}", warning))) }
        if review.people == 0 { return try output.flush() }
        try output.line(
            tr(
                "{0}: {1} people, {2} rejected, {3} duplicate", file.name, NumberText.count(review.people),
                "\(review.rejected)", "\(review.duplicates)"))
        if review.largest > 0 {
            try output.line(
                tr(
                    "messages of {0} to {1}, attachments {2} of it", NumberText.bytes(review.smallest),
                    NumberText.bytes(review.largest), NumberText.bytes(review.attachmentSize)))
        }
        if let outlook { try output.line(outlook.text) }
        try output.flush()
        if review.errors.isEmpty { Notice.line(tr("Next: outpost send {0}", ShellWords.quoted(folder))) }
    }
}
