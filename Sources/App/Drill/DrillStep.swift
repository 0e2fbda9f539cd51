/// A step of the SMTP dialogue at which the drill kills its own worker.
enum DrillStep: String, CaseIterable, Sendable {
    case connect, banner, ehlo, starttls, auth, mail, rcpt, data, body, dot, taken, answer, settles

    /// When the kill comes.
    enum Moment: Sendable {
        /// As soon as the worker is entered in the queue: it has not connected yet.
        case entered
        /// A while after the `count`th event of a kind, in microseconds: the time a client needs to take its next step.
        case after(PostOfficeEvent.Kind, count: Int, wait: UInt32)
        /// The worker is frozen a while after the first event of a kind, and killed when a message that it has handed
        /// over has been taken: so it never reads that answer.
        case frozen(PostOfficeEvent.Kind, wait: UInt32)
    }

    /// How long a client gets for its next step on a loaded machine, in microseconds.
    private static let pause: UInt32 = 80_000

    /// - Parameter round: from 0; the kill comes a little later each round where no rule can hold the worker.
    func moment(round: Int) -> Moment {
        switch self {
        case .connect: .entered
        case .banner: .after(.connect, count: 1, wait: 0)
        case .ehlo, .starttls: .after(.connect, count: 1, wait: Self.pause)
        case .auth: .after(.tls, count: 1, wait: Self.pause)
        case .mail: .after(.auth, count: 1, wait: Self.pause)
        case .rcpt: .after(.mail, count: 1, wait: 0)
        case .data: .after(.rcpt, count: 1, wait: 0)
        case .body: .after(.data, count: 1, wait: Self.pause)
        case .dot: .after(.data, count: 1, wait: Self.pause)
        case .taken: .frozen(.data, wait: Self.pause)
        case .answer: .after(.accepted, count: 3, wait: [0, 300, 1000, 3000][round % 4])
        case .settles: .after(.accepted, count: 8 + round % 5, wait: 500)
        }
    }

    /// How the post office holds the worker at this step; each answer takes its 10 ms all the same.
    var script: String {
        let held =
            switch self {
            case .connect, .answer, .settles: ""
            case .banner, .ehlo, .starttls, .auth, .mail, .rcpt, .data, .dot: "at \(rawValue) first 1 stall 1m\n"
            // What is left of the four for the worker that goes on is through in half a minute.
            case .body: "at data first 4 slow 200000 byte/s\n"
            case .taken: "at dot first 1 stall 300ms\n"
            }
        return held + "at dot latency 10ms\n"
    }

    var people: Int { self == .body ? 8 : 24 }

    /// Bytes of a message: one too large for the buffers between the two processes, to be killed in the middle of.
    var size: Int { self == .body ? 6_000_000 : 4_000 }

    var title: String {
        switch self {
        case .connect: tr("before it connects")
        case .banner: tr("connected, no banner yet")
        case .ehlo: tr("after the banner: EHLO")
        case .starttls: tr("at STARTTLS")
        case .auth: tr("at AUTH")
        case .mail: tr("at MAIL")
        case .rcpt: tr("at RCPT")
        case .data: tr("at DATA")
        case .body: tr("in the middle of the body")
        case .dot: tr("after the final dot, not taken yet")
        case .taken: tr("taken, the answer not read")
        case .answer: tr("as the answer comes")
        case .settles: tr("between settles")
        }
    }
}
