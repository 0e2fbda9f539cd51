/// Providers that count several domains as one.
public enum DomainGroup {
    private static let heads: [String: String] = [
        "vip.qq.com": "qq.com", "foxmail.com": "qq.com",
        "126.com": "163.com", "yeah.net": "163.com", "vip.163.com": "163.com", "vip.126.com": "163.com",
        "googlemail.com": "gmail.com",
        "hotmail.com": "outlook.com", "live.com": "outlook.com", "msn.com": "outlook.com",
    ]

    /// The name under which a domain (ASCII, lower case) is counted.
    public static func key(_ domain: String) -> String { heads[domain] ?? domain }
}
