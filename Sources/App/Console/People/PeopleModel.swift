import Clock
import Queue

/// One recipient as a list of people shows it.
struct PersonRow: Sendable, Equatable, Identifiable {
    var id: Int64
    /// Where it stands in its list; nil where only its figures are new.
    var place: RecipientPlace?
    var email: String
    var state: RecipientState
    /// Tries that count towards the retry schedule.
    var tries: Int
    var next: Timestamp?
    /// When the last answer came, or the hand-over was cut off.
    var answered: Timestamp?
    /// Code and text of the last answer.
    var reply: String
}

/// Which people of a campaign are listed.
struct PeopleQuery: Sendable, Equatable {
    var campaign: String
    var state: RecipientState?
    /// Looked for in addresses and last answers; empty lists everybody.
    var text = ""

    init(campaign: String, state: RecipientState? = nil, text: String = "") {
        self.campaign = campaign
        self.state = state
        self.text = text
    }

    /// What was typed into the search box: text, and `state:WORD` with a word of the contract or the beginning of one.
    init(campaign: String, typed: String) {
        self.campaign = campaign
        var words: [Substring] = []
        for word in typed.split(separator: " ") {
            if word.hasPrefix("state:"), let state = Self.state(word.dropFirst(6)) {
                self.state = state
            } else {
                words.append(word)
            }
        }
        text = words.joined(separator: " ")
    }

    private static func state(_ word: Substring) -> RecipientState? {
        let word = word.lowercased()
        return RecipientState.allCases.first { $0.rawValue == word }
            ?? RecipientState.allCases.first { !word.isEmpty && $0.rawValue.hasPrefix(word) }
    }

    /// As it would be typed.
    var typed: String {
        [text, state.map { "state:" + $0.rawValue } ?? ""].filter { !$0.isEmpty }.joined(separator: " ")
    }
}

/// What the screen asks of the thread that reads people. Of two questions about lists only the newer ticket is answered.
enum PeopleRequest: Sendable, Equatable {
    /// A page behind (or before) a place; `isTyped` waits a moment for the next letter.
    case page(Int, PeopleQuery, from: RecipientPlace?, backwards: Bool, isTyped: Bool)
    /// The beginning of the list anew, with so many rows.
    case again(Int, PeopleQuery, limit: Int)
    /// These rows as they stand now.
    case rows(Int, campaign: String, ids: [Int64])
    /// One recipient's whole story.
    case story(campaign: String, email: String)
}

enum PeopleAnswer: Sendable {
    case page(Int, rows: [PersonRow], next: RecipientPlace?, backwards: Bool)
    case again(Int, rows: [PersonRow], next: RecipientPlace?)
    case rows(Int, [PersonRow])
    /// So many new lines were taken into the index, before anything can be found.
    case progress(Int, Int)
    case story(email: String, [String])
    case failed(Int?, String)
}

/// A list of people: a window over one that may have millions.
struct PeopleList: Sendable, Equatable {
    enum Edge: Sendable, Equatable {
        /// Nothing comes beyond it.
        case end
        /// To be read from here; nil is the list's own end.
        case more(RecipientPlace?)
    }

    var query: PeopleQuery
    var rows: [PersonRow] = []
    var cursor = ListCursor()
    var before = Edge.end
    var after = Edge.more(nil)
    /// Answers to older questions are dropped.
    var ticket: Int
    /// A page was asked for and is not here yet.
    var isReading = false
    /// The last row there is has been read.
    var isEndKnown = false
    /// The rows are still those of the question before.
    var isStale = true
    /// How many new lines the index has taken in, while it does.
    var taken: Int?
    var trouble: String?
    /// What stands in the search box while it is typed in.
    var typed: String?
    var story: StoryState?

    /// Rows asked for at once, and the most that are kept.
    static let page = 200
    static let most = 2_000

    var selected: PersonRow? { rows.indices.contains(cursor.index) ? rows[cursor.index] : nil }
    /// Whom commands act on: the one whose story is read, or the one under the cursor.
    var subject: PersonRow? { story.map { story in rows.first { $0.email == story.email } } ?? selected }
    /// All of the list is in the window, or was when its end was read.
    var isWhole: Bool { before == .end && isEndKnown && !isStale }
}

/// One recipient's story, as `outpost explain` tells it.
struct StoryState: Sendable, Equatable {
    var email: String
    /// nil until it is read.
    var lines: [String]?
    var top = 0
}

/// Asks how those in doubt shall be settled: first what to do, then whether really.
struct SettleDialog: Sendable, Equatable {
    var campaign: String
    var person: PersonRow
    /// All that are in doubt, instead of the one.
    var isForAll = false
    /// How many are in doubt in the campaign.
    var count: Int
    var decision: DoubtDecision?
    var typed = ""
    /// When the question came up, in microseconds since boot.
    var opened: Int64

    /// To settle this many, the campaign's name is to be typed.
    var wantsName: Bool { isForAll && count > ConsoleModel.StartDialog.severe }
}
