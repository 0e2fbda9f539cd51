/// The columns of a recipients file as templates see them.
struct ColumnNames: Sendable {
    let names: [String]
    private let index: [String: Int]

    init(_ names: [String]) {
        self.names = names
        var index: [String: Int] = [:]
        for (position, name) in names.enumerated() where index[name] == nil { index[name] = position }
        // `{{email}}` works whatever the address column is called.
        let email = CSVHeader.emailColumns(names)
        if index["email"] == nil, email.count == 1 { index["email"] = email[0] }
        self.index = index
    }

    subscript(name: String) -> Int? { index[name] }

    /// The column a mistyped name most likely means, if any is near.
    func nearest(to name: String) -> String? {
        let wanted = Array(name.lowercased())
        var best: (name: String, distance: Int)?
        for candidate in names {
            let distance = ColumnNames.distance(wanted, Array(candidate.lowercased()))
            if distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        guard let best, best.distance <= max(1, min(3, wanted.count / 2)) else { return nil }
        return best.name
    }

    /// Edits (insert, delete, replace) between two names.
    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var row = Array(0...b.count)
        for i in a.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let above = row[j + 1]
                row[j + 1] = a[i] == b[j] ? diagonal : 1 + min(diagonal, above, row[j])
                diagonal = above
            }
        }
        return row[b.count]
    }
}
