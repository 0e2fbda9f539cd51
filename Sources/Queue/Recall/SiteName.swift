/// The name of a set of MX hosts, for people to read and for machines to compare: equal sets have equal names, others
/// have others. What the hosts have in common stands once: `(mx1|mx2).example.net`, `(alt1|alt2)?.mx.example.net`.
public enum SiteName {
    /// - Parameter hosts: in any order and case, with or without the dot at the end.
    /// - Returns: nil for none, and for a name that cannot be a host's.
    public static func of(_ hosts: [String]) -> String? {
        let names = Set(
            hosts.map { host in
                let lower = host.lowercased()
                return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
            }
        ).sorted()
        guard let first = names.first, names.allSatisfy(isHost) else { return nil }
        guard names.count > 1 else { return first }
        let labels = names.map { Array($0.split(separator: ".").reversed()) }
        let shortest = labels.map(\.count).min() ?? 0
        var common = 0
        while common < shortest, labels.allSatisfy({ $0[common] == labels[0][common] }) { common += 1 }
        let heads = labels.map { $0.dropFirst(common).reversed().joined(separator: ".") }
        let tail = labels[0].prefix(common).reversed().joined(separator: ".")
        let list = "(" + heads.filter { !$0.isEmpty }.joined(separator: "|") + ")"
        guard common > 0 else { return list }
        return list + (heads.contains("") ? "?." : ".") + tail
    }

    private static func isHost(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 253
            && !name.split(separator: ".", omittingEmptySubsequences: false).contains(where: \.isEmpty)
            && name.utf8.allSatisfy { byte in
                (97...122).contains(byte) || (48...57).contains(byte) || byte == 45 || byte == 46 || byte == 95
            }
    }
}
