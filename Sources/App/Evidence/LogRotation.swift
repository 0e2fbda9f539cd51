/// Where a log stands among those it was rotated with: `mail.log.2.gz` and `mail.log-20261129` are older than `mail.log`.
struct LogRotation: Equatable {
    /// The path that all of them have in common.
    let family: String
    /// The smaller, the older; 0 for the one that is written to.
    let rank: Int

    init(_ path: String) {
        var name = Substring(path)
        for ending in [".gz", ".xz", ".bz2", ".zst"] where name.hasSuffix(ending) { name = name.dropLast(ending.count) }
        let digits = name.reversed().prefix { $0.isASCII && $0.isNumber }.count
        let stem = name.dropLast(digits)
        guard digits > 0, digits <= 14, let number = Int(name.suffix(digits)), let mark = stem.last else {
            (family, rank) = (path, 0)
            return
        }
        switch mark {
        // The first is the youngest.
        case "." where digits <= 4: (family, rank) = (String(stem.dropLast()), -number)
        // A date: all of them lie behind whatever is counted.
        case "-" where digits >= 8: (family, rank) = (String(stem.dropLast()), number - 1_000_000_000_000_000)
        default: (family, rank) = (path, 0)
        }
    }

    /// Each family's logs from the oldest to the newest, in the places it had; all else stays where it was.
    static func ordered(_ paths: [String]) -> [String] {
        var result = paths
        let families = Dictionary(grouping: paths.indices) { LogRotation(paths[$0]).family }
        for places in families.values where places.count > 1 {
            let sorted = places.sorted { (LogRotation(paths[$0]).rank, $0) < (LogRotation(paths[$1]).rank, $1) }
            for (place, from) in zip(places, sorted) { result[place] = paths[from] }
        }
        return result
    }
}
