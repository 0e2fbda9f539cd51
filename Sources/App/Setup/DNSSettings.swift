import Transport

/// `[dns]` of config.toml: whom to ask which domains share a server, if anybody.
struct DNSSettings: Sendable, Equatable {
    /// As `MXResolver` takes them; empty for the system's.
    var servers: [String] = []
    /// Domains with the same MX hosts are one destination for limits by domain.
    var sharesMX = true

    /// - Throws: `Failure` (78).
    init(_ section: TOMLSection?) throws {
        guard let section else { return }
        try section.allow(["servers", "share_mx"])
        servers = try section.strings("servers") ?? []
        if let wrong = servers.first(where: { !MXResolver.isServer($0) }) {
            throw section.fault(
                "servers", tr("\"{0}\" is not an address like 127.0.0.1, 127.0.0.1:5353 or [::1]:53", wrong))
        }
        sharesMX = try section.bool("share_mx") ?? true
    }

    /// nil where nobody is to be asked.
    var resolver: MXResolver? { sharesMX ? MXResolver(servers: servers) : nil }
}
