/// Under which name each domain is counted: its provider's, that of its MX hosts where they were looked up, or its own.
///
/// Lives as long as the transaction it reads in.
final class SiteTable {
    struct Entry {
        let site: String
        /// Queue time.
        let expires: Int64
    }

    static let select: StaticString = "SELECT site, expires FROM site WHERE domain = ?"

    private let query: Prepared
    private var known: [String: Entry?] = [:]

    /// - Parameter query: `select`, prepared.
    init(_ query: Prepared) { self.query = query }

    func entry(_ domain: String) throws -> Entry? {
        if let entry = known[domain] { return entry }
        query.bind(1, domain)
        let entry = try query.step() ? Entry(site: query.text(0), expires: query.integer(1)) : nil
        query.reset()
        known[domain] = .some(entry)
        return entry
    }

    /// - Parameter domain: ASCII, lower case.
    func group(_ domain: String) throws -> String {
        guard DomainGroup.isLookedUp(domain) else { return DomainGroup.key(domain) }
        return try entry(domain)?.site ?? domain
    }

    /// Whether a limit (by domain) holds for a group.
    func holds(_ limit: Limit, for group: String) throws -> Bool {
        guard let key = limit.key else { return true }
        return try self.group(key) == group
    }
}
