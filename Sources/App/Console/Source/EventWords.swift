import Queue

/// What runner and queue store in English, in the user's language where it is one of their own few texts.
enum EventWords {
    /// An event: a pause, a resumption and a cancellation are stored with nothing but their reason.
    static func of(_ kind: String, _ text: String, by: String) -> String {
        let reason = Queue.words(text == "By order." ? "" : Standstill.reason(text), by: by)
        switch kind {
        case "created": return tr("The campaign was created.")
        case "finished": return tr("All recipients are settled.")
        case "claim": return tr("The queue was claimed.")
        case "pause": return reason.isEmpty ? tr("paused") : tr("paused: {0}", reason)
        case "resume": return reason.isEmpty ? tr("resumed") : tr("resumed: {0}", reason)
        case "cancel": return reason.isEmpty ? tr("cancelled") : tr("cancelled: {0}", reason)
        default: return Queue.words(text, by: by)
        }
    }

    /// What a connection is at; commands of SMTP stay as they are.
    static func step(_ word: String) -> String {
        switch word {
        case "off": tr("off")
        case "wait": tr("wait")
        case "connect": tr("connect")
        case "send": tr("send")
        case "commit": tr("commit")
        default: word
        }
    }
}
