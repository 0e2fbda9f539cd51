/// What a load test found.
struct StressReport: Sendable {
    /// The most that may be lost, as a share of what was begun.
    static let goal = 0.001

    var connections = 0
    /// The most that were open at once.
    var reached = 0
    /// Bytes of one message on the wire.
    var size = 0
    var tls = false
    var seconds = 0.0
    var picture = StressMeter.Picture()
    /// People whose message the post office took.
    var taken = 0
    var lost = 0
    var doubled = 0
    var inDoubt = 0
    /// Contradictions in the queue.
    var findings: [String] = []
    /// Largest resident sets, in bytes.
    var memory: Int?
    var postOfficeMemory: Int?
    /// Queues it was sent from, one after the other.
    var queues = 0
    /// The most disk it took, in bytes.
    var disk = 0
    var isInterrupted = false
    /// Where all of it is; nil when it was removed.
    var kept: String?

    /// Adds what one queue came to.
    mutating func add(_ verdict: Reckoning.Verdict) {
        taken += verdict.taken
        // A hand-over in doubt is accounted for, but its answer was lost: no load may do that.
        lost += verdict.lost.count + verdict.inDoubt
        inDoubt += verdict.inDoubt
        doubled += verdict.doubled
    }

    var lostShare: Double { picture.begun == 0 ? 0 : Double(lost) / Double(picture.begun) }
    var rate: Double { seconds > 0 ? Double(picture.sent) / seconds : 0 }
    /// Bytes a second of messages handed over.
    var throughput: Double { seconds > 0 ? Double(picture.bytes) / seconds : 0 }
    var isClean: Bool { lostShare <= Self.goal && doubled == 0 && findings.isEmpty && picture.sent > 0 }

    // MARK: Words

    func text() -> String {
        var table = TextTable([("", .left), ("", .left)])
        let latency = picture.latency
        let times = [latency.p50, latency.p90, latency.p99, latency.p999, latency.max].map(Self.milliseconds)
        table.add([tr("connections"), tr("{0} of {1} open", reached, connections) + (tls ? ", TLS" : "")])
        table.add([tr("sent"), "\(NumberText.count(picture.sent)) × \(NumberText.bytes(size))"])
        table.add([tr("time"), NumberText.decimal(seconds, atMost: 1) + " s"])
        table.add([
            tr("throughput"),
            NumberText.rate(perSecond: rate) + ", " + NumberText.decimal(throughput / 1e6, atMost: 1) + " MB/s",
        ])
        table.add([
            tr("lost"),
            tr("{0} of {1} begun ({2} %)", lost, NumberText.count(picture.begun), Self.percent(lostShare)),
        ])
        table.add([tr("doubled"), "\(doubled)"])
        table.add([
            tr("latency"),
            "p50 \(times[0]), p90 \(times[1]), p99 \(times[2]), p99.9 \(times[3]), max \(times[4])",
        ])
        table.add([
            tr("memory"),
            tr(
                "sender {0}, post office {1}", memory.map(NumberText.bytes) ?? "?",
                postOfficeMemory.map(NumberText.bytes) ?? "?"),
        ])
        table.add([tr("disk"), tr("{0} at most; queues: {1}", NumberText.bytes(disk), queues)])
        table.add([
            tr("failures"),
            picture.failures.isEmpty
                ? tr("none") : picture.failures.map { "\($0.kind): \($0.count)" }.joined(separator: ", "),
        ])
        if let kept { table.add([tr("kept in"), kept]) }
        // The heading has no words.
        var text = table.text().split(separator: "\n").map { "\($0)\n" }.joined()
        for finding in findings { text += tr("verify: {0}", OutsideText.plain(finding)) + "\n" }
        return text + sentence + "\n"
    }

    var sentence: String {
        if picture.sent == 0 { return tr("Nothing was sent.") }
        return isClean
            ? tr(
                "Every message is accounted for: {0} % lost (goal: at most 0.1 %), nothing doubled.",
                Self.percent(lostShare))
            : tr("NOT as promised: {0} lost, {1} doubled, {2} contradictions.", lost, doubled, findings.count)
    }

    static func percent(_ share: Double) -> String { NumberText.decimal(share * 100, atMost: 4) }

    static func milliseconds(_ microseconds: UInt64) -> String {
        NumberText.decimal(Double(microseconds) / 1000, atMost: microseconds < 10_000 ? 1 : 0) + " ms"
    }

    // MARK: JSON

    var json: JSONText {
        var object = JSONText()
        object.add("connections", connections)
        object.add("connections_open", reached)
        object.add("size_bytes", size)
        object.add("tls", tls)
        object.add("seconds", seconds)
        object.add("begun", picture.begun)
        object.add("sent", picture.sent)
        object.add("accepted", taken)
        object.add("lost", lost)
        object.add("lost_percent", lostShare * 100)
        object.add("doubled", doubled)
        object.add("in_doubt", inDoubt)
        object.add("messages_per_second", rate)
        object.add("megabytes_per_second", throughput / 1_000_000)
        let latency = picture.latency
        for (name, value) in [
            ("p50", latency.p50), ("p90", latency.p90), ("p99", latency.p99), ("p99_9", latency.p999),
            ("max", latency.max),
        ] {
            object.add("latency_ms_\(name)", Double(value) / 1000)
        }
        object.add("memory_bytes", memory)
        object.add("postoffice_memory_bytes", postOfficeMemory)
        object.add("queues", queues)
        object.add("disk_bytes", disk)
        object.add(
            "failures",
            picture.failures.map { failure in
                var item = JSONText()
                item.add("kind", failure.kind)
                item.add("count", failure.count)
                return item
            })
        object.add("verify", findings)
        object.add("interrupted", isInterrupted)
        object.add("ok", isClean)
        return object
    }
}
