import Clock
import Mail
import Queue

/// How an address or a domain is written on the suppression list.
enum SuppressionKey {
    /// - Throws: `Failure` (65).
    static func key(_ text: String) throws -> String {
        let text = text.trimmingSpaces
        do {
            if text.hasPrefix("*@") || text.hasPrefix("@") {
                let domain = text.drop { $0 == "*" || $0 == "@" }
                return "*@" + (try Mailbox(parsing: "x@" + domain).asciiDomain)
            }
            return try Mailbox.key(of: text)
        } catch {
            throw Failure(.badData, "\(text): " + told("\(error)"))
        }
    }
}

/// A file of addresses never to be mailed: CSV with a column `email`, or one address a line.
struct SuppressionFile {
    struct Counts {
        var total = 0
        var new = 0
        var rejected = 0
        var firstRejects: [String] = []
        var known: Int { total - new - rejected }
    }

    private let path: String

    init(_ path: String) { self.path = path }

    /// - Throws: `Failure` or `QueueError`.
    func store(in queue: Queue, reason: String) throws -> Counts {
        var counts = Counts()
        var batch: [Suppression] = []
        let now = SystemClock().now()
        func reject(_ reason: String, line: Int) {
            counts.rejected += 1
            if counts.firstRejects.count < 5 { counts.firstRejects.append(tr("line {0}: {1}", "\(line)", reason)) }
        }
        try AddressFile.read(path) { line in
            counts.total += 1
            switch line {
            case .bad(let reason, let number): reject(reason, line: number)
            case .address(let text, let number):
                do {
                    let key = try SuppressionKey.key(text)
                    batch.append(Suppression(key: key, reason: reason, since: now, by: "import"))
                } catch {
                    reject("\(error)", line: number)
                }
            }
            if batch.count >= 5000 {
                counts.new += try queue.suppress(batch)
                batch.removeAll(keepingCapacity: true)
            }
        }
        counts.new += try queue.suppress(batch)
        return counts
    }
}
