/// Providers that count several domains as one, and domains that no name server need be asked about.
public enum DomainGroup {
    private static let heads: [String: String] = [
        "vip.qq.com": "qq.com", "foxmail.com": "qq.com",
        "126.com": "163.com", "yeah.net": "163.com", "vip.163.com": "163.com", "vip.126.com": "163.com",
        "googlemail.com": "gmail.com",
        "hotmail.com": "outlook.com", "live.com": "outlook.com", "msn.com": "outlook.com",
    ]
    private static let providers = Set(heads.values)
    /// RFC 2606 and RFC 6761, RFC 6762 (`local`), RFC 7686 (`onion`), and `internal`: nobody's on the open net.
    private static let reservedTops: Set<Substring> = [
        "test", "example", "invalid", "localhost", "local", "onion", "internal",
    ]
    private static let reservedNames: Set<String> = ["example.com", "example.net", "example.org"]

    /// The name under which a domain (ASCII, lower case) is counted, by the provider alone.
    public static func key(_ domain: String) -> String { heads[domain] ?? domain }

    /// Whether its MX hosts tell who else it shares a server with: neither a provider that is known by name, nor a
    /// reserved name, nor an address in brackets.
    public static func isLookedUp(_ domain: String) -> Bool {
        guard heads[domain] == nil, !providers.contains(domain), !domain.hasPrefix("["), domain.utf8.count <= 253
        else { return false }
        let labels = domain.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count > 1, !labels.contains(where: \.isEmpty), let top = labels.last, !reservedTops.contains(top)
        else { return false }
        return !reservedNames.contains(labels.suffix(2).joined(separator: "."))
    }
}
