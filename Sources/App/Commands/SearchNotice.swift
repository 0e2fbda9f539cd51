/// Why a search takes a while the first time.
enum SearchNotice {
    private static let worthSaying = 200_000

    /// Says once in a while on stderr how far the index has caught up, when there is much to catch up with.
    static func progress() -> (Int) -> Void {
        var said = 0
        return { taken in
            guard taken - said >= worthSaying else { return }
            said = taken
            Notice.line(tr("Taking what is new into the search index: {0} lines so far", NumberText.count(taken)))
        }
    }
}
