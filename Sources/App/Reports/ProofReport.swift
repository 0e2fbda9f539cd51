import Clock
import Queue

/// What `prove` found, as JSON and as text.
struct ProofReport {
    let proof: Proof
    private let names: [Int64: String]
    private let now: Timestamp

    init(_ proof: Proof, campaigns: [Campaign], now: Timestamp = SystemClock().now()) {
        self.proof = proof
        self.now = now
        names = Dictionary(campaigns.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
    }

    var json: JSONText {
        var object = JSONText()
        object.add("proven", proof.isProven)
        object.add("recipients", proof.recipients)
        object.add("attempts", proof.attempts)
        object.add("open", proof.open)
        object.add("grants", proof.grants)
        object.add("from", proof.first)
        object.add("until", proof.last)
        object.add("resolution_seconds", Double(proof.resolutionMicroseconds) / 1_000_000)
        object.add("caps", proof.caps.map(json))
        object.add("campaigns", proof.tallies.map(json))
        object.add("tallies_explained", isExplained)
        object.add("ledger_whole", proof.kept.isEmpty)
        object.add(
            "ledger_kept",
            proof.kept.map { kept in
                var object = JSONText()
                object.add("scope", kept.scope.rawValue)
                object.add("key", name(kept.scope, kept.key))
                object.add("from", kept.from)
                object.add("removed", kept.removed)
                return object
            })
        object.add(
            "claims",
            proof.claims.map { claim in
                var object = JSONText()
                object.add("at", claim.at)
                object.add("known_until", claim.known)
                object.add("caps", claim.fillsCaps ? "used-up" : "fresh")
                return object
            })
        object.add("contradictions", proof.findings.map(json))
        return object
    }

    private func json(_ cap: CapProof) -> JSONText {
        let limit = cap.held.limit
        var object = JSONText()
        object.add("scope", limit.scope.rawValue)
        object.add("key", key(cap))
        if limit.perSeconds == limit.perSeconds.rounded() {
            object.add("per_seconds", Int(limit.perSeconds))
        } else {
            object.add("per_seconds", limit.perSeconds)
        }
        object.add("count", cap.allowed)
        object.add("account", cap.held.account)
        object.add("campaign", cap.held.campaign.map { names[$0] ?? String($0) })
        object.add("messages", cap.messages)
        object.add("peak", cap.peak)
        object.add("at", cap.at)
        object.add("margin", cap.margin)
        object.add("unclear", cap.unclear)
        object.add("slack_seconds", cap.slackMicroseconds.map { Double($0) / 1_000_000 })
        return object
    }

    private func json(_ tally: TallyProof) -> JSONText {
        var object = JSONText()
        object.add("campaign", tally.campaign)
        object.add("total", tally.counted.total)
        for state in RecipientState.allCases { object.add(state.rawValue, tally.counted[state]) }
        object.add("decided", tally.decided)
        object.add("put_back", tally.putBack)
        object.add("explained", tally.isExplained)
        return object
    }

    private func json(_ finding: Finding) -> JSONText {
        var object = JSONText()
        object.add("check", finding.check)
        object.add("detail", finding.detail)
        return object
    }

    private func key(_ cap: CapProof) -> String { name(cap.held.limit.scope, cap.key) }

    /// The campaign's name, where the key is one's number.
    private func name(_ scope: LimitScope, _ key: String) -> String {
        guard scope == .campaign, let id = Int64(key) else { return key }
        return names[id] ?? key
    }

    /// Every tally is what its campaign's people add up to, and nothing contradicts a state.
    private var isExplained: Bool {
        proof.tallies.allSatisfy(\.isExplained)
            && !proof.findings.contains { $0.check == "tallies" || $0.check == "states" }
    }

    func text() -> String {
        var text = ""
        if !proof.caps.isEmpty { text += caps() + "\n" }
        if !proof.tallies.isEmpty {
            let explained = proof.tallies.count { $0.isExplained }
            text += tallies()
            text += tr("Tallies explained: {0} of {1}.", explained, proof.tallies.count) + "\n\n"
        }
        if !proof.kept.isEmpty {
            text += tr("Retention has taken out the oldest grants; what was before is no part of this proof:") + "\n"
            for kept in proof.kept { text += "  " + line(kept) + "\n" }
            text += "\n"
        }
        for claim in proof.claims { text += line(claim) + "\n" }
        if !proof.claims.isEmpty { text += "\n" }
        for finding in proof.findings { text += OutsideText.plain("\(finding.check): \(told(finding.detail))") + "\n" }
        if !proof.findings.isEmpty { text += "\n" }
        return text + sentence + "\n"
    }

    private func line(_ kept: KeptLedger) -> String {
        let of = OutsideText.plain("\(LimitReport.word(kept.scope)) \(name(kept.scope, kept.key))")
        return tr(
            "{0}: kept from {1} on, {2} grants taken out", of, kept.from.map { TimeText.moment($0, now: now) } ?? "?",
            NumberText.count(kept.removed))
    }

    private func line(_ claim: ClaimRecord) -> String {
        let at = TimeText.moment(claim.at, now: now)
        let known = claim.known.map { TimeText.moment($0, now: now) } ?? tr("the beginning")
        return claim.fillsCaps
            ? tr(
                "Claimed at {0}: what was sent from elsewhere after {1} is no part of this proof; it counts as full use of every cap.",
                at, known)
            : tr(
                "Claimed at {0} with fresh caps: what was sent from elsewhere after {1} is no part of this proof, and counts for nothing.",
                at, known)
    }

    private func caps() -> String {
        var table = TextTable([
            (tr("CAP"), .left), (tr("OF"), .left), (tr("AT MOST"), .right), (tr("TIGHTEST WINDOW"), .right),
            (tr("UNTIL"), .left), (tr("LEFT"), .right), (tr("TO SPARE"), .right),
        ])
        for cap in proof.caps {
            let limit = cap.held.limit
            var of = key(cap)
            if let account = cap.held.account, limit.scope != .account { of += " (\(account))" }
            if let campaign = cap.held.campaign, limit.scope != .campaign { of += " (\(names[campaign] ?? ""))" }
            table.add([
                LimitReport.word(limit.scope), of,
                "\(NumberText.count(cap.allowed)) / \(DurationText.text(.microseconds(limit.perMicroseconds)))",
                NumberText.count(cap.peak), cap.at.map { TimeText.moment($0, now: now) } ?? "",
                NumberText.count(cap.margin), cap.slackMicroseconds.map(Self.slack) ?? "",
            ])
        }
        return table.text()
    }

    /// How much longer than the window the nearest N + 1 messages took.
    private static func slack(_ micro: Int64) -> String {
        if micro < 0 { return "-" + slack(-micro) }
        if micro < 1_000 { return "\(micro) µs" }
        if micro < 1_000_000 { return "\(NumberText.decimal(Double(micro) / 1000, atMost: 1)) ms" }
        if micro < 60_000_000 { return "\(NumberText.decimal(Double(micro) / 1_000_000, atMost: 1)) s" }
        return TimeText.span(.microseconds(micro))
    }

    private func tallies() -> String {
        var table = TextTable(
            [(tr("CAMPAIGN"), .left), (tr("PEOPLE"), .right)]
                + RecipientState.allCases.map { (CampaignStatus.word($0), .right) })
        for tally in proof.tallies {
            table.add(
                [tally.campaign, NumberText.count(tally.counted.total)]
                    + RecipientState.allCases.map {
                        let (count, kept) = (tally.counted[$0], tally.kept[$0])
                        if count != kept { return "\(NumberText.count(count)) ≠ \(NumberText.count(kept))" }
                        return count == 0 ? "" : NumberText.count(count)
                    })
        }
        return table.text()
    }

    private var sentence: String {
        let unclear = proof.caps.map(\.unclear).max() ?? 0
        guard unclear > 0 else { return verdict }
        return verdict + " "
            + trn(
                "Of {0} message nobody can say whether it kept its cap: the machine's clock was set while it went.",
                "Of {0} messages nobody can say whether they kept their cap: the machine's clock was set while they went.",
                unclear)
    }

    private var verdict: String {
        guard proof.isProven else {
            let passed = proof.findings.contains { $0.check == "caps" }
            let first = trn(
                "Not proven: {0} contradiction.", "Not proven: {0} contradictions.", proof.findings.count)
            return passed
                ? first + " " + tr("If a cap was lowered after that moment, more was allowed then.") : first
        }
        if proof.claims.contains(where: { !$0.fillsCaps }), proof.attempts > 0 {
            return tr(
                "Proven for what was sent from here: over {0} attempts no cap was passed by them, and the state of each of {1} people is explained.",
                NumberText.count(proof.attempts), NumberText.count(proof.recipients))
        }
        if !proof.kept.isEmpty, proof.attempts > 0 {
            return tr(
                "Proven as far as the ledger is kept: over {0} attempts no cap was passed in any window of it, and the state of each of {1} people is explained.",
                NumberText.count(proof.attempts), NumberText.count(proof.recipients))
        }
        if proof.attempts == 0 { return tr("Proven: nothing was ever begun.") }
        if proof.caps.isEmpty {
            return tr(
                "Proven: {0} attempts and {1} grants agree, and every state is explained; no cap is set.",
                NumberText.count(proof.attempts), NumberText.count(proof.grants))
        }
        return tr(
            "Proven: over {0} attempts no cap was ever passed, and the state of each of {1} people is explained.",
            NumberText.count(proof.attempts), NumberText.count(proof.recipients))
    }
}
