import ArgumentParser
import Mail
import Queue
import Sender

/// `outpost explain EMAIL|CODE`
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "One recipient's whole story; or what a server's answer means, and its cure.",
        discussion: """
            With an address: when it was imported, each attempt and what the server said, what that meant, and what \
            happens next. With a code such as 535 or 5.1.1, or a whole answer: what it means in general, and what \
            outpost makes of it.
            """)

    @Argument(help: ArgumentHelp("An address, a code, or a whole answer.", valueName: "email|code"))
    var words: [String]
    @Option(help: "The server that answers so; without it the account's.") var host: String?
    @Flag(help: "One JSON object.") var json = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if words.joined().trimmingSpaces.isEmpty { throw ValidationError(tr("Name an address or a code.")) }
    }

    func run() async throws {
        let text = words.joined(separator: " ").trimmingSpaces
        let installation = try Installation()
        let config = try installation.config()
        let classifier = ReplyClassifier(rules: try ReplyRules.load(folder: installation.places.configFolder))
        if text.contains("@"), let mailbox = try? Mailbox(parsing: text) {
            let story = try StoryReport(mailbox, try installation.readingQueue(), config, classifier)
            return try StandardOutput.print(json ? story.json.line + "\n" : story.text())
        }
        guard let reply = StoryReply.parse(text) else {
            throw Failure(
                .usage, tr("\"{0}\" is neither an address nor a server's answer.", text),
                next: tr("Write for example: outpost explain 550 5.1.1"))
        }
        let host = host ?? (config.accounts.count == 1 ? config.accounts[0].host : "")
        let meaning = StoryCodeReport(reply, host: host, classifier)
        try StandardOutput.print(json ? meaning.json.line + "\n" : meaning.text())
    }
}
